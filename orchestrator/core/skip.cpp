// An operator's result for a state that the run stands in.
#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::core {
namespace {

/// Whether the state has asked for something and has no result yet.
bool stands(const Scope& scope) {
  switch (scope.phase) {
    case Phase::scheduled:
    case Phase::awaiting:
    case Phase::child:
    case Phase::sleeping:
    case Phase::retrying:
    case Phase::inquiring:
    case Phase::unsure:
    case Phase::branching: return true;
    default: return false;
  }
}

}  // namespace

Result<ScopeId> Deciding::skipped_scope(const SkipAsked& event) const {
  if (!event.state_name) {
    if (stands(run_.root())) return run_.root().id;
    return fail(ErrorCode::precondition_failed, "wrong-state", "the run stands in no state that could be skipped");
  }
  const Scope* found = nullptr;
  for (const auto& [id, scope] : run_.scopes) {
    if (!stands(scope) || scope.state->name != *event.state_name) continue;
    if (found) {
      return fail(ErrorCode::precondition_failed, "wrong-state",
                  "the run stands in '" + *event.state_name + "' more than once; skip the state around it");
    }
    found = &scope;
  }
  if (found) return found->id;
  return fail(ErrorCode::precondition_failed, "wrong-state", "the run does not stand in '" + *event.state_name + "'");
}

Status Deciding::on(const SkipAsked& event) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  if (run_.cancelling) return refused("the run is being cancelled", "wrong-state");
  const auto id = skipped_scope(event);
  if (!id) return id.error();
  Scope& scope = *run_.find(*id);

  Payload output = event.output ? event.output : make_payload(nullptr);
  if (!event.output && scope.state->type == language::StateType::wait) output = scope.step.input;
  // Before anything changes: an operator's mistake must not fail the run.
  auto left = leaving(scope, output, false);
  if (!left) {
    Error unfit(ErrorCode::invalid_argument, "invalid-body", "the state cannot be left with this output");
    unfit.faults.push_back({"/output", "unfit", left.error().message});
    return unfit;
  }

  withdraw(scope, CancelMode::graceful, event.reason);
  HistoryEvent skipped = event_for(scope, EventType::StepSkipped);
  if (output != scope.value) skipped.value = output;
  Json details = Json::object();
  if (!event.reason.empty()) details[detail::kReason] = event.reason;
  if (!event.actor.empty()) details[detail::kActor] = event.actor;
  if (!details.empty()) skipped.details = make_payload(std::move(details));
  emit(std::move(skipped));
  const language::State& state = *scope.state;
  const language::State* next = state.next.empty() ? nullptr : scope.machine->find(state.next);
  go_on(scope, exit_with(scope, std::move(left->output), std::move(left->assigned), next));
  run_on();
  return {};
}

}  // namespace orchestrator::core
