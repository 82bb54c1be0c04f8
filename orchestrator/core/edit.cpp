// An operator's change to an open run: when it goes on, and how urgent it is.
#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::core {
namespace {

/// Whether the scope only waits for its moment, which may then be another one.
bool waits_for_moment(const Scope& scope) {
  return scope.phase == Phase::sleeping || scope.phase == Phase::retrying || scope.phase == Phase::unsure;
}

bool is_movable(const RunData& run) {
  if (run.pending_start()) return true;
  for (const auto& [id, scope] : run.scopes) {
    if (waits_for_moment(scope)) return true;
  }
  return false;
}

}  // namespace

Status Deciding::on(const EditAsked& event) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  if (run_.cancelling) return refused("the run is being cancelled", "wrong-state");
  if (event.run_at && !is_movable(run_)) {
    return refused("run_at moves a run that waits for its start, a timer or a retry, and this one does not",
                   "wrong-state");
  }
  HistoryEvent edited = event_for(run_.root(), EventType::RunEdited);
  Json details = Json::object();
  if (event.run_at) details[detail::kRunAt] = to_micros(*event.run_at);
  if (event.priority) details[detail::kPriority] = *event.priority;
  if (!event.reason.empty()) details[detail::kReason] = event.reason;
  if (!event.actor.empty()) details[detail::kActor] = event.actor;
  edited.details = make_payload(std::move(details));
  emit(std::move(edited));
  // Retry-now: what is due already need not wait for its timer.
  if (event.run_at && *event.run_at <= now_) return on(TimersDue{});
  return {};
}

Status apply_edit(RunData& run, const HistoryEvent& event) {
  if (const auto priority = detail::number(event, detail::kPriority)) {
    run.edited_priority = static_cast<std::int32_t>(*priority);
    run.header.priority = *run.edited_priority;
  }
  const auto run_at = detail::time(event, detail::kRunAt);
  if (!run_at) return {};
  if (run.pending_start()) {
    run.edited_run_at = run_at;
    run.header.run_at = run_at;
    return {};
  }
  for (auto& [id, scope] : run.scopes) {
    if (waits_for_moment(scope)) run.set_phase(scope, scope.phase, scope.step.since, run_at);
  }
  return {};
}

}  // namespace orchestrator::core
