#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/service/remote_workers.hpp"
#include "tests/simulation/commit_witness.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// Remote workers: each claims from any node, and then completes, fails, gives back, goes on for long, vanishes, or
/// comes back late. Every completion has an output of its own, so that the journal tells whose word counted.
class RemotePerformers {
 public:
  /// The queue and handler of the flow that only they perform.
  static constexpr const char* kQueue = "remote";
  static constexpr const char* kHandler = "errand";

  RemotePerformers(SimulatedCluster& cluster, CommitWitness& witness, Findings& findings, std::uint64_t seed);

  /// From here on this many workers work.
  void go(int workers);
  /// Every worker does what it has claimed, from now on.
  void calm_down() { is_calm_ = true; }
  /// Whether the database's clock was stepped: then nobody knows for sure when a lease ends.
  std::function<bool()> are_leases_doubted;
  /// After the last commit: what was acknowledged is in the journal, what was refused is not.
  void check_ends();

 private:
  struct Report;
  struct Held {
    runtime::ClaimedTask task;
    int number = 0;                       ///< of the hand-out, over all workers
    std::optional<Timestamp> kept_until;  ///< its lease, as a heartbeat was answered
    bool is_over = false;                 ///< reported, or refused: another worker may have the task
  };
  using HeldPtr = std::shared_ptr<Held>;  // shared by the events that are still to come for it

  void claim(const std::string& worker);
  void claimed(const std::string& worker, const std::vector<runtime::ClaimedTask>& tasks, Duration lease);
  void check_claim(const runtime::ClaimedTask& task);
  void work(const std::string& worker, HeldPtr held, Duration lease);
  void beat(const HeldPtr& held, Duration lease, int times, std::function<void()> then);
  void report(const HeldPtr& held, Outcome outcome, std::function<void(Result<runtime::TaskAnswer>)> answered);
  void try_report(const std::shared_ptr<Report>& report);
  void complete(const HeldPtr& held);
  void give_back(const HeldPtr& held);
  [[nodiscard]] bool counted(RunId run, int number) const;
  void later(Duration most, std::function<void()> action);
  [[nodiscard]] std::string any_node();
  [[nodiscard]] bool chance(std::uint64_t one_in) { return random_.next() % one_in == 0; }

  SimulatedCluster& cluster_;
  CommitWitness& witness_;
  Findings& findings_;
  SeededRandom random_;
  bool is_calm_ = false;
  int next_number_ = 1;
  std::map<std::string, HeldPtr> holders_;   ///< by idempotency key: who had it last
  std::map<std::string, std::string> keys_;  ///< run and step: the idempotency key
  std::map<int, RunId> acknowledged_;        ///< completions, by number
  std::map<int, RunId> refused_;
};

}  // namespace orchestrator::testing
