#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/simulation/performers.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// What may go wrong in a seed. Each seed has some of these, so that a fault is not always hidden behind a crash.
struct Temper {
  bool crashes = false;
  bool freezes = false;
  bool joins_and_leaves = false;
  bool clock_steps = false;
  std::uint64_t store_fails_one_in = 0;  ///< operations; 0: never
  std::uint64_t slow_disk_one_in = 0;    ///< operations that take seconds
  std::uint64_t peer_loss_one_in = 0;
  std::uint64_t peer_repeat_one_in = 0;
  std::uint64_t answer_loss_one_in = 0;  ///< answers to clients

  [[nodiscard]] std::string describe() const;
};

Temper temper_of(SeededRandom& random);

/// Disturbs a cluster, by its own random numbers, until it is told to stop.
class Chaos {
 public:
  Chaos(SimulatedCluster& cluster, Performers& performers, const Temper& temper, std::uint64_t seed);

  /// Starts the first nodes.
  void begin();
  /// Disturbs from now on.
  void go();
  /// Ends every fault; what is down comes up again, what is stopped goes on.
  void calm_down();
  /// The last moment in which something was disturbed: now, while a node is stopped.
  [[nodiscard]] Duration last_disturbance() const;
  [[nodiscard]] bool clock_was_stepped() const { return clock_was_stepped_; }

 private:
  void arrange_faults();
  void disturb_later();
  void disturb();
  void crash(const std::string& name);
  void freeze(const std::string& name);
  void freeze_at_work(const std::string& name, int looks_left);
  void leave(const std::string& name);
  void step_clock();
  void come_up(const std::string& name);
  void come_up_later(const std::string& name, Duration most);
  [[nodiscard]] int nodes_at_work() const;
  [[nodiscard]] bool chance(std::uint64_t one_in) { return one_in != 0 && random_.next() % one_in == 0; }
  [[nodiscard]] Duration up_to(Duration most) {
    return Duration{static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(most.count()))};
  }
  void disturbed() { last_ = std::max(last_, cluster_.world.now()); }

  SimulatedCluster& cluster_;
  Performers& performers_;
  const Temper temper_;
  SeededRandom random_;
  std::vector<std::string> names_{"a", "b", "c", "d"};
  std::size_t first_nodes_ = 2;
  bool is_calm_ = false;
  std::set<std::string> leaving_;  ///< nodes that drain, or have left
  bool clock_was_stepped_ = false;
  Duration last_{0};
};

}  // namespace orchestrator::testing
