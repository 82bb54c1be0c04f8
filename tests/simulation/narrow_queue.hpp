#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "orchestrator/model/queue_limits.hpp"
#include "tests/simulation/findings.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// Watches the calls of a queue with limits (I-24): how many are in hand at once over all nodes, and how many begin in
/// a window of its rate. A process that is gone has nothing in hand, nor has one whose lease was over: whatever it
/// still does is no attempt of anybody any more.
class NarrowQueue {
 public:
  NarrowQueue(SimulatedCluster& cluster, Findings& findings) : cluster_(cluster), findings_(findings) {}

  /// Before the first call.
  void set_limits(const QueueLimits& limits);
  /// The database's clock was stepped: for a while leases do not tell who is alone, nor tokens what was used.
  void doubt_leases_until(Duration until) { doubted_until_ = until; }

  /// A handler of the queue is called; its number for end().
  std::uint64_t begin();
  void end(std::uint64_t call) { in_hand_.erase(call); }

 private:
  struct Call {
    std::string node;
    const void* process = nullptr;
  };

  void look();
  [[nodiscard]] bool has_lease(const Call& call) const;
  void check_window(const std::string& node);

  SimulatedCluster& cluster_;
  Findings& findings_;
  QueueLimits limits_;
  std::map<std::uint64_t, Call> in_hand_;
  std::deque<Duration> begun_;
  std::map<std::string, Duration> frozen_;  ///< when a node was last seen so
  std::uint64_t next_call_ = 1;
  Duration doubted_until_{};
};

}  // namespace orchestrator::testing
