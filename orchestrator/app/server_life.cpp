#include "orchestrator/app/server_life.hpp"

#include <chrono>
#include <iostream>

#include "orchestrator/app/server.hpp"
#include "orchestrator/app/stop_signal.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/telemetry/log.hpp"

namespace orchestrator::app {
namespace {

/// How long a start may take before a line says that it is still waiting.
constexpr std::chrono::seconds kPatience{15};

}  // namespace

void announce_when_ready(Server& server, StopSignal& stop) {
  auto complain_at = std::chrono::steady_clock::now() + kPatience;
  while (!server.wait_until_ready(std::chrono::milliseconds(500))) {
    if (stop.is_requested()) return;
    if (std::chrono::steady_clock::now() < complain_at) continue;
    server.logger().warn("server_not_ready", {{"waiting_for", "the database or a shard"}});
    complain_at += kPatience;
  }
  const Json line = {{"event", "ready"}, {"url", server.url()}, {"node_id", server.node_id()}};
  std::cout << dump_json(line) << std::endl;
}

}  // namespace orchestrator::app
