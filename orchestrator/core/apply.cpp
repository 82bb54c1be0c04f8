#include "orchestrator/core/apply.hpp"

#include "orchestrator/core/details.hpp"

namespace orchestrator::core {
namespace {

Unexpected broken(const HistoryEvent& event, const std::string& why) {
  return fail(
      ErrorCode::internal, "broken-history",
      "event " + std::to_string(event.id) + " (" + std::string(to_string(event.type)) + ") cannot follow: " + why);
}

void close(RunData& run, const HistoryEvent& event, RunState state) {
  for (auto& [id, scope] : run.scopes) {
    if (scope.phase != Phase::finished && scope.phase != Phase::failed && scope.phase != Phase::exited) {
      run.set_phase(scope, Phase::stopped, event.at);
    }
  }
  run.closed = state;
  run.closed_at = event.at;
  run.error = event.error;
  run.cause = event.cause;
  // What a worker answered is kept though a cancellation that came first decided the end: a job has no journal for it.
  const bool is_done = run.header.kind == RunKind::job && run.root().phase == Phase::finished;
  run.output = state == RunState::succeeded || is_done ? run.root().value : nullptr;
  run.cancelling.reset();
  run.cancel_reason.reset();
  run.paused.reset();
  run.deadline.reset();
}

/// Stops what runs inside a scope's Parallel or Map; keeps it, so that an operator's retry can go on from there.
void stop_inner(RunData& run, Scope& scope, Timestamp at) {
  for (const ScopeId id : scope.step.inner) {
    Scope* inner = run.find(id);
    if (!inner) continue;
    stop_inner(run, *inner, at);
    if (inner->phase != Phase::finished && inner->phase != Phase::exited) run.set_phase(*inner, Phase::stopped, at);
  }
}

void erase_inner(RunData& run, Scope& scope) {
  for (const ScopeId id : scope.step.inner) run.erase(id);
  scope.step.inner.clear();
  scope.step.map.reset();
}

Visited& visited(Scope& scope, const language::State& state) {
  for (Visited& entry : scope.visited) {
    if (entry.state == &state) return entry;
  }
  return scope.visited.emplace_back(Visited{.state = &state});
}

void set_deadline(RunData& run, Timestamp from) {
  run.clock_from = from;
  std::optional<std::int64_t> seconds = run.header.timeout_seconds;
  const auto& own = run.definition->timeout_seconds;
  if (own && !run.edited_timeout_seconds && (!seconds || *own < *seconds)) seconds = own;
  if (seconds) run.deadline = from + std::chrono::seconds{*seconds};
}

Status enter(RunData& run, Scope& scope, const HistoryEvent& event) {
  const language::State* state = scope.machine->find(event.state_name);
  if (!state || entered_event(state->type) != event.type) return broken(event, "no such state: " + event.state_name);

  if (!run.started_at) {
    run.started_at = event.at;
    set_deadline(run, event.at);
  }
  if (scope.id != 0) run.inner_steps.erase(scope.step.id);
  run.set_phase(scope, Phase::idle, event.at);
  erase_inner(run, scope);
  Visited& entry = visited(scope, *state);
  if (!scope.keeps_visit || entry.count == 0) ++entry.count;
  scope.keeps_visit = false;
  scope.resume_at = nullptr;
  scope.state = state;
  scope.step = Step{};
  Step& step = scope.step;
  step.id = event.id;
  step.visit = entry.count;
  step.entered_at = event.at;
  step.input = scope.value;
  if (scope.id == 0) {
    entry.input = scope.value;
  } else {
    run.inner_steps[step.id] = scope.id;
  }
  const auto until = detail::time(event, detail::kUntil);
  run.set_phase(scope, until ? Phase::sleeping : Phase::entered, event.at, until);
  return {};
}

Status exit(RunData& run, Scope& scope, const HistoryEvent& event) {
  if (!scope.state || exited_event(scope.state->type) != event.type) return broken(event, "another state is entered");
  if (const Json* assigned = detail::find(event, detail::kAssigned)) {
    if (!assigned->is_object()) return broken(event, "assigned variables are not an object");
    for (const auto& [name, value] : assigned->items()) scope.variables[name] = make_payload(value);
  }
  if (detail::flag(event, detail::kKeepsInput)) scope.value = scope.step.input;
  erase_inner(run, scope);
  const std::string next = detail::text(event, detail::kNext).value_or(std::string());
  const bool ends = next.empty() && (scope.state->end || scope.state->type == language::StateType::succeed);
  scope.resume_at = ends ? nullptr : scope.machine->find(next.empty() ? scope.state->next : next);
  run.set_phase(scope, ends ? Phase::finished : Phase::exited, event.at);
  return {};
}

void fail_step(RunData& run, Scope& scope, const HistoryEvent& event) {
  Step& step = scope.step;
  const auto retry_at = detail::time(event, detail::kRetryAt);
  if (retry_at) {
    const auto index = static_cast<std::size_t>(detail::number(event, detail::kRetrier).value_or(0));
    if (step.retries.size() <= index) step.retries.resize(index + 1);
    ++step.retries[index];
    ++step.retry_count;
    step.losses = 0;
    step.failure.reset();
    run.set_phase(scope, Phase::retrying, event.at, retry_at);
    return;
  }
  if (event.type != EventType::InquiryAnswered) {
    Failure failure{.error = event.error, .cause = event.cause};
    failure.retryable = !detail::flag(event, detail::kNonRetryable);
    failure.delay = Duration{detail::number(event, detail::kDelay).value_or(0)};
    step.failure = std::move(failure);
  }
  run.set_phase(scope, Phase::failed, event.at);
}

Status start_branches(RunData& run, Scope& scope, const HistoryEvent& event) {
  if (!scope.state || scope.state->type != language::StateType::parallel) return broken(event, "not in a Parallel");
  erase_inner(run, scope);
  const std::string path = inner_path(scope);
  for (std::size_t i = 0; i < scope.state->branches.size(); ++i) {
    const ScopeId id = run.next_scope++;
    Scope& branch = run.scopes[id];
    branch.id = id;
    branch.parent = scope.id;
    branch.index = static_cast<std::int32_t>(i);
    branch.machine = scope.state->branches[i].get();
    branch.value = scope.value;
    branch.last = event.id;
    branch.path = path + "[" + std::to_string(i) + "]/";
    scope.step.inner.push_back(id);
  }
  run.set_phase(scope, Phase::branching, event.at);
  return {};
}

Status start_map(RunData& run, Scope& scope, const HistoryEvent& event) {
  if (!scope.state || scope.state->type != language::StateType::map) return broken(event, "not in a Map");
  if (!json_of(scope.value).is_array()) return broken(event, "the items are not an array");
  erase_inner(run, scope);
  auto map = std::make_unique<MapProgress>();
  map->items = scope.value;
  map->results.resize(scope.value->size());
  map->max_concurrency = detail::number(event, detail::kMaxConcurrency).value_or(1);
  map->tolerated_count = detail::number(event, detail::kToleratedCount);
  map->tolerated_percentage = detail::real(event, detail::kToleratedPercentage);
  scope.step.map = std::move(map);
  run.set_phase(scope, Phase::branching, event.at);
  return {};
}

Status start_iteration(RunData& run, const HistoryEvent& event) {
  const auto parent_id = detail::number(event, detail::kParent);
  const auto index = detail::number(event, detail::kIndex);
  Scope* parent = parent_id ? run.find(static_cast<ScopeId>(*parent_id)) : nullptr;
  if (!parent || !parent->step.map || !index) return broken(event, "no Map to iterate");
  MapProgress& map = *parent->step.map;
  if (*index != map.started || *index >= static_cast<std::int64_t>(map.results.size()))
    return broken(event, "wrong index");
  if (event.scope != run.next_scope) return broken(event, "wrong scope");

  ++map.started;
  const ScopeId id = run.next_scope++;
  Scope& iteration = run.scopes[id];
  iteration.id = id;
  iteration.parent = parent->id;
  iteration.index = static_cast<std::int32_t>(*index);
  iteration.machine = parent->state->item_processor.get();
  iteration.value = event.value ? event.value : make_payload((*map.items)[static_cast<std::size_t>(*index)]);
  iteration.last = event.id;
  iteration.path = inner_path(*parent) + "[" + std::to_string(*index) + "]/";
  parent->step.inner.push_back(id);
  return {};
}

Status settle_iteration(RunData& run, Scope& scope, const HistoryEvent& event) {
  Scope* parent = run.find(scope.parent);
  if (!parent || !parent->step.map) return broken(event, "not in a Map");
  MapProgress& map = *parent->step.map;
  const auto index = static_cast<std::size_t>(scope.index);
  if (event.type == EventType::MapIterationSucceeded) {
    map.results[index] = scope.value ? scope.value : make_payload(nullptr);
    ++map.settled;
    parent->last = event.id;
    std::erase(parent->step.inner, scope.id);
    run.erase(scope.id);
    return {};
  }
  if (event.type == EventType::MapIterationFailed) {
    map.results[index] = error_output(event.error, event.cause);
    ++map.settled;
    ++map.failed;
    parent->last = event.id;
  }
  stop_inner(run, scope, event.at);
  run.set_phase(scope, Phase::stopped, event.at);
  return {};
}

Status finish_inner(RunData& run, Scope& scope, const HistoryEvent& event) {
  Json output = Json::array();
  if (event.type == EventType::MapStateSucceeded) {
    if (!scope.step.map) return broken(event, "no Map runs");
    for (const Payload& result : scope.step.map->results) output.push_back(json_of(result));
  } else {
    for (const ScopeId id : scope.step.inner) output.push_back(json_of(run.find(id)->value));
  }
  scope.value = make_payload(std::move(output));
  erase_inner(run, scope);
  run.set_phase(scope, Phase::succeeded, event.at);
  return {};
}

void schedule(RunData& run, Scope& scope, const HistoryEvent& event) {
  Step& step = scope.step;
  ++step.attempt;
  step.task_input = scope.value;
  step.failure.reset();
  step.inquiry_failures = 0;
  if (const auto seconds = detail::number(event, detail::kTimeoutSeconds))
    step.timeout_seconds = seconds;
  else
    step.timeout_seconds = scope.state->timeout_seconds;
  if (const auto seconds = detail::number(event, detail::kHeartbeatSeconds))
    step.heartbeat_seconds = seconds;
  else
    step.heartbeat_seconds = scope.state->heartbeat_seconds;
  run.set_phase(scope, Phase::scheduled, event.at);
}

void request(RunData& run, Scope& scope, const HistoryEvent& event, Phase phase) {
  Step& step = scope.step;
  ++step.attempt;
  step.task_input = scope.value;
  step.failure.reset();
  step.request = std::make_unique<Request>();
  step.request->names = detail::texts(event, detail::kNames);
  step.request->key = detail::text(event, detail::kKey);
  run.set_phase(scope, phase, event.at, detail::time(event, detail::kUntil));
}

void mark_started(RunData& run, Scope& scope, const HistoryEvent& event) {
  Step& step = scope.step;
  if (!step.in_hand) ++run.tasks_in_hand;
  step.in_hand = InHand{.since = event.at, .worker = detail::text(event, detail::kWorker).value_or(std::string())};
  step.start_recorded = true;
  if (run.header.kind == RunKind::job && !run.first_attempt_at) run.first_attempt_at = event.at;
}

/// Makes a scope of a closed run ready to go on: a state that did not finish is entered again with the same input. What
/// was cut off is inquired about first, unless it shall happen anew.
void revive_scope(RunData& run, Scope& scope, bool keeps_visit, bool may_ask, Timestamp at) {
  Step& step = scope.step;
  if (scope.phase == Phase::finished || scope.phase == Phase::exited) return;
  if (step.cut_off && may_ask) {
    step.failure.reset();
    step.retries.clear();
    step.retry_count = 0;
    step.losses = 0;
    run.set_phase(scope, Phase::unsure, at);
    return;
  }
  if (step.inner.empty() && !step.map) {
    if (scope.state) {
      scope.keeps_visit = keeps_visit;
      scope.value = step.input;
    }
    run.set_phase(scope, Phase::idle, at);
    return;
  }
  for (const ScopeId id : step.inner) {
    if (Scope* inner = run.find(id)) revive_scope(run, *inner, keeps_visit, may_ask, at);
  }
  if (MapProgress* map = step.map.get()) {
    map->settled -= map->failed;
    map->failed = 0;
  }
  step.failure.reset();
  step.retries.clear();
  step.retry_count = 0;
  run.set_phase(scope, Phase::branching, at);
}

Status revive_from(RunData& run, const HistoryEvent& event, const std::string& name, bool keeps_visit) {
  Scope& root = run.root();
  const language::State* state = root.machine->find(name);
  if (!state) return broken(event, "no such state: " + name);
  if (!event.value) {
    root.value = root.step.input ? root.step.input : root.value;
    for (const Visited& entry : root.visited) {
      if (entry.state == state && entry.input) root.value = entry.input;
    }
  }
  erase_inner(run, root);
  root.keeps_visit = keeps_visit;
  root.resume_at = state;
  run.set_phase(root, Phase::exited, event.at);
  return {};
}

Status revive(RunData& run, const HistoryEvent& event) {
  if (!run.closed || *run.closed == RunState::succeeded) return broken(event, "the run did not fail");
  run.closed.reset();
  run.closed_at.reset();
  run.error.reset();
  run.cause.reset();
  ++run.redrives;
  if (run.started_at) set_deadline(run, event.at);
  const bool keeps_visit = !detail::flag(event, detail::kNewIdempotencyKey);
  if (const auto name = detail::text(event, detail::kFromState)) return revive_from(run, event, *name, keeps_visit);
  revive_scope(run, run.root(), keeps_visit, keeps_visit && !event.value, event.at);
  if (event.value) run.root().value = event.value;
  return {};
}

Status apply_to_scope(RunData& run, Scope& scope, const HistoryEvent& event) {
  Step& step = scope.step;
  switch (event.type) {
    case EventType::TaskStateEntered:
    case EventType::PassStateEntered:
    case EventType::ChoiceStateEntered:
    case EventType::WaitStateEntered:
    case EventType::SucceedStateEntered:
    case EventType::FailStateEntered:
    case EventType::ParallelStateEntered:
    case EventType::MapStateEntered: return enter(run, scope, event);
    case EventType::TaskStateExited:
    case EventType::PassStateExited:
    case EventType::ChoiceStateExited:
    case EventType::WaitStateExited:
    case EventType::SucceedStateExited:
    case EventType::ParallelStateExited:
    case EventType::MapStateExited: return exit(run, scope, event);
    case EventType::ParallelStateStarted: return start_branches(run, scope, event);
    case EventType::MapStateStarted: return start_map(run, scope, event);
    case EventType::MapIterationSucceeded:
    case EventType::MapIterationFailed:
    case EventType::MapIterationAborted: return settle_iteration(run, scope, event);
    case EventType::ParallelStateSucceeded:
    case EventType::MapStateSucceeded: return finish_inner(run, scope, event);
    default: break;
  }
  if (!scope.state) return broken(event, "no state is entered");
  switch (event.type) {
    case EventType::TaskScheduled: schedule(run, scope, event); break;
    case EventType::TaskStarted:
    case EventType::InquiryStarted: mark_started(run, scope, event); break;
    case EventType::TaskSubmitted: break;
    case EventType::TaskSucceeded:
    case EventType::SignalConsumed: run.set_phase(scope, Phase::succeeded, event.at); break;
    case EventType::StepSkipped:
      erase_inner(run, scope);
      step.failure.reset();
      run.set_phase(scope, Phase::succeeded, event.at);
      break;
    case EventType::TaskLost:
      ++step.losses;
      step.lost = true;
      fail_step(run, scope, event);
      break;
    case EventType::TaskFailed:
    case EventType::TaskTimedOut:
      step.lost = false;
      fail_step(run, scope, event);
      break;
    case EventType::ParallelStateFailed:
    case EventType::MapStateFailed:
      stop_inner(run, scope, event.at);
      fail_step(run, scope, event);
      break;
    case EventType::TaskSnoozed:
      --step.attempt;
      run.set_phase(scope, Phase::retrying, event.at, detail::time(event, detail::kUntil));
      break;
    case EventType::TaskCancelled:
    case EventType::SignalWaitEnded: run.set_phase(scope, Phase::stopped, event.at); break;
    case EventType::InquiryScheduled:
      ++step.inquiry;
      step.inquiry_input = event.value;
      // Asked although no failure is known: nobody can say whether a worker ever had the task.
      if (scope.phase == Phase::scheduled) step.lost = true;
      run.set_phase(scope, Phase::inquiring, event.at);
      break;
    case EventType::InquiryAnswered:
    case EventType::InquiryFailed:
      if (detail::find(event, detail::kRetrier)) {
        fail_step(run, scope, event);
      } else if (const auto again = detail::time(event, detail::kRetryAt)) {
        ++step.inquiry_failures;
        run.set_phase(scope, Phase::unsure, event.at, again);
      } else {
        step.inquiry_failures = 0;
        run.set_phase(scope, Phase::failed, event.at);
      }
      break;
    case EventType::SignalAwaited: request(run, scope, event, Phase::awaiting); break;
    case EventType::ChildRequested: request(run, scope, event, Phase::child); break;
    case EventType::ChildStarted: {
      const auto id = RunId::parse(detail::text(event, detail::kRunId).value_or(std::string()));
      if (!id || !step.request) return broken(event, "no child was asked for");
      step.request->child = *id;
      break;
    }
    case EventType::ChildEnded: run.set_phase(scope, Phase::succeeded, event.at); break;
    case EventType::EvaluationFailed:
    case EventType::RetryDue: break;
    default: return broken(event, "nobody knows what it does");
  }
  return {};
}

/// Events that carry no value of their scope: their `value` belongs to the event alone.
bool carries_scope_value(EventType type) {
  switch (type) {
    case EventType::InquiryScheduled:
    case EventType::InquiryAnswered:
    case EventType::MapIterationStarted: return false;
    default: return true;
  }
}

/// Events that a bulk operation may have asked for.
bool is_of_operator(EventType type) {
  return type == EventType::CancelRequested || type == EventType::RunPaused || type == EventType::RunResumed ||
         type == EventType::RunRetried;
}

}  // namespace

Status apply(RunData& run, const HistoryEvent& event) {
  if (event.id != run.last_id + 1) return broken(event, "the last one is " + std::to_string(run.last_id));
  const bool may_follow_end = event.type == EventType::RunRetried;
  if (run.closed && !may_follow_end) return broken(event, "the run is closed");
  if (!run.begun && event.type != EventType::ExecutionStarted) return broken(event, "the run has not begun");

  run.last_id = event.id;
  if (event.at > run.last_at) run.last_at = event.at;
  if (event.type == EventType::MapIterationStarted) return start_iteration(run, event);
  Scope* scope = run.find(event.scope);
  if (!scope) return broken(event, "no scope " + std::to_string(event.scope));
  if (event.value && carries_scope_value(event.type)) scope->value = event.value;
  scope->last = event.id;

  if (is_of_operator(event.type)) run.note_operation(detail::text(event, detail::kOperation).value_or(std::string()));
  switch (event.type) {
    case EventType::ExecutionStarted:
      if (run.begun) return broken(event, "the run has begun");
      run.begun = true;
      if (!event.value) scope->value = run.header.input ? run.header.input : make_payload(nullptr);
      return {};
    case EventType::ExecutionSucceeded: close(run, event, RunState::succeeded); return {};
    case EventType::ExecutionFailed: close(run, event, RunState::failed); return {};
    case EventType::ExecutionTimedOut: close(run, event, RunState::timed_out); return {};
    case EventType::ExecutionAborted: close(run, event, RunState::cancelled); return {};
    case EventType::CancelRequested: {
      const auto mode = parse_cancel_mode(detail::text(event, detail::kMode).value_or(std::string()));
      if (!mode) return broken(event, "unknown mode");
      run.cancelling = mode;
      run.cancel_reason = detail::text(event, detail::kReason);
      run.paused.reset();  // nothing will begin any more, and what is in hand may finish
      return {};
    }
    case EventType::RunPaused: apply_pause(run, event); return {};
    case EventType::RunResumed: run.paused.reset(); return {};
    case EventType::RunRetried: return revive(run, event);
    case EventType::RunEdited: return apply_edit(run, event);
    default: return apply_to_scope(run, *scope, event);
  }
}

EventType entered_event(language::StateType type) {
  using language::StateType;
  switch (type) {
    case StateType::task: return EventType::TaskStateEntered;
    case StateType::pass: return EventType::PassStateEntered;
    case StateType::choice: return EventType::ChoiceStateEntered;
    case StateType::wait: return EventType::WaitStateEntered;
    case StateType::succeed: return EventType::SucceedStateEntered;
    case StateType::fail: return EventType::FailStateEntered;
    case StateType::parallel: return EventType::ParallelStateEntered;
    case StateType::map: return EventType::MapStateEntered;
  }
  return EventType::PassStateEntered;
}

EventType exited_event(language::StateType type) {
  using language::StateType;
  switch (type) {
    case StateType::task: return EventType::TaskStateExited;
    case StateType::pass: return EventType::PassStateExited;
    case StateType::choice: return EventType::ChoiceStateExited;
    case StateType::wait: return EventType::WaitStateExited;
    case StateType::succeed:
    case StateType::fail: return EventType::SucceedStateExited;
    case StateType::parallel: return EventType::ParallelStateExited;
    case StateType::map: return EventType::MapStateExited;
  }
  return EventType::PassStateExited;
}

EventType failed_event(language::StateType type) {
  switch (type) {
    case language::StateType::parallel: return EventType::ParallelStateFailed;
    case language::StateType::map: return EventType::MapStateFailed;
    default: return EventType::TaskFailed;
  }
}

}  // namespace orchestrator::core
