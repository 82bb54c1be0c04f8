#include "orchestrator/core/history_items.hpp"

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/run.hpp"
#include "orchestrator/core/task.hpp"

namespace orchestrator::core {
namespace {

/// What the value of an event is called in its item; null for events that have none of their own.
const char* value_name(EventType type) {
  switch (type) {
    case EventType::ExecutionStarted:
    case EventType::TaskStateEntered:
    case EventType::PassStateEntered:
    case EventType::ChoiceStateEntered:
    case EventType::WaitStateEntered:
    case EventType::SucceedStateEntered:
    case EventType::FailStateEntered:
    case EventType::ParallelStateEntered:
    case EventType::MapStateEntered:
    case EventType::TaskScheduled:
    case EventType::InquiryScheduled:
    case EventType::SignalAwaited:
    case EventType::ChildRequested:
    case EventType::MapStateStarted:
    case EventType::MapIterationStarted: return "input";
    case EventType::ExecutionSucceeded:
    case EventType::TaskStateExited:
    case EventType::PassStateExited:
    case EventType::ChoiceStateExited:
    case EventType::WaitStateExited:
    case EventType::SucceedStateExited:
    case EventType::ParallelStateExited:
    case EventType::MapStateExited:
    case EventType::TaskSucceeded:
    case EventType::SignalConsumed:
    case EventType::StepSkipped:
    case EventType::InquiryAnswered: return "output";
    default: return nullptr;
  }
}

bool is_about_task(EventType type) {
  switch (type) {
    case EventType::TaskScheduled:
    case EventType::TaskStarted:
    case EventType::TaskSucceeded:
    case EventType::TaskFailed:
    case EventType::TaskTimedOut:
    case EventType::TaskLost:
    case EventType::TaskSnoozed:
    case EventType::TaskCancelled:
    case EventType::SignalAwaited:
    case EventType::ChildRequested: return true;
    default: return false;
  }
}

bool is_about_run(EventType type) {
  switch (type) {
    case EventType::CancelRequested:
    case EventType::RunRetried:
    case EventType::RunEdited:
    case EventType::RunPaused:
    case EventType::RunResumed: return true;
    default: return type <= EventType::ExecutionAborted;
  }
}

bool is_about_inquiry(EventType type) {
  return type == EventType::InquiryScheduled || type == EventType::InquiryStarted ||
         type == EventType::InquiryAnswered || type == EventType::InquiryFailed;
}

/// Times travel as microseconds in the journal and as text in items.
void put_details(Json& item, const HistoryEvent& event) {
  if (!event.details || !event.details->is_object()) return;
  for (const auto& [name, value] : event.details->items()) {
    const bool is_time =
        (name == detail::kRetryAt || name == detail::kUntil || name == detail::kRunAt) && value.is_number_integer();
    if (name == detail::kAssigned) {
      item["assigned_variables"] = value;
    } else if (name != detail::kParent && name != detail::kRetrier && name != detail::kKeepsInput) {
      item[name] = is_time ? Json(to_rfc3339(from_micros(value.get<std::int64_t>()))) : value;
    }
  }
}

}  // namespace

struct HistoryItems::Body {
  Run run;
};

HistoryItems::HistoryItems(const Planner&, RunHeader header, language::DefinitionPtr definition)
    : body_(std::make_unique<Body>(Body{Run(std::move(header), std::move(definition))})) {}
HistoryItems::~HistoryItems() = default;

Result<std::vector<Json>> HistoryItems::add(const std::vector<HistoryEvent>& events) {
  RunData& run = RunAccess::data(body_->run);
  std::vector<Json> items;
  items.reserve(events.size());
  for (const HistoryEvent& event : events) {
    // An iteration's scope ends with its event: what the item says about it is read before.
    const Scope* before = run.find(event.scope);
    const std::int32_t attempt_before = before ? before->step.attempt : 0;
    const Payload value_before = before ? before->value : nullptr;
    if (Status applied = apply(run, event); !applied) return std::move(applied).error();

    Json item = Json::object();
    item["seq"] = event.id;
    item["previous_seq"] = event.previous;
    item["at"] = to_rfc3339(event.at);
    item["type"] = std::string(to_string(event.type));
    if (event.scope != 0) item["scope"] = event.scope;
    const Scope* scope = run.find(event.scope);
    if (scope && scope->state && !is_about_run(event.type)) item["state_name"] = scope->state->name;
    if (const char* name = value_name(event.type)) {
      const bool own = is_about_inquiry(event.type);
      const Payload value = own ? event.value : scope ? scope->value : value_before;
      item[name] = json_of(value);
    } else if (event.value) {
      item["output"] = *event.value;
    }
    if (event.error) item["error"] = *event.error;
    if (event.cause) item["cause"] = *event.cause;
    if (scope && is_about_task(event.type)) item["attempt"] = std::max(attempt_before, scope->step.attempt);
    if (scope && is_about_inquiry(event.type)) item["attempt"] = scope->step.inquiry;
    if (scope && event.type == EventType::TaskScheduled) {
      const ScheduleTask task = task_command(run, *scope);
      item["resource"] = scope->state->resource.text;
      item["handler"] = task.handler;
      item["queue"] = task.queue;
      item["idempotency_key"] = task.idempotency_key;
    }
    put_details(item, event);
    items.push_back(std::move(item));
  }
  return items;
}

}  // namespace orchestrator::core
