#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {

/// One decision in the making: what `Planner::start` and `Planner::decide` do with a run, an event and the inputs.
/// Its members are spread over one file per kind of state or event. Each `on` either refuses before it has changed
/// anything, or emits history events, each of which is applied on the spot.
class Deciding {
 public:
  Deciding(RunData& run, const language::Functions& functions, const Limits& limits, const Inputs& inputs);

  void begin();
  /// ExecutionStarted and the end: a run that cannot be.
  void refuse(RunState state, std::string error, std::string cause);

  Status on(const TaskStarted& event);
  Status on(const TaskFinished& event);
  Status on(const TaskTimedOut& event);
  Status on(const TaskLost& event);
  Status on(const TaskSuspected& event);
  Status on(const TimersDue& event);
  Status on(const SignalOffered& event);
  Status on(const ChildStarted& event);
  Status on(const ChildRefused& event);
  Status on(const ChildEnded& event);
  Status on(const CancelAsked& event);
  Status on(const DataRefused& event);
  Status on(const RetryAsked& event);
  Status on(const EditAsked& event);
  Status on(const PauseAsked& event);
  Status on(const ResumeAsked& event);
  Status on(const SkipAsked& event);

  /// What came of it, once.
  Decision take() { return std::move(decision_); }

 private:
  /// The state that follows; null: the scope rests, ended or failed.
  using Next = const language::State*;

  // Events (deciding.cpp).
  [[nodiscard]] HistoryEvent event_for(const Scope& scope, EventType type) const;
  /// Numbers, stamps, applies and keeps an event.
  void emit(HistoryEvent event);
  void emit(Scope& scope, EventType type) { emit(event_for(scope, type)); }
  void emit(Scope& scope, EventType type, Payload value);
  template <typename T>
  void command(T command) {
    decision_.commands.emplace_back(std::move(command));
  }
  [[nodiscard]] Status refused(const std::string& why, const char* slug = "") const;

  // Evaluation (evaluation.cpp).
  language::Scope view(const Scope& scope, const Json& input);
  Result<Payload> effective_input(Scope& scope);
  Result<Payload> filled(Scope& scope, const language::TemplatePtr& shape, const Payload& input);
  Result<Json> path_value(Scope& scope, const language::Path& path, const Payload& input);
  /// A non-negative integer from a path, or the error whose cause names `field`.
  Result<std::int64_t> integer_at(Scope& scope, const language::Path& path, const Payload& input, const char* field);
  /// States.DataLimitExceeded when the value is larger or deeper than what is stored.
  [[nodiscard]] static Failure too_large(const Scope& scope);
  Status within_limit(const Scope& scope, const Payload& value) const;

  // Going from state to state (transitions.cpp).
  void run_on();
  [[nodiscard]] bool may_go_on() const { return !run_.closed && !run_.cancelling && !run_.paused; }
  void go_on(const Scope& scope, Next next);
  Next enter(Scope& scope, Next state);
  /// What a state is left with.
  struct Leaving {
    Payload output;
    Payload assigned;
  };
  /// ResultSelector, Assign, ResultPath and OutputPath for a step that has `result`.
  Result<Leaving> leaving(Scope& scope, Payload result, bool select_result);
  /// The same, and the Exited event.
  Next leave(Scope& scope, Payload result, bool select_result = true);
  /// Exited with this output, and on.
  Next exit_with(Scope& scope, Payload output, Payload assigned, Next next);
  Next finish(Scope& scope);

  // States (one file each).
  Next enter_pass(Scope& scope);
  Next enter_choice(Scope& scope);
  Next enter_succeed(Scope& scope);
  Next enter_fail(Scope& scope);
  Next enter_wait(Scope& scope, const Status& planned);
  Result<Timestamp> wait_until(Scope& scope, Next state);
  Next enter_task(Scope& scope);
  Next enter_parallel(Scope& scope);
  Next enter_map(Scope& scope);

  // Tasks (task.cpp, signal_wait.cpp, child.cpp, inquiry.cpp).
  Next schedule_task(Scope& scope);
  Next await_signal(Scope& scope);
  Next request_child(Scope& scope);
  Next ask(Scope& scope);
  void inquiry_finished(Scope& scope, const TaskFinished& event);
  void inquire_again(Scope& scope, EventType type, Payload value, const Failure& failure);
  Next conclude(Scope& scope, const Json& answer, const Payload& recorded);
  Scope* open_task(const TaskRef& task);
  void outcome_unknown(Scope& scope, const Failure& failure, EventType type);
  /// After a lost worker: the same task once more, without using up Retry, or Orchestrator.WorkerLost.
  Next hand_out_again(Scope& scope);
  void note_start(Scope& scope, const std::optional<Timestamp>& started_at, const std::string& worker);

  // Failures (failure.cpp).
  /// The failure with the sentence that says where it happened.
  [[nodiscard]] static Failure failure_of(const Scope& scope, const Error& error);
  Next fail_evaluation(Scope& scope, const Error& error);
  /// Retry, then Catch, then the scope fails. `type`: the event that records the failure; nothing when the state failed
  /// before it asked for anything.
  Next fail_step(Scope& scope, const Failure& failure, std::optional<EventType> type);
  /// What is left when no retrier applies.
  Next catch_or_fail(Scope& scope, const Failure& failure);
  Next fail_scope(Scope& scope, const Failure& failure);
  /// The definition's Retry, with what an operator changed. Until the next call.
  const std::vector<language::Retrier>& retriers_of(const Scope& scope);
  [[nodiscard]] std::optional<std::size_t> retrier_for(const Scope& scope, const Failure& failure);
  Duration retry_delay(const language::Retrier& retrier, std::int32_t retries_so_far, Duration at_least);
  Next retry_now(Scope& scope);

  // Parallel and Map (parallel.cpp, map.cpp).
  Next start_branches(Scope& scope);
  Next branch_finished(Scope& parent);
  Next start_iterations(Scope& scope);
  /// MaxConcurrency and tolerated failures as members of MapStateStarted's details.
  Result<Json> map_limits(Scope& scope, const Payload& input);
  /// Starts iterations up to the allowed concurrency.
  void fill_map(Scope& scope);
  Result<Payload> item_input(Scope& scope, std::int64_t index);
  Next iteration_settled(Scope& parent);
  Next iteration_finished(Scope& scope);
  Next iteration_failed(Scope& scope, const Failure& failure);
  Next map_settled(Scope& scope);

  // Operators (edit.cpp, pause.cpp, skip.cpp).
  [[nodiscard]] std::vector<FaultDetail> misfits_of(const EditAsked& event) const;
  /// RunPaused or RunResumed.
  void emit_held(EventType type, const std::string& reason, const std::string& actor, const std::string& operation);
  /// The scope that a skip means.
  Result<ScopeId> skipped_scope(const SkipAsked& event) const;

  // Endings (cancel.cpp, redrive.cpp).
  /// Takes back everything that the scope or what runs inside it has asked for outside.
  void withdraw(Scope& scope, CancelMode mode, const std::string& reason);
  void withdraw_inner(Scope& scope, const std::string& reason);
  void close_as(EventType type, std::optional<std::string> error, std::optional<std::string> cause);
  void withdraw_all_but(const Scope& spared, const std::string& reason);
  void cancel_gracefully(CancelMode mode, const std::string& reason);
  void finish_cancel_when_idle();
  void revive(Scope& scope);
  void timer_due(Scope& scope);

  std::uint64_t random();

  RunData& run_;
  const language::Functions& functions_;
  const Limits& limits_;
  const Inputs& inputs_;
  Timestamp now_;
  std::uint64_t random_state_;
  Decision decision_;
  std::deque<std::pair<ScopeId, Next>> work_;
  std::vector<language::Retrier> edited_retriers_;
};

}  // namespace orchestrator::core
