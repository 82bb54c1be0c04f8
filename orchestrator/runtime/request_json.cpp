#include "orchestrator/runtime/request_json.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"

namespace orchestrator::runtime {

using namespace members;

Json to_json(const StartRequest& request) {
  Json object = {{"namespace", request.namespace_name},
                 {"workflow", request.workflow},
                 {"version", request.version},
                 {"on_conflict", static_cast<int>(request.on_conflict)},
                 {"on_closed", static_cast<int>(request.on_closed)},
                 {"priority", request.priority}};
  put(object, "input", request.input);
  put(object, "key", request.key);
  if (request.run_at) object["run_at_us"] = to_micros(*request.run_at);
  put(object, "attributes", request.attributes);
  if (request.timeout_seconds) object["timeout_seconds"] = *request.timeout_seconds;
  put(object, "traceparent", request.traceparent);
  put(object, "id", request.id);
  if (request.parent) put(object, "parent", *request.parent);
  object["parent_step"] = request.parent_step;
  if (request.predecessor) put(object, "predecessor", *request.predecessor);
  if (request.maybe_repeated) object["maybe_repeated"] = true;
  if (request.job) object["job"] = to_json(*request.job);
  return object;
}

StartRequest start_request_from(const Json& object) {
  StartRequest request;
  request.namespace_name = get_text(object, "namespace");
  request.workflow = get_text(object, "workflow");
  request.version = object.value("version", 0);
  request.input = get_payload(object, "input");
  request.key = get_optional(object, "key");
  request.on_conflict = static_cast<KeyConflict>(object.value("on_conflict", 0));
  request.on_closed = static_cast<ClosedKey>(object.value("on_closed", 0));
  if (const auto at = get_integer(object, "run_at_us")) request.run_at = from_micros(*at);
  request.priority = object.value("priority", 0);
  request.attributes = get_payload(object, "attributes");
  request.timeout_seconds = get_integer(object, "timeout_seconds");
  request.traceparent = get_text(object, "traceparent");
  request.id = get_id<RunTag>(object, "id");
  request.parent = get_run(object, "parent");
  request.parent_step = object.value("parent_step", EventId{0});
  request.predecessor = get_run(object, "predecessor");
  request.maybe_repeated = object.value("maybe_repeated", false);
  if (const auto job = object.find("job"); job != object.end()) {
    if (auto start = job_start_from(*job)) request.job = *std::move(start);
  }
  return request;
}

Json to_json(const SignalRequest& request) {
  Json object = {{"namespace", request.namespace_name},
                 {"name", request.name},
                 {"id", request.id},
                 {"ttl_seconds", request.ttl_seconds},
                 {"sender", to_string(request.sender)}};
  put(object, "actor", request.actor);
  put(object, "key", request.key);
  if (request.run_id) put(object, "run_id", *request.run_id);
  put(object, "signal_id", request.signal_id);
  put(object, "payload", request.payload);
  if (request.start) {
    Json start = {{"workflow", request.start->workflow}};
    put(start, "input", request.start->input);
    object["start"] = std::move(start);
  }
  if (request.broadcast) object["broadcast"] = true;
  return object;
}

SignalRequest signal_request_from(const Json& object) {
  SignalRequest request;
  request.namespace_name = get_text(object, "namespace");
  request.name = get_text(object, "name");
  request.key = get_optional(object, "key");
  request.run_id = get_run(object, "run_id");
  request.signal_id = get_id<SignalTag>(object, "signal_id");
  request.id = get_text(object, "id");
  request.payload = get_payload(object, "payload");
  request.ttl_seconds = object.value("ttl_seconds", request.ttl_seconds);
  request.sender = parse_role(get_text(object, "sender")).value_or(Role::operator_);
  request.actor = get_text(object, "actor");
  if (const auto start = object.find("start"); start != object.end()) {
    request.start = SignalRequest::Start{get_text(*start, "workflow"), get_payload(*start, "input")};
  }
  request.broadcast = object.value("broadcast", false);
  return request;
}

Json to_json(const RedirectRequest& request) {
  Json object = {{"namespace", request.namespace_name},
                 {"kind", store::to_string(request.kind)},
                 {"even_consumed", request.even_consumed},
                 {"id", request.id},
                 {"name", request.name},
                 {"sender", to_string(request.sender)},
                 {"reason", request.reason},
                 {"actor", request.actor}};
  put(object, "origin", request.origin);
  put(object, "signal_id", request.signal_id);
  put(object, "key", request.key);
  if (request.run_id) put(object, "run_id", *request.run_id);
  put(object, "audit", request.audit);
  return object;
}

RedirectRequest redirect_request_from(const Json& object) {
  RedirectRequest request;
  request.namespace_name = get_text(object, "namespace");
  request.origin = get_id<SignalTag>(object, "origin");
  request.kind = store::parse_signal_link_kind(get_text(object, "kind")).value_or(store::SignalLinkKind::replay);
  request.even_consumed = object.value("even_consumed", false);
  request.signal_id = get_id<SignalTag>(object, "signal_id");
  request.id = get_text(object, "id");
  request.name = get_text(object, "name");
  request.key = get_optional(object, "key");
  request.run_id = get_run(object, "run_id");
  request.sender = parse_role(get_text(object, "sender")).value_or(Role::operator_);
  request.reason = get_text(object, "reason");
  request.actor = get_text(object, "actor");
  request.audit = get_audit(object, "audit");
  return request;
}

Json to_json(const CancelRequest& request) {
  Json object = {{"run_id", request.run_id.str()}, {"mode", to_string(request.mode)}};
  put(object, "namespace", request.namespace_name);
  put(object, "reason", request.reason);
  put(object, "actor", request.actor);
  put(object, "operation", request.operation);
  put(object, "audit", request.audit);
  if (request.rehearse) object["rehearse"] = true;
  return object;
}

CancelRequest cancel_request_from(const Json& object) {
  return {get_text(object, "namespace"),
          get_id<RunTag>(object, "run_id"),
          parse_cancel_mode(get_text(object, "mode")).value_or(CancelMode::graceful),
          get_text(object, "reason"),
          get_text(object, "actor"),
          get_audit(object, "audit"),
          object.value("rehearse", false),
          get_text(object, "operation")};
}

Json to_json(const RetryRequest& request) {
  Json object = {{"run_id", request.run_id.str()}, {"new_idempotency_key", request.asked.new_idempotency_key}};
  put(object, "namespace", request.namespace_name);
  put(object, "from_state", request.asked.from_state);
  put(object, "input", request.asked.input);
  put(object, "reason", request.asked.reason);
  put(object, "actor", request.asked.actor);
  put(object, "operation", request.asked.operation);
  if (request.only_dead_letter) object["only_dead_letter"] = true;
  put(object, "audit", request.audit);
  if (request.rehearse) object["rehearse"] = true;
  return object;
}

RetryRequest retry_request_from(const Json& object) {
  RetryRequest request;
  request.namespace_name = get_text(object, "namespace");
  request.run_id = get_id<RunTag>(object, "run_id");
  request.asked.from_state = get_optional(object, "from_state");
  request.asked.input = get_payload(object, "input");
  request.asked.reason = get_text(object, "reason");
  request.asked.actor = get_text(object, "actor");
  request.asked.new_idempotency_key = object.value("new_idempotency_key", false);
  request.asked.operation = get_text(object, "operation");
  request.only_dead_letter = object.value("only_dead_letter", false);
  request.audit = get_audit(object, "audit");
  request.rehearse = object.value("rehearse", false);
  return request;
}

Json to_json(const GateRequest& request) {
  return {{"namespace", request.namespace_name},
          {"scope", request.scope},
          {"key", request.key},
          {"body_hash", request.body_hash}};
}

GateRequest gate_request_from(const Json& object) {
  return {get_text(object, "namespace"), get_text(object, "scope"), get_text(object, "key"),
          get_text(object, "body_hash")};
}

Json to_json(const GateClose& request) {
  return {{"namespace", request.namespace_name},
          {"scope", request.scope},
          {"key", request.key},
          {"status", request.status},
          {"body", request.body}};
}

GateClose gate_close_from(const Json& object) {
  return {get_text(object, "namespace"), get_text(object, "scope"), get_text(object, "key"), object.value("status", 0),
          get_text(object, "body")};
}

Json to_json(const StartAnswer& answer) {
  Json object = {{"run_id", answer.run_id.str()},
                 {"workflow", answer.workflow},
                 {"version", answer.version},
                 {"state", to_string(answer.state)},
                 {"existing", answer.existing}};
  put(object, "key", answer.key);
  return object;
}

StartAnswer start_answer_from(const Json& object) {
  return {get_id<RunTag>(object, "run_id"),
          get_text(object, "workflow"),
          object.value("version", 0),
          get_optional(object, "key"),
          parse_run_state(get_text(object, "state")).value_or(RunState::ready),
          object.value("existing", false)};
}

Json to_json(const CancelAnswer& answer) {
  Json object = {{"state", to_string(answer.state)}, {"mode", to_string(answer.mode)}};
  put(object, "waited_on", answer.waited_on);
  return object;
}

CancelAnswer cancel_answer_from(const Json& object) {
  return {parse_run_state(get_text(object, "state")).value_or(RunState::cancelled),
          parse_cancel_mode(get_text(object, "mode")).value_or(CancelMode::graceful), get_payload(object, "waited_on")};
}

Json to_json(const SignalAnswer& answer) {
  Json object = {{"signal_id", answer.signal_id.str()}, {"fate", answer.fate}};
  if (answer.run_id) put(object, "run_id", *answer.run_id);
  return object;
}

SignalAnswer signal_answer_from(const Json& object) {
  return {get_id<SignalTag>(object, "signal_id"), get_text(object, "fate"), get_run(object, "run_id")};
}

Json to_json(const GateAnswer& answer) {
  Json object = {{"body", answer.body}};
  if (answer.status) object["status"] = *answer.status;
  put(object, "reserved_id", answer.reserved_id);
  return object;
}

GateAnswer gate_answer_from(const Json& object) {
  GateAnswer answer;
  if (const auto status = get_integer(object, "status")) answer.status = static_cast<std::int32_t>(*status);
  answer.body = get_text(object, "body");
  answer.reserved_id = get_id<RunTag>(object, "reserved_id");
  return answer;
}

Json to_json(const Error& error) {
  Json faults = Json::array();
  for (const auto& fault : error.faults)
    faults.push_back({{"pointer", fault.pointer}, {"code", fault.code}, {"message", fault.message}});
  Json extra = Json::array();
  for (const auto& [name, value] : error.members) extra.push_back({name, value});
  return {{"code", error_traits(error.code).name},
          {"message", error.message},
          {"slug", error.slug},
          {"faults", std::move(faults)},
          {"members", std::move(extra)}};
}

Error error_from(const Json& object) {
  Error error(ErrorCode::internal, get_text(object, "slug"), get_text(object, "message"));
  const std::string code = get_text(object, "code");
  for (int value = 0; value <= static_cast<int>(ErrorCode::internal); ++value) {
    if (error_traits(static_cast<ErrorCode>(value)).name == code) error.code = static_cast<ErrorCode>(value);
  }
  for (const auto& fault : object.value("faults", Json::array()))
    error.faults.push_back({get_text(fault, "pointer"), get_text(fault, "code"), get_text(fault, "message")});
  for (const auto& member : object.value("members", Json::array()))
    error.members.emplace_back(member.at(0).get<std::string>(), member.at(1).get<std::string>());
  return error;
}

Json to_json(const store::RunView& view) {
  const RunHeader& header = view.header;
  Json object = {{"id", header.id.str()},
                 {"namespace", header.namespace_name},
                 {"kind", static_cast<int>(header.kind)},
                 {"workflow", header.workflow},
                 {"version", header.version},
                 {"priority", header.priority},
                 {"parent_step", header.parent_step},
                 {"created_at_us", to_micros(header.created_at)},
                 {"state", to_string(view.state)},
                 {"waiting_on", view.waiting_on},
                 {"attempts", view.attempts},
                 {"dead_letter", static_cast<int>(view.dead_letter)}};
  put(object, "key", header.key);
  put(object, "input", header.input);
  put(object, "attributes", header.attributes);
  put(object, "parent", header.parent_run_id.value_or(RunId{}));
  put(object, "predecessor", header.predecessor_run_id.value_or(RunId{}));
  put(object, "successor", view.successor_run_id.value_or(RunId{}));
  put(object, "traceparent", header.traceparent);
  put(object, "run_at_us", header.run_at);
  if (header.timeout_seconds) object["timeout_seconds"] = *header.timeout_seconds;
  put(object, "queue", header.queue);
  put(object, "job", encode_job_spec(header.job));
  put(object, "job_state", view.job_state);
  put(object, "discarded", view.discarded);
  put(object, "output", view.output);
  put(object, "error", view.error);
  put(object, "cause", view.cause);
  put(object, "started_at_us", view.started_at);
  put(object, "closed_at_us", view.closed_at);
  put(object, "wake_at_us", view.wake_at);
  return object;
}

store::RunView run_view_from(const Json& object) {
  store::RunView view;
  RunHeader& header = view.header;
  header.id = get_id<RunTag>(object, "id");
  header.namespace_name = get_text(object, "namespace");
  header.kind = static_cast<RunKind>(object.value("kind", 0));
  header.workflow = get_text(object, "workflow");
  header.version = object.value("version", 0);
  header.priority = object.value("priority", 0);
  header.parent_step = object.value("parent_step", EventId{0});
  header.created_at = from_micros(object.value("created_at_us", std::int64_t{0}));
  view.state = parse_run_state(get_text(object, "state")).value_or(RunState::ready);
  view.waiting_on = object.value("waiting_on", "[]");
  view.attempts = object.value("attempts", 0);
  view.dead_letter = static_cast<store::DeadLetter>(object.value("dead_letter", 0));
  header.key = get_optional(object, "key");
  header.input = get_payload(object, "input");
  header.attributes = get_payload(object, "attributes");
  header.parent_run_id = get_run(object, "parent");
  header.predecessor_run_id = get_run(object, "predecessor");
  view.successor_run_id = get_run(object, "successor");
  header.traceparent = get_text(object, "traceparent");
  header.run_at = get_time(object, "run_at_us");
  header.timeout_seconds = get_integer(object, "timeout_seconds");
  header.queue = get_text(object, "queue");
  if (auto job = decode_job_spec(get_payload(object, "job"))) header.job = *std::move(job);
  view.job_state = get_optional(object, "job_state");
  view.discarded = get_optional(object, "discarded");
  view.output = get_payload(object, "output");
  view.error = get_optional(object, "error");
  view.cause = get_optional(object, "cause");
  view.started_at = get_time(object, "started_at_us");
  view.closed_at = get_time(object, "closed_at_us");
  view.wake_at = get_time(object, "wake_at_us");
  return view;
}

}  // namespace orchestrator::runtime
