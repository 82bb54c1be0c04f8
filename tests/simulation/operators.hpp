#pragma once

#include <cstdint>
#include <vector>

#include "orchestrator/service/service.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// Operators who pause runs and jobs at any moment, through any node, and resume them later; in the end all of them.
/// Some also skip states and edit runs. Their random numbers are their own, so that stories without them stay as they
/// are.
class Operators {
 public:
  /// @param may_mend they also skip and edit
  Operators(SimulatedCluster& cluster, std::uint64_t seed, bool may_mend)
      : cluster_(cluster), random_(seed * 7 + 6), may_mend_(may_mend) {}

  /// From now on somebody looks at a run every few hundred milliseconds.
  void go();
  /// They only resume, until nothing is paused.
  void calm_down() { is_calm_ = true; }
  /// Ends a run that nobody else will.
  void cancel(RunId run_id);

 private:
  void look();
  void mend(RunId run_id);
  [[nodiscard]] core::SkipAsked skip_of(RunId run_id) const;
  core::EditAsked some_edit();
  void steer(RunId run_id, core::Steering asked);

  SimulatedCluster& cluster_;
  SeededRandom random_;
  const bool may_mend_;
  bool is_calm_ = false;
};

}  // namespace orchestrator::testing
