#include "orchestrator/core/run_data.hpp"

#include <algorithm>

namespace orchestrator::core {

RunData::RunData(RunHeader header_, language::DefinitionPtr definition_)
    : header(std::move(header_)), definition(std::move(definition_)) {
  Scope& scope = scopes[0];
  scope.machine = &definition->root;
}

const Scope* RunData::find_step(StepId step) const {
  if (step <= 0) return nullptr;
  if (root().step.id == step) return &root();
  const auto found = inner_steps.find(step);
  return found == inner_steps.end() ? nullptr : find(found->second);
}

bool RunData::was_acted_on_by(const std::string& operation) const {
  return !operation.empty() && std::find(operations.begin(), operations.end(), operation) != operations.end();
}

void RunData::note_operation(const std::string& operation) {
  if (operation.empty()) return;
  if (operations.size() == kMaxKnownOperations) operations.erase(operations.begin());
  operations.push_back(operation);
}

void RunData::set_phase(Scope& scope, Phase phase, Timestamp since, std::optional<Timestamp> due) {
  Step& step = scope.step;
  if (scope.holds_task()) {
    --open_tasks;
    if (step.in_hand) --tasks_in_hand;
    step.in_hand.reset();
    step.start_recorded = false;
  }
  if (step.due) timers.erase({*step.due, scope.id});
  const bool is_out =
      scope.phase == Phase::scheduled || scope.phase == Phase::inquiring || scope.phase == Phase::unsure;
  step.cut_off = phase == Phase::stopped && (step.cut_off || (is_out && scope.state->inquire));
  scope.phase = phase;
  step.since = since;
  step.due = due;
  if (due) timers.insert({*due, scope.id});
  if (scope.holds_task()) ++open_tasks;
}

void RunData::adopt_phase(Scope& scope, Phase phase) {
  scope.phase = phase;
  if (scope.step.due) timers.insert({*scope.step.due, scope.id});
  if (!scope.holds_task()) return;
  ++open_tasks;
  if (scope.step.in_hand) ++tasks_in_hand;
}

void RunData::erase(ScopeId id) {
  Scope* scope = find(id);
  if (!scope) return;
  for (const ScopeId inner : scope->step.inner) erase(inner);
  set_phase(*scope, Phase::stopped, last_at);
  inner_steps.erase(scope->step.id);
  scopes.erase(id);
}

std::optional<Timestamp> RunData::pending_start() const {
  if (!begun || closed || started_at) return std::nullopt;
  return header.run_at;
}

std::optional<Timestamp> RunData::next_time_out() const {
  for (const auto& [at, id] : timers) {
    if (deadline && *deadline <= at) break;
    if (find(id)->may_time_out()) return at;
  }
  return deadline;
}

std::string RunData::idempotency_key(const Scope& scope) const {
  std::string key;
  key.reserve(96);
  key.append(header.namespace_name).append("/").append(header.workflow).append("/");
  // A unique key belongs to one job after the other, and each is to have its effect.
  const bool is_named_by_key = header.key && header.kind == RunKind::workflow;
  key.append(is_named_by_key ? *header.key : header.id.str()).append("/");
  key.append(scope.path);
  if (scope.state) key.append(scope.state->name);
  key.append("/").append(std::to_string(scope.step.visit));
  return key;
}

}  // namespace orchestrator::core
