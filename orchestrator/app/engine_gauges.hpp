#pragma once

#include <string>
#include <thread>

#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {
class Node;
}
namespace orchestrator::telemetry {
class Logger;
class Metrics;
}  // namespace orchestrator::telemetry

namespace orchestrator::app {

/// Sets the node's gauges (queues, runs, shards) whenever /metrics is rendered. `node` outlives the rendering.
void show_node_gauges(const runtime::Node& node, telemetry::Metrics& metrics);

/// Reads now and then what only the database knows (the oldest snapshot, unmatched signals) into gauges, on a thread of
/// its own with a connection of its own. Ends with its destruction.
class DatabaseGauges {
 public:
  /// `metrics` and `logger` outlive it.
  DatabaseGauges(std::string url, telemetry::Metrics& metrics, telemetry::Logger& logger);
  ~DatabaseGauges();
  DatabaseGauges(const DatabaseGauges&) = delete;
  DatabaseGauges& operator=(const DatabaseGauges&) = delete;

 private:
  void run(const std::string& url);
  /// False when it is time to end.
  bool pause();

  telemetry::Metrics& metrics_;
  telemetry::Logger& logger_;
  telemetry::Mutex mutex_;
  telemetry::Condition ended_;
  bool ending_ ORC_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace orchestrator::app
