// An operator's hold on an open run, and its end. docs/operations/operator-actions.md
#include <vector>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/signal_wait.hpp"
#include "orchestrator/core/task.hpp"

namespace orchestrator::core {

void Deciding::emit_held(EventType type, const std::string& reason, const std::string& actor,
                         const std::string& operation) {
  HistoryEvent event = event_for(run_.root(), type);
  Json details = Json::object();
  if (!reason.empty()) details[detail::kReason] = reason;
  if (!actor.empty()) details[detail::kActor] = actor;
  if (!operation.empty()) details[detail::kOperation] = operation;
  if (!details.empty()) event.details = make_payload(std::move(details));
  emit(std::move(event));
}

Status Deciding::on(const PauseAsked& event) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  if (run_.was_acted_on_by(event.operation)) return {};
  if (run_.cancelling) return refused("the run is being cancelled", "wrong-state");
  if (run_.paused) return {};
  emit_held(EventType::RunPaused, event.reason, event.actor, event.operation);
  // A signal that comes meanwhile is buffered, as between two waits.
  for (const auto& [id, scope] : run_.scopes) {
    if (scope.phase == Phase::awaiting) command(end_wait_command(scope));
  }
  return {};
}

Status Deciding::on(const ResumeAsked& event) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  if (run_.was_acted_on_by(event.operation)) return {};
  if (run_.cancelling) return refused("the run is being cancelled", "wrong-state");
  if (!run_.paused) return {};
  emit_held(EventType::RunResumed, event.reason, event.actor, event.operation);
  // Ids first: a Map that goes on begins scopes.
  std::vector<ScopeId> ids;
  ids.reserve(run_.scopes.size());
  for (const auto& [id, scope] : run_.scopes) ids.push_back(id);
  for (const ScopeId id : ids) {
    Scope* scope = run_.find(id);
    if (!scope) continue;
    switch (scope->phase) {
      case Phase::scheduled:
      case Phase::inquiring:
        if (!scope->step.in_hand) command(task_command(run_, *scope));
        break;
      case Phase::awaiting: command(await_command(*scope)); break;
      case Phase::exited: go_on(*scope, scope->resume_at); break;
      case Phase::branching:
        if (scope->step.map) fill_map(*scope);
        break;
      default: break;
    }
  }
  run_on();
  return run_.closed ? Status() : on(TimersDue{});
}

void apply_pause(RunData& run, const HistoryEvent& event) {
  run.paused = Pause{.since = event.at,
                     .reason = detail::text(event, detail::kReason).value_or(std::string()),
                     .actor = detail::text(event, detail::kActor).value_or(std::string())};
}

}  // namespace orchestrator::core
