#include <algorithm>

#include "orchestrator/core/run_data.hpp"
#include "orchestrator/core/task.hpp"

namespace orchestrator::core {
namespace {

/// A Map may wait for thousands of things; whoever asks why a run does not move needs a few of them.
/// Source: docs/operations/limits.md.
constexpr std::size_t kMaxItems = 50;

Json item(const char* kind, const Scope& scope, Timestamp since) {
  Json entry = Json::object();
  entry["kind"] = kind;
  entry["state_name"] = scope.state ? Json(scope.state->name) : Json(nullptr);
  entry["since"] = to_rfc3339(since);
  if (scope.step.due) entry["until"] = to_rfc3339(*scope.step.due);
  return entry;
}

Json task_item(const RunData& run, const Scope& scope) {
  const Step& step = scope.step;
  Json entry = item(step.in_hand ? "step" : "worker", scope, step.in_hand ? step.in_hand->since : step.since);
  const ScheduleTask task = task_command(run, scope);
  entry["queue"] = task.queue;
  entry["handler"] = task.handler;
  entry["attempt"] = task.task.attempt;
  if (task.task.inquiry) entry["inquiry"] = true;
  if (step.in_hand) entry["worker"] = step.in_hand->worker;
  return entry;
}

Json signal_item(const Scope& scope) {
  const auto& awaited = scope.state->resource.awaited;
  const auto decision = std::find_if(awaited.begin(), awaited.end(), [](const auto& one) { return one.is_decision; });
  const bool is_decision = decision != awaited.end();
  Json entry = item(is_decision ? "decision" : "signal", scope, scope.step.since);
  if (is_decision) entry["name"] = decision->name;
  entry["names"] = scope.step.request->names;
  entry["key"] = scope.step.request->key ? Json(*scope.step.request->key) : Json(nullptr);
  if (is_decision && json_of(scope.step.task_input).is_object()) {
    for (const char* member : {"title", "schema", "roles"}) {
      const auto found = scope.step.task_input->find(member);
      if (found != scope.step.task_input->end()) entry[member] = *found;
    }
  }
  return entry;
}

Json pause_item(const RunData& run) {
  const Scope& root = run.root();
  Json entry = Json::object();
  entry["kind"] = "paused";
  entry["state_name"] = root.state ? Json(root.state->name) : Json(nullptr);
  entry["since"] = to_rfc3339(run.paused->since);
  entry["actor"] = run.paused->actor;
  entry["reason"] = run.paused->reason;
  return entry;
}

std::optional<Json> item_of(const RunData& run, const Scope& scope) {
  const Step& step = scope.step;
  switch (scope.phase) {
    case Phase::scheduled:
    case Phase::inquiring: return task_item(run, scope);
    case Phase::awaiting: return signal_item(scope);
    case Phase::child: {
      Json entry = item("child", scope, step.since);
      entry["run_id"] = step.request->child ? Json(step.request->child->str()) : Json(nullptr);
      entry["workflow"] = scope.state->resource.name;
      return entry;
    }
    case Phase::sleeping: return item("timer", scope, step.since);
    case Phase::retrying: {
      Json entry = item("retry", scope, step.since);
      entry["attempt"] = step.attempt + 1;
      return entry;
    }
    case Phase::unsure: {
      Json entry = item("retry", scope, step.since);
      entry["attempt"] = step.inquiry + 1;
      entry["inquiry"] = true;
      return entry;
    }
    default: return std::nullopt;
  }
}

}  // namespace

Json Run::waiting_on() const {
  Json items = Json::array();
  if (body_->closed) return items;
  if (body_->paused) items.push_back(pause_item(*body_));
  for (const auto& [id, scope] : body_->scopes) {
    if (items.size() >= kMaxItems) break;
    // What nobody has begun waits for the operator, not for a worker.
    if (body_->paused && scope.holds_task() && !scope.step.in_hand) continue;
    if (auto entry = item_of(*body_, scope)) items.push_back(*std::move(entry));
  }
  if (items.empty()) {
    // Not begun: it waits for its moment, or for the owner to begin it.
    const auto start = body_->begun ? body_->pending_start() : body_->header.run_at;
    Json entry = item(start ? "timer" : "worker", body_->root(), body_->header.created_at);
    if (start) entry["until"] = to_rfc3339(*start);
    items.push_back(std::move(entry));
  }
  return items;
}

}  // namespace orchestrator::core
