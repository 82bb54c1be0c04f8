#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/service/operations.hpp"
#include "tests/simulation/commit_witness.hpp"
#include "tests/simulation/findings.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// Operators who act on many runs at once: they start bulk operations by a filter, through any node, and stop one now
/// and then, while nodes come and go. Looks again and again at what the operations' rows say (I-26). Their random
/// numbers are their own, so that stories without them stay as they are.
class BulkOperators {
 public:
  BulkOperators(SimulatedCluster& cluster, CommitWitness& witness, Findings& findings, std::uint64_t seed)
      : cluster_(cluster), witness_(witness), findings_(findings), random_(seed * 7 + 7) {}

  /// From now on somebody starts an operation every few seconds.
  void go();
  /// They start and stop nothing more.
  void calm_down() { is_calm_ = true; }
  /// Whether every start was answered, and every operation has ended.
  [[nodiscard]] bool are_over() const;
  /// After the last commit: what each operation says of its runs is what their histories tell.
  void check_ends();

 private:
  struct Start;
  /// What its row told at the last look.
  struct Known {
    std::vector<RunId> runs;
    std::int32_t next_item = 0;
    std::optional<std::size_t> at_stop;  ///< where it stood when it was first seen stopped
    store::OperationState state = store::OperationState::running;
  };
  using Row = store::memory::Tables::Operation;

  void start_one();
  void ask(const std::shared_ptr<Start>& start);
  void answered(const std::shared_ptr<Start>& start, const Result<service::StartedOperation>& answer);
  void stop(store::OperationId id);
  void watch();
  void look_at(store::OperationId id, const Row& row);
  void check_failures(store::OperationId id, const Row& row);
  void check_items(store::OperationId id, const Row& row);
  void check_item(store::OperationId id, const Row& row, std::size_t item, const std::set<std::string>& refused);
  [[nodiscard]] std::string any_node();
  [[nodiscard]] bool chance(std::uint64_t one_in) { return random_.next() % one_in == 0; }
  [[nodiscard]] Duration up_to(Duration most) {
    return Duration{static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(most.count()))};
  }

  SimulatedCluster& cluster_;
  CommitWitness& witness_;
  Findings& findings_;
  SeededRandom random_;
  bool is_calm_ = false;
  int unanswered_ = 0;
  std::map<store::OperationId, Known> known_;
};

}  // namespace orchestrator::testing
