#include "orchestrator/core/context_object.hpp"

namespace orchestrator::core {
namespace {

/// The nearest Map iteration that a scope is in, or null.
const Scope* iteration_of(const RunData& run, const Scope& scope) {
  for (const Scope* at = &scope; at && at->parent >= 0; at = run.find(at->parent)) {
    const Scope* parent = run.find(at->parent);
    if (parent && parent->step.map) return at;
  }
  return nullptr;
}

void override_members(Json& context, const Payload& overrides) {
  if (!overrides || !overrides->is_object()) return;
  for (const auto& [section, members] : overrides->items()) {
    if (members.is_object() && context[section].is_object()) {
      context[section].update(members);
    } else {
      context[section] = members;
    }
  }
}

}  // namespace

std::string task_token(const RunData& run, const Scope& scope) {
  return run.header.id.str() + "." + std::to_string(scope.step.id);
}

const Json& context_object(RunData& run, const Scope& scope) {
  Json& context = run.context;
  if (!context.is_object()) {
    context = Json::object();
    Json& execution = context["Execution"];
    execution["Id"] = run.header.id.str();
    execution["Input"] = json_of(run.header.input);
    execution["Name"] = run.header.key ? *run.header.key : run.header.id.str();
    Json& machine = context["StateMachine"];
    machine["Id"] = run.header.workflow + ":" + std::to_string(run.header.version);
    machine["Name"] = run.header.workflow;
  }
  context["Execution"]["StartTime"] = to_rfc3339(run.started_at.value_or(run.last_at));
  context["Execution"]["RedriveCount"] = run.redrives;

  if (scope.state) {
    Json& state = context["State"];
    state["Name"] = scope.state->name;
    state["EnteredTime"] = to_rfc3339(scope.step.entered_at);
    state["RetryCount"] = scope.step.retry_count;
    context["Task"]["Token"] = task_token(run, scope);
  }
  context.erase("Map");
  if (const Scope* iteration = iteration_of(run, scope)) {
    Json& item = context["Map"]["Item"];
    item["Index"] = iteration->index;
    item["Value"] = (*run.find(iteration->parent)->step.map->items)[static_cast<std::size_t>(iteration->index)];
  }
  override_members(context, run.context_overrides);
  return context;
}

}  // namespace orchestrator::core
