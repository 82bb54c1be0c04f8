#include "orchestrator/core/task.hpp"

#include <algorithm>
#include <cstring>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/edit.hpp"

namespace orchestrator::core {

using language::Resource;

namespace {

constexpr std::string_view kDefaultQueue = "default";

/// Whether the service that performs it answers twice: it has been asked, and it is done.
bool is_submitted(const Resource& resource) {
  if (resource.kind != Resource::Kind::foreign) return false;
  return resource.waits_for_task_token || resource.text.ends_with(".sync") || resource.text.ends_with(".sync:2");
}

/// Random numbers of a step's Parameters come from the run and the step, so that all attempts send the same request
/// under the same idempotency key.
std::uint64_t seed_of(const RunData& run, const Scope& scope) {
  std::uint64_t low = 0;
  std::memcpy(&low, run.header.id.bytes.data() + 8, sizeof low);
  return low ^ (static_cast<std::uint64_t>(scope.step.id) * 0x9E3779B97F4A7C15ULL);
}

/// At the first counted death a task is one of a few that were in hand; at the second the others are hardly the same.
constexpr std::int32_t kLossesBeforeAlone = 2;

}  // namespace

TaskRef task_of(const Scope& scope) {
  const bool inquiry = scope.phase == Phase::inquiring;
  return TaskRef{
      .step = scope.step.id, .attempt = inquiry ? scope.step.inquiry : scope.step.attempt, .inquiry = inquiry};
}

ScheduleTask task_command(const RunData& run, const Scope& scope) {
  const bool inquiry = scope.phase == Phase::inquiring;
  const Resource& resource = inquiry ? scope.state->inquire->resource : scope.state->resource;
  ScheduleTask task;
  task.task = task_of(scope);
  task.state_name = scope.state->name;
  task.handler = resource.kind == Resource::Kind::handler ? resource.name : resource.text;
  task.queue = resource.queue.empty() ? std::string(kDefaultQueue) : resource.queue;
  task.priority = resource.priority.value_or(run.header.priority);
  task.input = inquiry ? scope.step.inquiry_input : scope.step.task_input;
  task.idempotency_key = run.idempotency_key(scope);
  if (inquiry) task.idempotency_key += "/inquire";
  task.timeout_seconds = scope.step.timeout_seconds;
  if (!inquiry) task.heartbeat_seconds = scope.step.heartbeat_seconds;
  task.suspect = scope.step.losses > 0 || scope.step.start_recorded;
  task.alone = scope.step.losses >= kLossesBeforeAlone;
  return task;
}

Deciding::Next Deciding::enter_task(Scope& scope) {
  switch (scope.state->resource.kind) {
    case Resource::Kind::signal: return await_signal(scope);
    case Resource::Kind::workflow: return request_child(scope);
    case Resource::Kind::handler:
    case Resource::Kind::event:
    case Resource::Kind::foreign: return schedule_task(scope);
  }
  return nullptr;
}

Deciding::Next Deciding::schedule_task(Scope& scope) {
  const language::State& state = *scope.state;
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());
  Payload task_input = *input;
  if (state.parameters) {
    const std::uint64_t kept = std::exchange(random_state_, seed_of(run_, scope));
    auto parameters = filled(scope, state.parameters, *input);
    random_state_ = kept;
    if (!parameters) return fail_evaluation(scope, parameters.error());
    task_input = *std::move(parameters);
    // The same request as last time is not written into the journal again.
    if (scope.step.task_input && *scope.step.task_input == *task_input) task_input = scope.step.task_input;
  }
  Json details;
  if (const auto edited = edited_seconds(run_, scope, detail::kTimeoutSeconds)) {
    details[detail::kTimeoutSeconds] = *edited;
  } else if (state.timeout_seconds_path) {
    auto seconds = integer_at(scope, *state.timeout_seconds_path, *input, "TimeoutSecondsPath");
    if (!seconds) return fail_evaluation(scope, seconds.error());
    details[detail::kTimeoutSeconds] = *seconds;
  }
  if (const auto edited = edited_seconds(run_, scope, detail::kHeartbeatSeconds)) {
    details[detail::kHeartbeatSeconds] = *edited;
  } else if (state.heartbeat_seconds_path) {
    auto seconds = integer_at(scope, *state.heartbeat_seconds_path, *input, "HeartbeatSecondsPath");
    if (!seconds) return fail_evaluation(scope, seconds.error());
    details[detail::kHeartbeatSeconds] = *seconds;
  }
  HistoryEvent event = event_for(scope, EventType::TaskScheduled);
  if (task_input != scope.value) event.value = std::move(task_input);
  if (!details.is_null()) event.details = make_payload(std::move(details));
  emit(std::move(event));
  command(task_command(run_, scope));
  return nullptr;
}

Scope* Deciding::open_task(const TaskRef& task) {
  if (run_.closed) return nullptr;
  Scope* scope = run_.find_step(task.step);
  return scope && scope->holds_task() && task_of(*scope) == task ? scope : nullptr;
}

/// The same object for the same worker again and again: a thread works for few of them.
Payload worker_details(const std::string& worker) {
  thread_local std::string known;
  thread_local Payload details;
  if (details == nullptr || known != worker) {
    known = worker;
    details = make_payload(Json{{detail::kWorker, worker}});
  }
  return details;
}

void Deciding::note_start(Scope& scope, const std::optional<Timestamp>& started_at, const std::string& worker) {
  if (!started_at || scope.step.start_recorded) return;
  HistoryEvent event =
      event_for(scope, scope.phase == Phase::inquiring ? EventType::InquiryStarted : EventType::TaskStarted);
  event.at = std::clamp(*started_at, std::min(scope.step.since, now_), now_);
  if (!worker.empty()) event.details = worker_details(worker);
  emit(std::move(event));
  if (scope.phase == Phase::scheduled && is_submitted(scope.state->resource)) emit(scope, EventType::TaskSubmitted);
}

Status Deciding::on(const TaskStarted& event) {
  Scope* scope = open_task(event.task);
  if (!scope) return refused("that attempt is no longer open");
  note_start(*scope, now_, event.worker);
  return {};
}

Status Deciding::on(const TaskFinished& event) {
  Scope* found = open_task(event.task);
  if (!found) return refused("that attempt is no longer open");
  Scope& scope = *found;
  note_start(scope, event.started_at, event.worker);
  if (event.task.inquiry) {
    inquiry_finished(scope, event);
    run_on();
    return {};
  }
  const Outcome& outcome = event.outcome;
  const Failure failure{.error = outcome.error,
                        .cause = outcome.cause,
                        .retryable = outcome.retryable,
                        .delay = outcome.delay.value_or(Duration{})};
  switch (outcome.kind) {
    case Outcome::Kind::completed: {
      const Payload result = outcome.output ? outcome.output : make_payload(nullptr);
      if (result != scope.value && !within_limit(scope, result)) {
        go_on(scope, fail_step(scope, too_large(scope), EventType::TaskFailed));
        break;
      }
      emit(scope, EventType::TaskSucceeded, result);
      go_on(scope, leave(scope, result));
      break;
    }
    case Outcome::Kind::failed: go_on(scope, fail_step(scope, failure, EventType::TaskFailed)); break;
    case Outcome::Kind::unknown: outcome_unknown(scope, failure, EventType::TaskFailed); break;
    case Outcome::Kind::snoozed:
    case Outcome::Kind::cancelled: {
      if (run_.cancelling) {
        emit(scope, EventType::TaskCancelled);
        break;
      }
      // Nobody asked this run to stop: the worker gave the task back, which costs no attempt.
      HistoryEvent given_back = event_for(scope, EventType::TaskSnoozed);
      Json details = Json::object();
      details[detail::kUntil] = to_micros(now_ + failure.delay);
      given_back.details = make_payload(std::move(details));
      emit(std::move(given_back));
      break;
    }
  }
  run_on();
  return {};
}

void Deciding::outcome_unknown(Scope& scope, const Failure& failure, EventType type) {
  if (!scope.state->inquire) {
    go_on(scope, fail_step(scope, failure, type));
    return;
  }
  if (run_.cancelling) {
    // Nothing is asked any more; should the run be retried, that comes first.
    emit(scope, EventType::TaskCancelled);
    return;
  }
  HistoryEvent event = event_for(scope, type);
  event.error = failure.error;
  event.cause = failure.cause;
  Json details = Json::object();
  details[detail::kInquire] = true;
  if (!failure.retryable) details[detail::kNonRetryable] = true;
  if (failure.delay > Duration{}) details[detail::kDelay] = failure.delay.count();
  event.details = make_payload(std::move(details));
  emit(std::move(event));
  ask(scope);
}

Status Deciding::on(const TaskTimedOut& event) {
  Scope* found = open_task(event.task);
  if (!found) return refused("that attempt is no longer open");
  Scope& scope = *found;
  note_start(scope, event.started_at, {});
  command(CancelTask{.task = event.task});
  if (event.task.inquiry) {
    inquire_again(scope, EventType::InquiryFailed, nullptr, Failure{.error = "States.Timeout"});
  } else {
    outcome_unknown(scope, Failure{.error = "States.Timeout"}, EventType::TaskTimedOut);
  }
  run_on();
  return {};
}

Status Deciding::on(const TaskLost& event) {
  Scope* found = open_task(event.task);
  if (!found) return refused("that attempt is no longer open");
  Scope& scope = *found;
  if (run_.cancelling) {
    emit(scope, EventType::TaskCancelled);
    run_on();
    return {};
  }
  if (event.task.inquiry) {
    inquire_again(scope, EventType::InquiryFailed, nullptr, Failure{.error = "Orchestrator.WorkerLost"});
    return {};
  }
  emit(scope, EventType::TaskLost);
  if (scope.state->inquire) {
    ask(scope);
  } else {
    go_on(scope, hand_out_again(scope));
  }
  run_on();
  return {};
}

Deciding::Next Deciding::hand_out_again(Scope& scope) {
  if (scope.step.losses > limits_.poison_limit) {
    // A Retry of States.ALL means the step's own failures: here it would go on killing. Who names the error means it.
    const Failure poison{.error = "Orchestrator.WorkerLost",
                         .cause = std::to_string(scope.step.losses) + " workers vanished while they had this task",
                         .retryable = false};
    return fail_step(scope, poison, EventType::TaskFailed);
  }
  return schedule_task(scope);
}

Status Deciding::on(const TaskSuspected& event) {
  Scope* scope = open_task(event.task);
  if (!scope) return refused("that attempt is no longer open");
  if (event.task.inquiry || !scope->state->inquire || run_.cancelling) return {};
  ask(*scope);
  return {};
}

}  // namespace orchestrator::core
