#include "orchestrator/service/job_history.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/core/job.hpp"
#include "orchestrator/model/history_event.hpp"

namespace orchestrator::service {
namespace {

EventType end_of(RunState state) {
  switch (state) {
    case RunState::succeeded: return EventType::ExecutionSucceeded;
    case RunState::cancelled: return EventType::ExecutionAborted;
    case RunState::timed_out: return EventType::ExecutionTimedOut;
    default: return EventType::ExecutionFailed;
  }
}

Json& add(std::vector<Json>& items, EventType type, Timestamp at) {
  const auto seq = static_cast<EventId>(items.size() + 1);
  return items.emplace_back(
      Json{{"seq", seq}, {"previous_seq", seq - 1}, {"at", to_rfc3339(at)}, {"type", std::string(to_string(type))}});
}

}  // namespace

Result<std::vector<Json>> job_history(const store::RunView& view) {
  JobRecord record;
  if (view.job_state) {
    auto read = decode_job_record(*view.job_state);
    if (!read) return read.error();
    record = *std::move(read);
  }
  std::vector<Json> items;
  add(items, EventType::ExecutionStarted, view.header.created_at)["input"] = json_of(view.header.input);
  for (const FailedAttempt& failure : record.failures) {
    Json& item = add(items, EventType::TaskFailed, failure.at);
    item["state_name"] = core::kJobStateName;
    item["attempt"] = failure.attempt;
    item["error"] = failure.error;
    item["cause"] = failure.cause;
    if (!failure.worker.empty()) item["worker"] = failure.worker;
    if (failure.retry_at) item["retry_at"] = to_rfc3339(*failure.retry_at);
  }
  if (!is_closed(view.state)) return items;
  if (view.state == RunState::cancelled && view.output) {
    Json& item = add(items, EventType::TaskSucceeded, view.closed_at.value_or(view.header.created_at));
    item["state_name"] = core::kJobStateName;
    item["attempt"] = view.attempts;
    item["output"] = json_of(view.output);
  }
  Json& end = add(items, end_of(view.state), view.closed_at.value_or(view.header.created_at));
  if (view.state == RunState::succeeded) end["output"] = json_of(view.output);
  if (view.error) end["error"] = *view.error;
  if (view.cause) end["cause"] = *view.cause;
  return items;
}

}  // namespace orchestrator::service
