#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "orchestrator/service/schedules.hpp"
#include "tests/simulation/findings.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// One schedule in a story: asks for it until somebody answers, and checks what became of each of its slots. Its random
/// numbers are its own, so that stories without one stay as they are.
class ScheduledRuns {
 public:
  ScheduledRuns(SimulatedCluster& cluster, Findings& findings, std::uint64_t seed)
      : cluster_(cluster), findings_(findings), random_(seed * 7 + 5) {}

  /// Creates the schedule, with moments within this time from now.
  void begin(Duration within);
  /// Sees each batch before it is written.
  void before_commit(const store::Batch& all);
  /// Whether no slot is to come or waits.
  [[nodiscard]] bool are_over() const;
  /// I-21, after the last commit.
  void check_ends();

 private:
  void ask();

  SimulatedCluster& cluster_;
  Findings& findings_;
  SeededRandom random_;
  std::optional<service::ScheduleChange> change_;  ///< nothing: no schedule in this story
  bool answered_ = false;
};

}  // namespace orchestrator::testing
