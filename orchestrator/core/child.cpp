#include "orchestrator/core/child.hpp"

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/edit.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kDefaultOnConflict = "reject";

/// A retried attempt, or a retried run, starts another child; a repeated command the same one.
std::string derivation_of(const RunData& run, const Scope& scope) {
  return run.header.id.str() + "/" + std::to_string(scope.step.id) + "/" + std::to_string(scope.step.attempt);
}

bool waits_for_child(const RunData& run, const Scope* scope) {
  return scope && !run.closed && !run.cancelling && scope->phase == Phase::child;
}

}  // namespace

StartChild child_command(const RunData& run, const Scope& scope) {
  const language::Resource& resource = scope.state->resource;
  StartChild start;
  start.step = scope.step.id;
  start.workflow = resource.name;
  start.key = scope.step.request->key;
  start.on_conflict = resource.on_conflict.empty() ? std::string(kDefaultOnConflict) : resource.on_conflict;
  start.input = scope.step.task_input;
  start.wait = resource.wait;
  start.replace = resource.replace;
  start.derivation = derivation_of(run, scope);
  start.asked_at = scope.step.since;
  return start;
}

CancelChild cancel_child_command(const RunData& run, const Scope& scope, CancelMode mode, const std::string& reason) {
  CancelChild cancel;
  cancel.step = scope.step.id;
  cancel.child = scope.step.request->child.value_or(RunId{});
  cancel.key = scope.step.request->key;
  cancel.derivation = derivation_of(run, scope);
  cancel.asked_at = scope.step.since;
  cancel.mode = mode;
  cancel.reason = reason;
  return cancel;
}

Deciding::Next Deciding::request_child(Scope& scope) {
  const language::State& state = *scope.state;
  auto effective = effective_input(scope);
  if (!effective) return fail_evaluation(scope, effective.error());
  auto input = filled(scope, state.parameters, *effective);
  if (!input) return fail_evaluation(scope, input.error());

  Json details = Json::object();
  details[detail::kNames] = Json::array({state.resource.name});
  if (state.resource.key_path) {
    auto key = path_value(scope, *state.resource.key_path, *input);
    if (!key) return fail_evaluation(scope, key.error());
    if (!key->is_string() && !key->is_number()) {
      return fail_evaluation(scope, Error(ErrorCode::invalid_argument, "States.Runtime",
                                          "The child's key must be a string, but was: " + dump_json(*key)));
    }
    details[detail::kKey] = key->is_string() ? key->get<std::string>() : dump_json(*key);
  } else if (state.resource.replace && run_.header.key) {
    // Its successor continues under the same key.
    details[detail::kKey] = *run_.header.key;
  }
  std::optional<std::int64_t> seconds = state.timeout_seconds;
  if (const auto edited = edited_seconds(run_, scope, detail::kTimeoutSeconds)) {
    seconds = edited;
  } else if (state.timeout_seconds_path) {
    auto value = integer_at(scope, *state.timeout_seconds_path, *effective, "TimeoutSecondsPath");
    if (!value) return fail_evaluation(scope, value.error());
    seconds = *value;
  }
  if (seconds && state.resource.wait) details[detail::kUntil] = to_micros(now_ + std::chrono::seconds{*seconds});

  HistoryEvent event = event_for(scope, EventType::ChildRequested);
  if (*input != scope.value) event.value = *std::move(input);
  event.details = make_payload(std::move(details));
  emit(std::move(event));
  command(child_command(run_, scope));
  if (!state.resource.replace) return nullptr;

  // Continue as new: this run is over, its successor begins in the same transaction.
  const std::string reason = "the run continues as new";
  withdraw_all_but(scope, reason);
  close_as(EventType::ExecutionSucceeded, std::nullopt, std::nullopt);
  return nullptr;
}

Status Deciding::on(const ChildStarted& event) {
  Scope* found = run_.find_step(event.step);
  if (!waits_for_child(run_, found)) return refused("the step does not wait for a child");
  Scope& scope = *found;
  if (scope.step.request->child) {
    if (*scope.step.request->child == event.child) return {};
    return refused("the step has another child");
  }
  HistoryEvent started = event_for(scope, EventType::ChildStarted);
  Json details = Json::object();
  details[detail::kRunId] = event.child.str();
  started.details = make_payload(details);
  emit(std::move(started));
  if (!scope.state->resource.wait) go_on(scope, leave(scope, make_payload(std::move(details))));
  run_on();
  return {};
}

Status Deciding::on(const ChildRefused& event) {
  Scope* found = run_.find_step(event.step);
  if (!waits_for_child(run_, found) || found->step.request->child)
    return refused("the step does not wait for a child to start");
  const Failure failure{.error = event.error, .cause = event.cause};
  go_on(*found, fail_step(*found, failure, EventType::TaskFailed));
  run_on();
  return {};
}

Status Deciding::on(const ChildEnded& event) {
  Scope* found = run_.find_step(event.step);
  if (!waits_for_child(run_, found)) return refused("the step does not wait for a child");
  Scope& scope = *found;
  const auto& known = scope.step.request->child;
  if (known && *known != event.child) return refused("the step has another child");

  HistoryEvent ended = event_for(scope, EventType::ChildEnded);
  Json details = Json::object();
  details[detail::kRunId] = event.child.str();
  details[detail::kState] = std::string(to_string(event.state));
  ended.details = make_payload(std::move(details));
  ended.error = event.error;
  ended.cause = event.cause;
  const bool succeeded = event.state == RunState::succeeded;
  const Payload output = event.output ? event.output : make_payload(nullptr);
  if (succeeded) ended.value = output;
  emit(std::move(ended));
  if (succeeded) {
    go_on(scope, leave(scope, output));
  } else {
    Json description = Json::object();
    description["run_id"] = event.child.str();
    description["workflow"] = scope.state->resource.name;
    description["state"] = std::string(to_string(event.state));
    description["error"] = event.error ? Json(*event.error) : Json(nullptr);
    description["cause"] = event.cause ? Json(*event.cause) : Json(nullptr);
    const Failure failure{.error = "States.TaskFailed", .cause = dump_json(description)};
    go_on(scope, fail_step(scope, failure, EventType::TaskFailed));
  }
  run_on();
  return {};
}

}  // namespace orchestrator::core
