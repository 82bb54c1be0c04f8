#pragma once

#include <string>
#include <thread>

#include "orchestrator/store/postgres/retention.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::telemetry {
class Logger;
class Metrics;
}  // namespace orchestrator::telemetry

namespace orchestrator::app {

/// What has to be done to the database now and then, on a thread of its own with connections of its own: lets finished
/// work go (at start and hourly), and proves that every open run has a next event (hourly). Of several nodes one does
/// it, the others pass. Says what it did in the log and in metrics. Ends with its destruction, between two chunks.
class Upkeep {
 public:
  /// `metrics` and `logger` outlive it.
  Upkeep(std::string url, store::postgres::RetentionLimits limits, telemetry::Metrics& metrics,
         telemetry::Logger& logger);
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

 private:
  void run(const std::string& url);
  /// Whether this node did it.
  bool sweep(store::postgres::RetentionSweeper& sweeper);
  void look_for_stuck_runs(const std::string& url);
  /// False when it is time to end.
  bool pause(std::chrono::seconds time);
  [[nodiscard]] bool goes_on();

  const store::postgres::RetentionLimits limits_;
  telemetry::Metrics& metrics_;
  telemetry::Logger& logger_;
  telemetry::Mutex mutex_;
  telemetry::Condition ended_;
  bool ending_ ORC_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace orchestrator::app
