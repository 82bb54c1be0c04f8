#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "tests/simulation/commit_witness.hpp"
#include "tests/simulation/narrow_queue.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// The handlers of the simulated flows. Each checks, in the moment in which it is called, that it may be.
///
/// | handler | does |
/// |---|---|
/// | `plain` | completes |
/// | `slow` | now and then works longer than its time-out |
/// | `flaky` | fails one time in three |
/// | `stubborn` | fails until an operator has retried its run |
/// | `charge`, `charge.ask` | charges a card once per key; often does not know whether it did, and can be asked |
/// | `narrow` | takes its time, in a queue that has a limit |
/// | `booked` | writes an effect in the step's own transaction |
/// | `snoozer` | gives its task back every second time |
/// | `killer` | takes its whole process down, every time |
class Performers {
 public:
  Performers(SimulatedCluster& cluster, CommitWitness& witness, Findings& findings, std::uint64_t seed);

  /// The database's clock was stepped or a node frozen in its last step: for a while leases do not tell who is alone.
  void doubt_leases_until(Duration until) {
    leases_doubted_until_ = until;
    narrow_.doubt_leases_until(until);
  }
  /// A process died or lost its shards with work in hand: from here on work may be repeated.
  void allow_repeats() { repeats_allowed_ = true; }
  [[nodiscard]] NarrowQueue& narrow() { return narrow_; }

  [[nodiscard]] static std::set<std::string> transactional_states() { return {"Book"}; }
  /// How often each poisonous run took a process down.
  [[nodiscard]] const std::map<RunId, int>& kills() const { return kills_; }
  /// Called with the node's name when `killer` strikes.
  std::function<void(const std::string& node)> killed;

 private:
  /// No flow's Retry allows more than 12 attempts of a step, and no seed has this many crashes besides.
  static constexpr std::int32_t kMostAttempts = 30;

  void add(const std::string& name, PlainHandler handler);
  /// What every call must satisfy.
  void check_call(const Json& input, const TaskContext& context);
  void check_line(const RunHeader& job, const std::string& where);
  Outcome done(const TaskContext& context);
  [[nodiscard]] bool chance(std::uint64_t one_in) { return random_.next() % one_in == 0; }

  SimulatedCluster& cluster_;
  CommitWitness& witness_;
  Findings& findings_;
  NarrowQueue narrow_;
  SeededRandom random_;
  Duration leases_doubted_until_{0};
  bool repeats_allowed_ = false;
  using StepName = std::tuple<RunId, std::string, std::string>;  ///< run, state, input
  std::map<StepName, std::string> keys_;
  std::map<std::string, StepName> steps_;
  struct Tried {
    std::int32_t attempt = 0;
    int retries_of_run = 0;
  };
  std::map<std::string, Tried> tried_;                                   ///< by idempotency key
  std::map<std::tuple<std::string, std::int32_t, int>, int> performed_;  ///< key, attempt, retries of the run
  std::set<std::string> charged_;
  std::map<RunId, int> kills_;
};

}  // namespace orchestrator::testing
