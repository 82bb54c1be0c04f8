#pragma once

#include <cstdint>

#include "orchestrator/service/service.hpp"
#include "tests/simulation/commit_witness.hpp"
#include "tests/simulation/findings.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// People and programs who look at open runs at any moment, through any node. Whatever they are told must be committed
/// by then (I-29): else they act on what a crash takes back. Their random numbers are their own, so that stories
/// without them stay as they are.
class Readers {
 public:
  Readers(SimulatedCluster& cluster, const CommitWitness& witness, Findings& findings, std::uint64_t seed)
      : cluster_(cluster), witness_(witness), findings_(findings), random_(seed * 7 + 7) {}

  /// From now on somebody looks at a run every few milliseconds.
  void go();

 private:
  void look();
  void check(RunId run_id, const store::RunView& view);

  SimulatedCluster& cluster_;
  const CommitWitness& witness_;
  Findings& findings_;
  SeededRandom random_;
};

}  // namespace orchestrator::testing
