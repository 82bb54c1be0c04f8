#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/language/evaluate.hpp"
#include "orchestrator/model/history_event.hpp"
#include "orchestrator/model/outcome.hpp"
#include "orchestrator/model/run_header.hpp"

/// The planner: state + event + now -> decision. Pure: no clock, no randomness of its own, no I/O.
namespace orchestrator::core {

class Run;  // run.hpp: the state of one run, rebuilt from its journal

/// A step is one entry of a state; its number is the id of its StateEntered event.
using StepId = EventId;

/// Names one task: an attempt of a step, or an inquiry about one.
struct TaskRef {
  StepId step = 0;
  std::int32_t attempt = 1;  ///< numbered from 1; inquiries count on their own
  bool inquiry = false;
  auto operator<=>(const TaskRef&) const = default;
};

// ---- what can happen to a run ------------------------------------------------------------------------------------

/// The task went to a worker; recorded before the hand-out of a suspect task, and late for long ones.
struct TaskStarted {
  TaskRef task;
  std::string worker;
};

/// A worker answered. Illegal (precondition_failed) when that attempt is no longer open: the first outcome won.
struct TaskFinished {
  TaskRef task;
  Outcome outcome;
  std::string worker;
  std::optional<Timestamp> started_at;  ///< when it was handed out; adds a TaskStarted event if none was recorded
};

/// TimeoutSeconds or HeartbeatSeconds ran out while a worker had it (or before one took it).
struct TaskTimedOut {
  TaskRef task;
  std::optional<Timestamp> started_at;
};

/// The worker or node that held it is gone; outcome unknown. Handed out again without using up Retry, at most
/// `Limits::poison_limit` times, then Orchestrator.WorkerLost. With Inquire, the inquiry comes first.
struct TaskLost {
  TaskRef task;
};

/// After an unclean take-over: the step was scheduled, nobody knows whether it was in hand. Only steps with Inquire
/// change (they inquire first); for others the answer is an empty decision.
struct TaskSuspected {
  TaskRef task;
};

/// Some timer of the run is due at `now`: retries, waits, time-outs of waits and children, the run's own time-out.
struct TimersDue {};

/// A signal is offered. Illegal (precondition_failed) when no open wait takes it.
struct SignalOffered {
  SignalId signal_id;
  std::string name;
  std::optional<std::string> key;  ///< nothing: addressed to the run, meets a wait whatever its key
  Payload payload;
  Timestamp received_at{};
  StepId step = 0;  ///< the wait it was offered to; 0: any
};

/// The child run of a step exists (its first start, or the one that already held its key).
struct ChildStarted {
  StepId step = 0;
  RunId child;
};

/// The child could not be started (key conflict, unknown workflow): fails the step.
struct ChildRefused {
  StepId step = 0;
  std::string error;
  std::string cause;
};

struct ChildEnded {
  StepId step = 0;
  RunId child;
  RunState state = RunState::succeeded;
  Payload output;
  std::optional<std::string> error;
  std::optional<std::string> cause;
};

/// A bulk operation's id comes with what it asks for, here and below; empty: a person. It does one thing to a run once,
/// however often it asks (Run::was_acted_on_by).
struct CancelAsked {
  CancelMode mode = CancelMode::graceful;
  std::string reason;
  std::string actor;
  std::string operation{};
};

/// The database refuses what this run would write. It fails where it stands, past every Catch: nothing of the refused
/// decision was kept, and the next try would be refused as well.
struct DataRefused {
  std::string sqlstate;
  std::string message;
};

/// Operator's retry of a failed, timed out or cancelled run, from the failed state or `from_state`.
struct RetryAsked {
  std::optional<std::string> from_state;
  Payload input;  ///< replaces the input of the state retried; null: keep
  std::string reason;
  std::string actor;
  bool new_idempotency_key = false;
  std::string operation{};
};

/// Operator's change of an open run. `run_at` moves what waits for its moment (a future start, timers, retries), and a
/// moment that is over fires it now; refused (wrong-state) when nothing does. invalid_argument with a fault for each
/// member that does not fit this run.
struct EditAsked {
  std::optional<Timestamp> run_at;
  std::optional<std::int32_t> priority;  ///< counts from the next hand-out
  Payload attributes{};                  ///< an object: the attributes to set; null takes one away
  /// Of the whole run, counted from its start or its last retry, whatever the definition says. One that is over already
  /// ends the run now.
  std::optional<std::int64_t> timeout_seconds{};
  Payload variables{};  ///< an object: variables of the run's own scope
  Payload steps{};      ///< an object by state name: {timeout_seconds?, heartbeat_seconds?, retry?} of later attempts
  std::string reason;
  std::string actor;
};

/// Operator's pause of an open run: nothing new begins until ResumeAsked. What a worker has goes on and its outcome is
/// recorded; timers that fall due and signals wait; time-outs go on counting. Pausing a paused run changes nothing.
struct PauseAsked {
  std::string reason;
  std::string actor;
  std::string operation{};
};

/// The end of a pause: what fell due meanwhile happens now. Of a run that is not paused it changes nothing.
struct ResumeAsked {
  std::string reason;
  std::string actor;
  std::string operation{};
};

/// Operator's result of the state that the run stands in. What the state has outstanding is taken back, and a late
/// outcome of it is refused. wrong-state when nothing stands there; invalid_argument when the state cannot be left with
/// this output, and then nothing has changed.
struct SkipAsked {
  /// Of a state inside a Parallel or Map; nothing: the run's own state, with all that runs inside it.
  std::optional<std::string> state_name;
  Payload output;  ///< stands for the result; null: a Wait passes its input on, others have the result null
  std::string reason;
  std::string actor;
};

/// What an operator asks of one open run, beside cancelling it.
using Steering = std::variant<EditAsked, PauseAsked, ResumeAsked, SkipAsked>;

using Event = std::variant<TaskStarted, TaskFinished, TaskTimedOut, TaskLost, TaskSuspected, TimersDue, SignalOffered,
                           ChildStarted, ChildRefused, ChildEnded, CancelAsked, DataRefused, RetryAsked, EditAsked,
                           PauseAsked, ResumeAsked, SkipAsked>;

// ---- what the planner asks for -----------------------------------------------------------------------------------
// Carried out after the commit; doing one twice is harmless.

/// Make a task ready for a worker.
struct ScheduleTask {
  TaskRef task;
  std::string state_name;
  std::string handler;
  std::string queue;  ///< never empty
  std::int32_t priority = 0;
  Payload input;
  std::string idempotency_key;
  std::optional<std::int64_t> timeout_seconds;
  std::optional<std::int64_t> heartbeat_seconds;
  /// Its hand-out must be committed (TaskStarted) before a worker gets it: it may have killed a node.
  bool suspect = false;
  /// It was in hand at several deaths: it shall not be in hand beside another such task.
  bool alone = false;
};

/// Tell the worker that holds it to stop; its answer no longer counts.
struct CancelTask {
  TaskRef task;
};

/// The step waits for the first of these signals.
struct AwaitSignal {
  StepId step = 0;
  std::string state_name;
  std::vector<std::string> names;
  std::optional<std::string> key;  ///< nothing: only signals addressed to this run
  Timestamp since{};
};

/// The wait is over: consumed, timed out or cancelled.
struct EndSignalWait {
  StepId step = 0;
  std::vector<std::string> names;
  std::optional<std::string> key;
};

/// Start the child of a step (or continue as new, when `replace`).
struct StartChild {
  StepId step = 0;
  std::string workflow;
  std::optional<std::string> key;
  std::string on_conflict;  ///< reject | return_existing | cancel_existing
  Payload input;
  bool wait = true;  ///< false: detached; the answer is only that it started
  bool replace = false;
  std::string derivation;  ///< text from which the child's id is derived: same text, same child
  Timestamp asked_at{};    ///< when the step asked for it; the same when the command is repeated
};

struct CancelChild {
  StepId step = 0;
  RunId child;                     ///< nil: its start has not been reported; then these tell which it is
  std::optional<std::string> key;  ///< as in its StartChild, like the next two
  std::string derivation;
  Timestamp asked_at{};
  CancelMode mode = CancelMode::graceful;
  std::string reason;
};

using Command = std::variant<ScheduleTask, CancelTask, AwaitSignal, EndSignalWait, StartChild, CancelChild>;

/// What follows from one event. The run passed to the planner already has `events` applied.
struct Decision {
  std::vector<HistoryEvent> events;  ///< one journal row; empty: nothing happened
  std::vector<Command> commands;
};

/// Given from outside, once per decision.
struct Inputs {
  Timestamp now{};
  std::uint64_t seed = 0;  ///< fresh randomness for jitter, States.UUID and States.MathRandom
};

struct Limits {
  std::int32_t poison_limit = 3;  ///< ORCHESTRATOR_POISON_LIMIT
  std::size_t max_payload_bytes = 1 << 20;
  std::int32_t max_transitions_per_decision = 10'000;  ///< a Pass/Choice loop that never rests fails the run
  std::int32_t max_open_iterations = 1'000;            ///< of one Map state, whatever its MaxConcurrency
};

class Planner {
 public:
  Planner(language::Functions functions, Limits limits);

  /// Begins a run: ExecutionStarted and whatever follows at once. A future `run_at` gives a run that waits.
  Decision start(Run& run, const Inputs& inputs) const;

  /// Begins a run and ends it in the same breath, before its first state: it was promised, and cannot be. `cancelled`
  /// when another one holds its place, else `failed`, which an operator can retry.
  Decision refuse(Run& run, RunState state, std::string error, std::string cause, const Inputs& inputs) const;

  /// What should happen to `run` because of `event`; applies the events it decides on. On an error
  /// (precondition_failed: the event is illegal in this state) the run is unchanged.
  Result<Decision> decide(Run& run, const Event& event, const Inputs& inputs) const;

  /// Whether `decide` would take this event now: its error, and `run` stays as it is.
  [[nodiscard]] Status rehearse(const Run& run, const Event& event, const Inputs& inputs) const;

  /// Applies journalled events, the same way live decisions are applied.
  Status replay(Run& run, const std::vector<HistoryEvent>& events) const;

  /// The commands that an open run still owes after a crash, re-derived from its state.
  [[nodiscard]] std::vector<Command> owed(const Run& run) const;

 private:
  language::Functions functions_;  // Fixed after construction.
  Limits limits_;                  // Fixed after construction.
};

}  // namespace orchestrator::core
