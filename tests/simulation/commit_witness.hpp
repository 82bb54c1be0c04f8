#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/model/history_event.hpp"
#include "orchestrator/store/memory/memory_store.hpp"
#include "tests/simulation/findings.hpp"

namespace orchestrator::testing {

/// Sees every batch in the moment before it is written, and checks it against all that was written before. What it
/// knows of fences, keys and journals is its own, so that neither the engine nor the store can talk it out of a fault.
class CommitWitness {
 public:
  CommitWitness(const store::memory::Tables& tables, Findings& findings) : tables_(tables), findings_(findings) {}

  /// @param exact_clock the database's clock was never stepped, so that owners cannot be ahead of it
  void before_commit(const store::Batch& batch, Timestamp database_now, bool exact_clock);
  /// The statements of a transactional handler commit together with this batch.
  void step_committed(const store::Batch& batch, const std::vector<store::memory::Statement>& statements);
  /// Whether the last batch left what it should have, and nothing else.
  void check_last();
  /// After the last commit of a seed: every transactional step has its effect, every effect its step.
  void check_effects(const std::set<std::string>& transactional_states);

  /// Whether the attempt is in a committed journal, or in a job's row.
  [[nodiscard]] bool was_scheduled(RunId run, const std::string& state, std::int32_t attempt) const;
  [[nodiscard]] bool was_cancelled(RunId run) const;
  [[nodiscard]] int retries_of(RunId run) const;
  /// How often a bulk operation has cancelled, paused, resumed or retried it.
  [[nodiscard]] int effects_of_operation(const std::string& operation, RunId run) const;
  /// Whether an operator put a result in a state's place.
  [[nodiscard]] bool was_skipped(RunId run) const;
  /// Whether a state of this name is in its committed journal.
  [[nodiscard]] bool was_entered(RunId run, const std::string& state) const;
  /// How often a handler gave a step of it back for later.
  [[nodiscard]] int snoozes_of(RunId run) const;
  [[nodiscard]] std::uint64_t commits() const { return commits_; }

 private:
  /// One scope of a run.
  struct Thread {
    std::string state;
    std::int32_t attempt = 0;
    bool is_open = false;  ///< an attempt is scheduled and has no outcome
    std::optional<Timestamp> not_before;
  };
  struct Seen {
    ShardId shard{};
    EventId next = 1;
    Timestamp last_at{};
    std::optional<RunState> closed;
    bool is_cancelling = false;
    bool is_paused = false;
    int retries = 0;
    int snoozes = 0;
    bool is_skipped = false;
    std::set<std::string> entered;  ///< states
    std::map<std::string, int> by_operation;
    std::map<ScopeId, Thread> threads;
    std::set<std::pair<std::string, std::int32_t>> scheduled;
    std::map<std::string, int> succeeded;  ///< by state
  };
  using Key = std::tuple<std::string, std::string, std::string>;

  void see_journal(const store::JournalRow& row);
  void see_event(Seen& seen, const store::JournalRow& row, const HistoryEvent& event);
  void see_runs(const store::Batch& batch);
  void see_jobs(const store::Batch& batch);
  void see_signals(const store::Batch& batch);
  void see_messages(const store::Batch& batch);
  void see_progress(RunId id, const store::RunProgress& progress);

  const store::memory::Tables& tables_;
  Findings& findings_;
  std::uint64_t commits_ = 0;
  Timestamp database_now_{};
  bool exact_clock_ = true;
  std::map<RunId, Seen> runs_;
  std::map<Key, RunId> open_keys_;
  std::map<SignalId, RunId> consumed_;
  std::map<std::string, int> effects_;  ///< by idempotency key
  std::map<std::pair<RunId, std::string>, int> effects_of_;
  std::vector<store::JournalRow> fenced_off_;       ///< of the last batch: must not appear
  std::vector<std::pair<RunId, EventId>> written_;  ///< of the last batch: must have appeared
};

}  // namespace orchestrator::testing
