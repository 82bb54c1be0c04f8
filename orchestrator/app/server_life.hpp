#pragma once

namespace orchestrator::app {

class Server;
class StopSignal;

/// Waits until the server takes on work, or a stop is requested, then prints the ready line on standard output:
/// `{"event":"ready","url":"http://127.0.0.1:8080","node_id":"..."}`.
void announce_when_ready(Server& server, StopSignal& stop);

}  // namespace orchestrator::app
