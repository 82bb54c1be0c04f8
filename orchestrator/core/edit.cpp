// An operator's change to an open run: when it goes on, how urgent it is, how long it may take, and what it carries.
#include "orchestrator/core/edit.hpp"

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/payload_size.hpp"
#include "orchestrator/language/pointer.hpp"

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

/// `changes` over `before`, both objects; a null takes a member away.
Payload merged(const Payload& before, const Json& changes) {
  Json result = before ? *before : Json::object();
  for (const auto& [name, value] : changes.items()) {
    if (value.is_null()) {
      result.erase(name);
    } else {
      result[name] = value;
    }
  }
  return make_payload(std::move(result));
}

bool has_task(const language::StateMachine& machine, const std::string& name) {
  for (const auto& [own_name, state] : machine.states) {
    if (own_name == name) return state.type == language::StateType::task;
    for (const auto& branch : state.branches) {
      if (has_task(*branch, name)) return true;
    }
    if (state.item_processor && has_task(*state.item_processor, name)) return true;
  }
  return false;
}

}  // namespace

std::vector<FaultDetail> Deciding::misfits_of(const EditAsked& event) const {
  std::vector<FaultDetail> faults;
  if (event.attributes && merged(run_.header.attributes, *event.attributes)->size() > kMaxRunAttributes) {
    faults.push_back({"/set/attributes", "out_of_range",
                      "the run would have more than " + std::to_string(kMaxRunAttributes) + " attributes"});
  }
  if (event.variables && !fits_in(*event.variables, limits_.max_payload_bytes))
    faults.push_back({"/set/variables", "out_of_range", "is larger than what a run may carry"});
  if (!event.steps) return faults;
  for (const auto& [name, edit] : event.steps->items()) {
    if (has_task(run_.definition->root, name)) continue;
    faults.push_back({language::below("/set/steps", name), "unknown", "the definition has no Task of this name"});
  }
  return faults;
}

Status Deciding::on(const EditAsked& event) {
  if (run_.closed) return refused("the run is closed", "run-closed");
  if (run_.cancelling) return refused("the run is being cancelled", "wrong-state");
  if (event.run_at && !is_movable(run_)) {
    return refused("run_at moves a run that waits for its start, a timer or a retry, and this one does not",
                   "wrong-state");
  }
  if (auto faults = misfits_of(event); !faults.empty()) {
    Error unfit(ErrorCode::invalid_argument, "invalid-body", "the run cannot be edited like this");
    unfit.faults = std::move(faults);
    return unfit;
  }
  HistoryEvent edited = event_for(run_.root(), EventType::RunEdited);
  Json details = Json::object();
  if (event.run_at) details[detail::kRunAt] = to_micros(*event.run_at);
  if (event.priority) details[detail::kPriority] = *event.priority;
  if (event.attributes) details[detail::kAttributes] = *event.attributes;
  if (event.timeout_seconds) details[detail::kTimeoutSeconds] = *event.timeout_seconds;
  if (event.variables) details[detail::kAssigned] = *event.variables;
  if (event.steps) details[detail::kSteps] = *event.steps;
  if (!event.reason.empty()) details[detail::kReason] = event.reason;
  if (!event.actor.empty()) details[detail::kActor] = event.actor;
  edited.details = make_payload(std::move(details));
  emit(std::move(edited));
  // Retry-now, or a time that has run out already: what is due need not wait for its timer.
  const bool is_due = (event.run_at && *event.run_at <= now_) || (run_.deadline && *run_.deadline <= now_);
  return is_due ? on(TimersDue{}) : Status();
}

Status apply_edit(RunData& run, const HistoryEvent& event) {
  if (const auto priority = detail::number(event, detail::kPriority)) {
    run.edited_priority = static_cast<std::int32_t>(*priority);
    run.header.priority = *run.edited_priority;
  }
  if (const Json* attributes = detail::find(event, detail::kAttributes)) {
    run.edited_attributes = merged(run.header.attributes, *attributes);
    run.header.attributes = run.edited_attributes;
  }
  if (const auto seconds = detail::number(event, detail::kTimeoutSeconds)) {
    run.edited_timeout_seconds = seconds;
    run.header.timeout_seconds = seconds;
    if (run.clock_from) run.deadline = *run.clock_from + std::chrono::seconds{*seconds};
  }
  if (const Json* variables = detail::find(event, detail::kAssigned)) {
    for (const auto& [name, value] : variables->items()) run.root().variables[name] = make_payload(value);
  }
  if (const Json* steps = detail::find(event, detail::kSteps)) {
    if (run.step_edits.is_null()) run.step_edits = Json::object();
    for (const auto& [name, edit] : steps->items()) {
      if (!run.step_edits.contains(name)) run.step_edits[name] = Json::object();
      run.step_edits[name].update(edit);
    }
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

std::optional<std::int64_t> edited_seconds(const RunData& run, const Scope& scope, const char* name) {
  if (run.step_edits.is_null()) return std::nullopt;
  const auto edit = run.step_edits.find(scope.state->name);
  if (edit == run.step_edits.end()) return std::nullopt;
  const auto seconds = edit->find(name);
  return seconds == edit->end() ? std::nullopt : std::optional(seconds->get<std::int64_t>());
}

const std::vector<language::Retrier>& Deciding::retriers_of(const Scope& scope) {
  const auto edit = run_.step_edits.find(scope.state->name);
  if (edit == run_.step_edits.end() || !edit->contains(detail::kRetry)) return scope.state->retry;
  const Json& retry = (*edit)[detail::kRetry];
  edited_retriers_ = scope.state->retry;
  if (edited_retriers_.empty()) edited_retriers_.emplace_back().error_equals = {"States.ALL"};
  for (language::Retrier& retrier : edited_retriers_) {
    retrier.max_attempts = retry.value("max_attempts", retrier.max_attempts);
    if (retry.contains("interval_seconds")) {
      retrier.interval_seconds = retry["interval_seconds"].get<double>();
      retrier.delays_seconds.clear();
    }
    retrier.backoff_rate = retry.value("backoff_rate", retrier.backoff_rate);
    if (retry.contains("max_delay_seconds")) retrier.max_delay_seconds = retry["max_delay_seconds"].get<double>();
  }
  return edited_retriers_;
}

}  // namespace orchestrator::core
