// An operator's retry of a closed run.
#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::core {

Status Deciding::on(const RetryAsked& event) {
  if (!run_.closed) return refused("the run is still open", "wrong-state");
  if (*run_.closed == RunState::succeeded) return refused("the run succeeded", "wrong-state");
  Scope& root = run_.root();
  if (event.from_state && !root.machine->find(*event.from_state)) {
    return fail(ErrorCode::invalid_argument, "the definition has no state '" + *event.from_state + "' to retry from");
  }
  std::optional<std::string> from = event.from_state;
  // A new input for a Parallel or Map begins it anew: its inner scopes have inputs of their own.
  const bool has_inner = !root.step.inner.empty() || root.step.map;
  if (!from && event.input && has_inner) from = root.state->name;

  HistoryEvent retried = event_for(root, EventType::RunRetried);
  retried.value = event.input;
  Json details = Json::object();
  if (from) details[detail::kFromState] = *from;
  if (!event.reason.empty()) details[detail::kReason] = event.reason;
  if (!event.actor.empty()) details[detail::kActor] = event.actor;
  if (event.new_idempotency_key) details[detail::kNewIdempotencyKey] = true;
  if (!event.operation.empty()) details[detail::kOperation] = event.operation;
  retried.details = make_payload(std::move(details));
  emit(std::move(retried));
  revive(run_.root());
  run_on();
  return {};
}

void Deciding::revive(Scope& scope) {
  switch (scope.phase) {
    case Phase::finished:
      if (scope.parent < 0) finish(scope);
      return;
    case Phase::exited: go_on(scope, scope.resume_at); return;
    case Phase::unsure: go_on(scope, ask(scope)); return;
    case Phase::branching: {
      for (const ScopeId id : std::vector<ScopeId>(scope.step.inner)) revive(*run_.find(id));
      if (scope.step.map) {
        fill_map(scope);
        go_on(scope, map_settled(scope));
      } else {
        branch_finished(scope);
      }
      return;
    }
    default: go_on(scope, scope.state ? scope.state : scope.machine->find(scope.machine->start_at)); return;
  }
}

}  // namespace orchestrator::core
