#pragma once

#include <array>

#include "orchestrator/model/outcome.hpp"
#include "orchestrator/model/run_state.hpp"
#include "orchestrator/store/batch.hpp"
#include "orchestrator/telemetry/metrics.hpp"

namespace orchestrator::runtime {

/// The engine's counters, looked up once so that the hot path only adds.
class EngineMetrics {
 public:
  explicit EngineMetrics(telemetry::Metrics& metrics);

  [[nodiscard]] const telemetry::Counter& started(RunKind kind) const {
    return started_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] const telemetry::Counter& closed(RunKind kind, RunState state) const {
    return closed_[static_cast<std::size_t>(kind)][static_cast<std::size_t>(state)];
  }
  [[nodiscard]] const telemetry::Counter& step(Outcome::Kind outcome) const {
    return steps_[static_cast<std::size_t>(outcome)];
  }
  [[nodiscard]] const telemetry::Counter& signal(std::string_view fate) const;
  [[nodiscard]] const telemetry::Counter& schedule_slot(store::SlotOutcome outcome) const {
    return schedule_slots_[static_cast<std::size_t>(outcome)];
  }
  /// The rows of a committed batch, by table.
  void count_rows(const store::Batch& batch) const;

  telemetry::Counter steps_lost;
  telemetry::Counter tasks_claimed;  ///< by remote workers
  telemetry::Counter leases_lost;    ///< of remote workers
  telemetry::Counter claims_served;
  telemetry::Counter claims_empty;
  telemetry::Counter steps_timed_out;
  telemetry::Counter commits;
  telemetry::Counter commits_failed;
  telemetry::Counter commits_in_doubt;
  telemetry::Histogram commit_seconds;
  telemetry::Histogram timer_lag_seconds;
  telemetry::Histogram schedule_lateness_seconds;
  telemetry::Counter poisoned;         ///< set aside because the database refuses its data
  telemetry::Counter poisoned_lost;    ///< a step failed because its workers died with it
  telemetry::Counter batches_refused;  ///< for their data
  telemetry::Counter take_overs;
  telemetry::Counter ownership_lost;
  telemetry::Counter shard_reloads;
  telemetry::Counter inbox_rows;

 private:
  std::array<telemetry::Counter, 2> started_;
  std::array<std::array<telemetry::Counter, 8>, 2> closed_;
  std::array<telemetry::Counter, 5> steps_;
  std::array<telemetry::Counter, 8> signals_;
  std::array<telemetry::Counter, 5> schedule_slots_;
  std::array<telemetry::Counter, 11> rows_;
};

}  // namespace orchestrator::runtime
