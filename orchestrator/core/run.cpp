#include "orchestrator/core/run.hpp"

#include <algorithm>

#include "orchestrator/core/run_data.hpp"
#include "orchestrator/core/task.hpp"

namespace orchestrator::core {

Run::Run(RunHeader header, language::DefinitionPtr definition)
    : body_(std::make_unique<Body>(std::move(header), std::move(definition))) {}
Run::~Run() = default;
Run::Run(Run&&) noexcept = default;
Run& Run::operator=(Run&&) noexcept = default;

const RunHeader& Run::header() const { return body_->header; }
const language::Definition& Run::definition() const { return *body_->definition; }

RunState Run::state() const {
  if (body_->closed) return *body_->closed;
  if (body_->paused) return RunState::paused;
  if (body_->tasks_in_hand > 0) return RunState::running;
  // Before ExecutionStarted a run could begin at once.
  if (body_->open_tasks > 0 || !body_->begun) return RunState::ready;
  return RunState::waiting;
}

EventId Run::next_event_id() const { return body_->last_id + 1; }
std::optional<Timestamp> Run::started_at() const { return body_->started_at; }

std::optional<Timestamp> Run::first_work_at() const {
  if (body_->header.kind != RunKind::job) return body_->started_at;
  if (body_->first_attempt_at) return body_->first_attempt_at;
  const auto& in_hand = std::as_const(*body_).root().step.in_hand;
  return in_hand ? std::optional(in_hand->since) : std::nullopt;
}

std::optional<Timestamp> Run::next_timer() const {
  if (body_->closed) return std::nullopt;
  if (body_->paused) return body_->next_time_out();
  if (const auto start = body_->pending_start()) return start;
  std::optional<Timestamp> next = body_->deadline;
  // A run that is being cancelled waits for workers only.
  if (!body_->cancelling && !body_->timers.empty()) {
    const Timestamp first = body_->timers.begin()->first;
    next = next ? std::min(*next, first) : first;
  }
  return next;
}

bool Run::at_rest() const { return body_->open_tasks == 0; }

bool Run::is_open(const TaskRef& task) const {
  if (body_->closed) return false;
  const Scope* scope = std::as_const(*body_).find_step(task.step);
  return scope && scope->holds_task() && task_of(*scope) == task;
}

bool Run::is_start_recorded(const TaskRef& task) const {
  return is_open(task) && std::as_const(*body_).find_step(task.step)->step.start_recorded;
}

bool Run::may_go_on(EventId step) const {
  if (body_->closed) return false;
  const Scope* scope = std::as_const(*body_).find_step(step);
  if (!scope) return false;
  return scope->holds_task() || scope->phase == Phase::retrying || scope->phase == Phase::unsure;
}

bool Run::is_cancelling() const { return body_->cancelling.has_value(); }

std::optional<CancelMode> Run::cancelling() const { return body_->cancelling; }

bool Run::is_paused() const { return body_->paused.has_value(); }

void Run::mark_in_hand(const TaskRef& task, Timestamp since, std::string worker) {
  if (!is_open(task)) return;
  Step& step = body_->find_step(task.step)->step;
  if (!step.in_hand) ++body_->tasks_in_hand;
  step.in_hand = InHand{.since = since, .worker = std::move(worker)};
}

bool Run::was_acted_on_by(const std::string& operation) const { return body_->was_acted_on_by(operation); }

Payload Run::output() const { return body_->output; }
std::optional<std::string> Run::error() const { return body_->error; }
std::optional<std::string> Run::cause() const { return body_->cause; }
std::optional<Timestamp> Run::closed_at() const { return body_->closed_at; }

std::int32_t Run::attempts() const {
  std::int32_t highest = 0;
  for (const auto& [id, scope] : body_->scopes) highest = std::max(highest, scope.step.attempt);
  return highest;
}

void Run::override_context(Payload members) { body_->context_overrides = std::move(members); }

}  // namespace orchestrator::core
