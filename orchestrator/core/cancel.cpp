#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/child.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/signal_wait.hpp"
#include "orchestrator/core/task.hpp"

namespace orchestrator::core {

void Deciding::withdraw(Scope& scope, CancelMode mode, const std::string& reason) {
  switch (scope.phase) {
    case Phase::scheduled:
    case Phase::inquiring: command(CancelTask{.task = task_of(scope)}); break;
    case Phase::awaiting: command(end_wait_command(scope)); break;
    case Phase::child:
      if (scope.state->resource.wait) command(cancel_child_command(run_, scope, mode, reason));
      break;
    default: break;
  }
  for (const ScopeId id : scope.step.inner) {
    if (Scope* inner = run_.find(id)) withdraw(*inner, mode, reason);
  }
}

void Deciding::withdraw_inner(Scope& scope, const std::string& reason) {
  for (const ScopeId id : scope.step.inner) {
    if (Scope* inner = run_.find(id)) withdraw(*inner, CancelMode::kill, reason);
  }
}

void Deciding::withdraw_all_but(const Scope& spared, const std::string& reason) {
  for (auto& [id, scope] : run_.scopes) {
    if (id == spared.id || !scope.step.inner.empty()) continue;
    withdraw(scope, CancelMode::kill, reason);
  }
}

Status Deciding::on(const CancelAsked& event) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  if (run_.was_acted_on_by(event.operation)) return {};
  // A weaker or equal repeat changes nothing: the stronger mode wins.
  if (run_.cancelling && (*run_.cancelling == event.mode || event.mode != CancelMode::kill)) return {};

  HistoryEvent asked = event_for(run_.root(), EventType::CancelRequested);
  Json details = Json::object();
  details[detail::kMode] = std::string(to_string(event.mode));
  if (!event.reason.empty()) details[detail::kReason] = event.reason;
  if (!event.actor.empty()) details[detail::kActor] = event.actor;
  if (!event.operation.empty()) details[detail::kOperation] = event.operation;
  asked.details = make_payload(std::move(details));
  emit(std::move(asked));

  if (event.mode == CancelMode::kill) {
    withdraw(run_.root(), CancelMode::kill, event.reason);
    close_as(EventType::ExecutionAborted, std::nullopt, run_.cancel_reason);
    return {};
  }
  cancel_gracefully(event.mode, event.reason);
  finish_cancel_when_idle();
  return {};
}

Status Deciding::on(const DataRefused& event) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  const std::string cause = "the database refused this run's data: " + event.message;
  withdraw(run_.root(), CancelMode::kill, cause);
  close_as(EventType::ExecutionFailed, "Orchestrator.DataError", cause);
  return {};
}

void Deciding::cancel_gracefully(CancelMode mode, const std::string& reason) {
  for (auto& [id, scope] : run_.scopes) {
    switch (scope.phase) {
      case Phase::scheduled:
      case Phase::inquiring:
        // What a worker has may finish; what nobody has begun does not begin.
        if (scope.step.in_hand) break;
        command(CancelTask{.task = task_of(scope)});
        emit(scope, EventType::TaskCancelled);
        break;
      case Phase::awaiting:
        command(end_wait_command(scope));
        emit(scope, EventType::SignalWaitEnded);
        break;
      case Phase::child:
        if (scope.state->resource.wait) command(cancel_child_command(run_, scope, mode, reason));
        break;
      default: break;
    }
  }
}

void Deciding::finish_cancel_when_idle() {
  if (!run_.cancelling || run_.closed || run_.open_tasks > 0) return;
  close_as(EventType::ExecutionAborted, std::nullopt, run_.cancel_reason);
}

}  // namespace orchestrator::core
