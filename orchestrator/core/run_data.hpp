#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/core/run.hpp"
#include "orchestrator/core/scope.hpp"

namespace orchestrator::core {

/// Bulk operations that a run knows, so that what a crash repeats happens once. A repeat comes within a lease of the
/// operation; many more than act on one run in that time. Source: docs/operations/limits.md.
inline constexpr std::size_t kMaxKnownOperations = 16;

/// An operator holds a run.
struct Pause {
  Timestamp since{};
  std::string reason;
  std::string actor;
};

/// Everything a run is. Changed only by `apply` (apply.hpp), apart from what is marked as memory.
struct RunData {
  RunHeader header;
  language::DefinitionPtr definition;

  EventId last_id = 0;
  Timestamp last_at{};
  bool begun = false;                         ///< ExecutionStarted was applied
  std::optional<Timestamp> started_at;        ///< first state entered
  std::optional<Timestamp> first_attempt_at;  ///< of a job: when a worker began it for the first time
  std::optional<Timestamp> deadline;          ///< of the whole run
  std::optional<RunState> closed;
  std::optional<Timestamp> closed_at;
  Payload output;
  std::optional<std::string> error;
  std::optional<std::string> cause;
  std::optional<CancelMode> cancelling;  ///< asked for, waits for tasks in hand
  std::optional<std::string> cancel_reason;
  std::optional<Pause> paused;
  std::int32_t redrives = 0;
  std::optional<std::int32_t> edited_priority;         ///< as the header has it: an operator changed it
  std::optional<Timestamp> edited_run_at;              ///< likewise
  Payload edited_attributes;                           ///< likewise
  std::optional<std::int64_t> edited_timeout_seconds;  ///< likewise; counts instead of the definition's, too
  Json step_edits;                                     ///< by state name, as in RunEdited's `steps`; null when none
  std::optional<Timestamp> clock_from;  ///< from when the run's own time-out counts: its start or its last retry
  std::vector<std::string> operations;  ///< bulk operations that have acted on it, the last ones, oldest first

  std::map<ScopeId, Scope> scopes;
  ScopeId next_scope = 1;

  // Derived from the scopes, kept so that no question costs a walk over them.
  std::set<std::pair<Timestamp, ScopeId>> timers;
  std::map<StepId, ScopeId> inner_steps;  ///< of all scopes but the outermost
  std::int32_t open_tasks = 0;
  std::int32_t tasks_in_hand = 0;

  // Memory only.
  std::uint64_t decisions = 0;
  Json context;  ///< `$$` as last built; see context_object.cpp
  Payload context_overrides;

  RunData(RunHeader header_, language::DefinitionPtr definition_);

  Scope* find(ScopeId id) {
    const auto found = scopes.find(id);
    return found == scopes.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const Scope* find(ScopeId id) const {
    const auto found = scopes.find(id);
    return found == scopes.end() ? nullptr : &found->second;
  }
  Scope& root() { return scopes.begin()->second; }
  [[nodiscard]] const Scope& root() const { return scopes.begin()->second; }

  /// The scope whose present step has this number, or null.
  [[nodiscard]] const Scope* find_step(StepId step) const;
  Scope* find_step(StepId step) { return const_cast<Scope*>(std::as_const(*this).find_step(step)); }

  /// Moves a scope to another phase and keeps the derived counters and timers right.
  void set_phase(Scope& scope, Phase phase, Timestamp since, std::optional<Timestamp> due = std::nullopt);
  /// Takes over a phase whose times are already in the step: for restoring a checkpoint.
  void adopt_phase(Scope& scope, Phase phase);
  [[nodiscard]] bool was_acted_on_by(const std::string& operation) const;
  void note_operation(const std::string& operation);
  /// Removes a scope with all scopes inside it.
  void erase(ScopeId id);
  /// The future moment before which nothing may begin, when there is one and nothing has begun.
  [[nodiscard]] std::optional<Timestamp> pending_start() const;
  /// The earliest time-out of the run, a signal wait or a child: what goes on counting while the run is paused.
  [[nodiscard]] std::optional<Timestamp> next_time_out() const;

  /// `namespace/workflow/<run key, else run id>/<state path with Map index>/<visit>`; of a job always with its id.
  [[nodiscard]] std::string idempotency_key(const Scope& scope) const;
};

struct Run::Body : RunData {
  using RunData::RunData;
};

/// The planner's own door into a run.
struct RunAccess {
  static RunData& data(Run& run) { return *run.body_; }
  static const RunData& data(const Run& run) { return *run.body_; }
};

}  // namespace orchestrator::core
