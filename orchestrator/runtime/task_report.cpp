#include "orchestrator/runtime/task_report.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"

namespace orchestrator::runtime {

using namespace members;

namespace {

Json json_of_token(const TaskToken& token) {
  return {{"run_id", token.run_id.str()},
          {"step", token.task.step},
          {"attempt", token.task.attempt},
          {"inquiry", token.task.inquiry},
          {"hand_out", token.hand_out}};
}

TaskToken token_from(const Json& object) {
  TaskToken token;
  token.run_id = get_id<RunTag>(object, "run_id");
  token.task.step = object.at("step").get<core::StepId>();
  token.task.attempt = object.at("attempt").get<std::int32_t>();
  token.task.inquiry = object.value("inquiry", false);
  token.hand_out = object.at("hand_out").get<std::uint64_t>();
  return token;
}

Json json_of_outcome(const Outcome& outcome) {
  Json object = {{"kind", static_cast<int>(outcome.kind)}, {"retryable", outcome.retryable}};
  put(object, "output", outcome.output);
  put(object, "error", outcome.error);
  put(object, "cause", outcome.cause);
  if (outcome.delay) object["delay_us"] = outcome.delay->count();
  return object;
}

Outcome outcome_from(const Json& object) {
  Outcome outcome;
  outcome.kind = static_cast<Outcome::Kind>(object.at("kind").get<int>());
  outcome.retryable = object.value("retryable", true);
  outcome.output = get_payload(object, "output");
  outcome.error = get_optional(object, "error");
  outcome.cause = get_optional(object, "cause");
  if (const auto delay = get_integer(object, "delay_us")) outcome.delay = Duration{*delay};
  return outcome;
}

Json to_json(const ClaimedTask& task) {
  Json object = {{"token", task.token},
                 {"run_id", task.run_id.str()},
                 {"attempt", task.attempt},
                 {"lease_expires_at_us", to_micros(task.lease_expires_at)}};
  put(object, "namespace", task.namespace_name);
  put(object, "workflow", task.workflow);
  put(object, "state_name", task.state_name);
  put(object, "handler", task.handler);
  put(object, "queue", task.queue);
  put(object, "input", task.input);
  put(object, "idempotency_key", task.idempotency_key);
  put(object, "deadline_us", task.deadline);
  put(object, "traceparent", task.traceparent);
  put(object, "heartbeat_details", task.heartbeat_details);
  return object;
}

ClaimedTask claimed_task_from(const Json& object) {
  ClaimedTask task;
  task.token = get_text(object, "token");
  task.run_id = get_id<RunTag>(object, "run_id");
  task.attempt = object.value("attempt", 1);
  task.lease_expires_at = from_micros(object.value("lease_expires_at_us", std::int64_t{0}));
  task.namespace_name = get_text(object, "namespace");
  task.workflow = get_text(object, "workflow");
  task.state_name = get_text(object, "state_name");
  task.handler = get_text(object, "handler");
  task.queue = get_text(object, "queue");
  task.input = get_payload(object, "input");
  task.idempotency_key = get_text(object, "idempotency_key");
  task.deadline = get_time(object, "deadline_us");
  task.traceparent = get_text(object, "traceparent");
  task.heartbeat_details = get_payload(object, "heartbeat_details");
  return task;
}

}  // namespace

Error stale_lease() {
  return {ErrorCode::conflict, "stale-lease", "this task is no longer held under this token: drop it"};
}

bool is_same_outcome(const Outcome& left, const Outcome& right) {
  return left.kind == right.kind && json_of(left.output) == json_of(right.output) && left.error == right.error &&
         left.cause == right.cause && left.retryable == right.retryable && left.delay == right.delay;
}

Json to_json(const ClaimFilter& filter) {
  return {{"namespace", filter.namespace_name}, {"queue", filter.queue}, {"handlers", filter.handlers}};
}

ClaimFilter claim_filter_from(const Json& object) {
  return {get_text(object, "namespace"), get_text(object, "queue"),
          object.value("handlers", std::vector<std::string>{})};
}

Json to_json(const ClaimRequest& request) {
  return {{"filter", to_json(request.filter)},
          {"worker_id", request.terms.worker_id},
          {"lease_us", request.terms.lease.count()},
          {"max_tasks", request.max_tasks}};
}

ClaimRequest claim_request_from(const Json& object) {
  ClaimRequest request;
  request.filter = claim_filter_from(object.at("filter"));
  request.terms.worker_id = get_text(object, "worker_id");
  request.terms.lease = Duration{object.at("lease_us").get<std::int64_t>()};
  request.max_tasks = object.value("max_tasks", std::size_t{1});
  return request;
}

Json to_json(const std::vector<ClaimedTask>& tasks) {
  Json array = Json::array();
  for (const auto& task : tasks) array.push_back(to_json(task));
  return array;
}

std::vector<ClaimedTask> claimed_tasks_from(const Json& array) {
  std::vector<ClaimedTask> tasks;
  for (const auto& task : array) tasks.push_back(claimed_task_from(task));
  return tasks;
}

Json to_json(const TaskReport& report) {
  Json object = {{"namespace", report.namespace_name},
                 {"token", json_of_token(report.token)},
                 {"kind", static_cast<int>(report.kind)},
                 {"outcome", json_of_outcome(report.outcome)},
                 {"repeated", report.repeated}};
  put(object, "details", report.details);
  return object;
}

TaskReport task_report_from(const Json& object) {
  TaskReport report;
  report.namespace_name = get_text(object, "namespace");
  report.token = token_from(object.at("token"));
  report.kind = static_cast<TaskReport::Kind>(object.at("kind").get<int>());
  report.outcome = outcome_from(object.at("outcome"));
  report.details = get_payload(object, "details");
  report.repeated = object.value("repeated", false);
  return report;
}

Json to_json(const TaskAnswer& answer) {
  return {{"run_id", answer.run_id.str()},
          {"state", to_string(answer.state)},
          {"cancel_requested", answer.cancel_requested},
          {"lease_expires_at_us", to_micros(answer.lease_expires_at)}};
}

TaskAnswer task_answer_from(const Json& object) {
  TaskAnswer answer;
  answer.run_id = get_id<RunTag>(object, "run_id");
  answer.state = parse_run_state(get_text(object, "state")).value_or(RunState::ready);
  answer.cancel_requested = object.value("cancel_requested", false);
  answer.lease_expires_at = from_micros(object.value("lease_expires_at_us", std::int64_t{0}));
  return answer;
}

}  // namespace orchestrator::runtime
