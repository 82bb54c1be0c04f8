#include <algorithm>
#include <vector>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/child.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/signal_wait.hpp"

namespace orchestrator::core {

Status Deciding::on(const TimersDue&) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  if (run_.deadline && *run_.deadline <= now_) {
    withdraw(run_.root(), CancelMode::kill, "the run timed out");
    close_as(EventType::ExecutionTimedOut, "States.Timeout", std::nullopt);
    return {};
  }
  if (run_.cancelling) return {};
  if (const auto start = run_.pending_start()) {
    if (*start > now_ || run_.paused) return {};
    go_on(run_.root(), run_.root().machine->find(run_.root().machine->start_at));
    run_on();
    return {};
  }
  // Only what is due already: a timer that this decision sets waits for the next one.
  std::vector<std::pair<Timestamp, ScopeId>> due;
  for (const auto& timer : run_.timers) {
    if (timer.first > now_) break;
    due.push_back(timer);
  }
  for (const auto& [at, id] : due) {
    Scope* scope = run_.find(id);
    if (run_.closed || !scope || scope->step.due != at) continue;
    if (run_.paused && !scope->may_time_out()) continue;
    timer_due(*scope);
    run_on();
  }
  return {};
}

void Deciding::timer_due(Scope& scope) {
  switch (scope.phase) {
    case Phase::sleeping: {
      auto input = effective_input(scope);
      go_on(scope, input ? leave(scope, *input, false) : fail_evaluation(scope, input.error()));
      break;
    }
    case Phase::retrying: go_on(scope, retry_now(scope)); break;
    case Phase::unsure: ask(scope); break;
    case Phase::awaiting:
      command(end_wait_command(scope));
      go_on(scope, fail_step(scope, Failure{.error = "States.Timeout"}, EventType::TaskTimedOut));
      break;
    case Phase::child:
      command(cancel_child_command(run_, scope, CancelMode::graceful, "the step that waited for it timed out"));
      go_on(scope, fail_step(scope, Failure{.error = "States.Timeout"}, EventType::TaskTimedOut));
      break;
    default: break;
  }
}

}  // namespace orchestrator::core
