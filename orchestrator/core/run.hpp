#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/model/history_event.hpp"
#include "orchestrator/model/run_header.hpp"

namespace orchestrator::core {

struct Scope;  // scope.hpp: a thread of control and the step it is in

/// The state of one run: changed only by applying history events, live or replayed, through the planner.
class Run {
 public:
  Run(RunHeader header, language::DefinitionPtr definition);
  ~Run();
  Run(Run&&) noexcept;
  Run& operator=(Run&&) noexcept;

  [[nodiscard]] const RunHeader& header() const;
  [[nodiscard]] const language::Definition& definition() const;
  [[nodiscard]] RunState state() const;
  [[nodiscard]] EventId next_event_id() const;
  /// When its first state was entered.
  [[nodiscard]] std::optional<Timestamp> started_at() const;
  /// The `started_at` that callers see: a job does its first work when a worker begins it, however long it was ready
  /// before; a workflow when its first state is entered.
  [[nodiscard]] std::optional<Timestamp> first_work_at() const;

  /// Why it does not move: never empty while open. JSON items of contract-details.md: {kind, state_name, since, ...}.
  [[nodiscard]] Json waiting_on() const;
  /// The open wait that would take this signal, as the planner finds it.
  struct OpenWait {
    EventId step = 0;
    std::string state_name;
    bool is_decision = false;  ///< and asked for under this name
    /// What the answer to a decision must look like (language/json_schema.hpp); null pointer: anything.
    Payload answer_schema;
    /// Who may answer the decision; empty: anybody.
    std::vector<std::string> answer_roles;
  };
  [[nodiscard]] std::optional<OpenWait> open_wait_for(const SignalOffered& signal) const;
  /// The earliest durable timer (retry, wait, time-out of a wait, the run's own), nothing when there is none.
  [[nodiscard]] std::optional<Timestamp> next_timer() const;
  /// Nothing is ready or in a worker's hands: the run may be written down and forgotten.
  [[nodiscard]] bool at_rest() const;
  /// Whether the attempt is still open (for a worker that asks).
  [[nodiscard]] bool is_open(const TaskRef& task) const;
  /// Whether the hand-out of an open task is in the journal: if its node died, the task was in hand.
  [[nodiscard]] bool is_start_recorded(const TaskRef& task) const;
  /// Whether the step has an attempt or inquiry open, or may yet have another one.
  [[nodiscard]] bool may_go_on(EventId step) const;
  /// Whether somebody asked the run to stop, and what is in hand may finish.
  [[nodiscard]] bool is_cancelling() const;
  [[nodiscard]] std::optional<CancelMode> cancelling() const;
  /// Whether an operator holds it: no task of it is handed out.
  [[nodiscard]] bool is_paused() const;
  /// Marks a task as handed to a worker, in memory only: `state()` and `waiting_on()` then say running / step.
  void mark_in_hand(const TaskRef& task, Timestamp since, std::string worker);

  /// Replaces sections and members of the context object (`$$`), in memory only: for simulations with given values.
  void override_context(Payload members);

  /// Whether this bulk operation has done what it does to the run; false when empty. The last kMaxKnownOperations
  /// count.
  [[nodiscard]] bool was_acted_on_by(const std::string& operation) const;

  // Closed runs.
  [[nodiscard]] Payload output() const;
  [[nodiscard]] std::optional<std::string> error() const;
  [[nodiscard]] std::optional<std::string> cause() const;
  [[nodiscard]] std::optional<Timestamp> closed_at() const;

  /// Highest attempt number of the current steps, for list views.
  [[nodiscard]] std::int32_t attempts() const;

  /// A snapshot of everything but header and definition, and back: replay(all) == restore(checkpoint) + replay(rest).
  [[nodiscard]] Json checkpoint() const;
  static Result<Run> restore(RunHeader header, language::DefinitionPtr definition, const Json& checkpoint);

 private:
  friend class Planner;
  friend struct RunAccess;  // the planner's own files
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace orchestrator::core
