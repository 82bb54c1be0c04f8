#pragma once

#include <cstdint>
#include <vector>

#include "orchestrator/service/service.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// Operators who pause runs and jobs at any moment, through any node, and resume them later; in the end all of them.
/// Their random numbers are their own, so that stories without them stay as they are.
class Operators {
 public:
  Operators(SimulatedCluster& cluster, std::uint64_t seed) : cluster_(cluster), random_(seed * 7 + 6) {}

  /// From now on somebody looks at a run every few hundred milliseconds.
  void go();
  /// They only resume, until nothing is paused.
  void calm_down() { is_calm_ = true; }

 private:
  void look();
  void steer(RunId run_id, core::Steering asked);

  SimulatedCluster& cluster_;
  SeededRandom random_;
  bool is_calm_ = false;
};

}  // namespace orchestrator::testing
