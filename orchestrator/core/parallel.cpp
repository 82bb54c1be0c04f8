#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"

namespace orchestrator::core {

Deciding::Next Deciding::enter_parallel(Scope& scope) { return start_branches(scope); }

Deciding::Next Deciding::start_branches(Scope& scope) {
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());
  auto parameters = filled(scope, scope.state->parameters, *input);
  if (!parameters) return fail_evaluation(scope, parameters.error());
  emit(scope, EventType::ParallelStateStarted, *std::move(parameters));
  for (const ScopeId id : scope.step.inner) {
    Scope& branch = *run_.find(id);
    go_on(branch, branch.machine->find(branch.machine->start_at));
  }
  return nullptr;
}

Deciding::Next Deciding::branch_finished(Scope& parent) {
  for (const ScopeId id : parent.step.inner) {
    if (run_.find(id)->phase != Phase::finished) return nullptr;
  }
  if (run_.cancelling) return nullptr;
  // The join follows from the branch that came last.
  parent.last = run_.last_id;
  emit(parent, EventType::ParallelStateSucceeded);
  const Payload result = parent.value;
  const Status fits = within_limit(parent, result);
  go_on(parent, fits ? leave(parent, result) : fail_evaluation(parent, fits.error()));
  return nullptr;
}

}  // namespace orchestrator::core
