#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/bulk_operators.hpp"
#include "tests/simulation/chaos.hpp"
#include "tests/simulation/clients.hpp"
#include "tests/simulation/commit_witness.hpp"
#include "tests/simulation/findings.hpp"
#include "tests/simulation/operators.hpp"
#include "tests/simulation/performers.hpp"
#include "tests/simulation/readers.hpp"
#include "tests/simulation/remote_performers.hpp"
#include "tests/simulation/scheduled_runs.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {

/// One seed of the whole engine: nodes, clients, workers and webhooks in one process, on a virtual clock, over the
/// store in memory. The seed decides everything; the same seed plays the same story.
class Story {
 public:
  /// @param keeps_resting two of three stories keep runs at rest in memory, some of them only a few; else none does
  explicit Story(std::uint64_t seed, bool keeps_resting = true);
  ~Story();

  /// Plays to the end; what it found wrong, or nothing.
  const std::vector<std::string>& play();
  /// What may go wrong in this seed, and what is at work in it.
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::uint64_t commits() const { return witness_.commits(); }

 private:
  void limit_narrow();
  void write_script();
  void begin_run(const std::string& workflow, const std::string& key);
  void pay(const std::string& key);
  void race(const std::string& key);
  void gather();
  void run_errands();
  void enqueue(const std::string& handler, const std::string& key, JobSpec spec, Duration delay = {});
  void write_jobs(const std::string& key);
  void at(Duration most, std::function<void()> action);
  void check_clock();
  void settle();
  void cancel_what_is_left();
  void check_ends();
  void check_run(const store::RunView& run);
  void check_job(RunId id);
  void check_signals();
  void check_broadcasts();
  void check_checkpoint(RunId id);
  [[nodiscard]] bool chance(std::uint64_t one_in) { return random_.next() % one_in == 0; }
  [[nodiscard]] bool is_over();

  Findings findings_;
  SeededRandom random_;
  SimulatedCluster cluster_;
  CommitWitness witness_;
  Performers performers_;
  Temper temper_;
  Chaos chaos_;
  Clients clients_;
  RemotePerformers remote_;
  const bool has_remote_workers_;
  ScheduledRuns scheduled_;
  const bool has_schedule_;
  Operators operators_;
  const bool has_operators_;
  BulkOperators bulk_operators_;
  const bool has_bulk_operators_;
  Readers readers_;
  const bool has_readers_;
  std::vector<std::string> cast_;
};

}  // namespace orchestrator::testing
