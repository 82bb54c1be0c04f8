#include "orchestrator/runtime/messages.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"
#include "orchestrator/runtime/request_json.hpp"

namespace orchestrator::runtime {
namespace {

constexpr const char* kKinds[] = {"start",       "child_started", "child_ended",  "cancel",        "signal",
                                  "wait_opened", "wait_ended",    "signal_offer", "signal_answer", "start_jobs"};

using namespace members;

// ---- rows ----

Json to_json(const store::SignalRow& row) {
  Json object = {{"shard", to_int(row.shard)},
                 {"namespace", row.namespace_name},
                 {"name", row.name},
                 {"id", row.id},
                 {"step", row.step},
                 {"received_at_us", to_micros(row.received_at)},
                 {"sender", to_string(row.sender)}};
  put(object, "actor", row.actor);
  put(object, "signal_id", row.signal_id);
  put(object, "key", row.key);
  put(object, "payload", row.payload);
  if (row.run_id) put(object, "run_id", *row.run_id);
  return object;
}

store::SignalRow row_from(const Json& object) {
  store::SignalRow row;
  row.shard = ShardId{object.value("shard", 0)};
  row.signal_id = get_id<SignalTag>(object, "signal_id");
  row.namespace_name = get_text(object, "namespace");
  row.name = get_text(object, "name");
  row.key = get_optional(object, "key");
  row.id = get_text(object, "id");
  row.payload = get_payload(object, "payload");
  row.run_id = get_run(object, "run_id");
  row.step = object.value("step", EventId{0});
  row.received_at = from_micros(object.value("received_at_us", std::int64_t{0}));
  row.sender = parse_role(get_text(object, "sender")).value_or(Role::operator_);
  row.actor = get_text(object, "actor");
  return row;
}

Json to_json(const store::SignalWaitRow& row) {
  Json object = {{"shard", to_int(row.shard)},
                 {"namespace", row.namespace_name},
                 {"key", row.key},
                 {"step", row.step},
                 {"names", row.names},
                 {"state_name", row.state_name},
                 {"since_us", to_micros(row.since)}};
  put(object, "run_id", row.run_id);
  return object;
}

store::SignalWaitRow wait_from(const Json& object) {
  store::SignalWaitRow row;
  row.shard = ShardId{object.value("shard", 0)};
  row.namespace_name = get_text(object, "namespace");
  row.key = get_text(object, "key");
  row.run_id = get_id<RunTag>(object, "run_id");
  row.step = object.value("step", EventId{0});
  row.names = object.value("names", std::vector<std::string>{});
  row.state_name = get_text(object, "state_name");
  row.since = from_micros(object.value("since_us", std::int64_t{0}));
  return row;
}

// ---- messages ----

struct Encoder {
  Json operator()(const StartMessage& m) const {
    Json object = {{"request", to_json(m.request)}, {"reply_to", to_int(m.reply_to)}, {"step", m.step}};
    if (m.promised) object["promised"] = true;
    return object;
  }
  Json operator()(const ChildStartedMessage& m) const {
    Json object = {{"step", m.step}};
    put(object, "parent", m.parent);
    put(object, "child", m.child);
    put(object, "error", m.error);
    put(object, "cause", m.cause);
    return object;
  }
  Json operator()(const ChildEndedMessage& m) const {
    Json object = {{"step", m.step}, {"state", to_string(m.state)}};
    put(object, "parent", m.parent);
    put(object, "child", m.child);
    put(object, "output", m.output);
    put(object, "error", m.error);
    put(object, "cause", m.cause);
    return object;
  }
  Json operator()(const CancelMessage& m) const {
    Json object = {{"run_id", m.run_id.str()}, {"mode", to_string(m.mode)}, {"reason", m.reason}};
    put(object, "actor", m.actor);
    put(object, "operation", m.operation);
    put(object, "audit", m.audit);
    return object;
  }
  Json operator()(const SignalMessage& m) const { return to_json(m.request); }
  Json operator()(const WaitOpenedMessage& m) const { return to_json(m.wait); }
  Json operator()(const WaitEndedMessage& m) const {
    return {{"shard", to_int(m.wait.shard)},
            {"namespace", m.wait.namespace_name},
            {"key", m.wait.key},
            {"run_id", m.wait.run_id.str()},
            {"step", m.wait.step}};
  }
  Json operator()(const SignalOfferMessage& m) const { return to_json(m.signal); }
  Json operator()(const StartJobsMessage& m) const {
    Json inputs = Json::array();
    for (const Payload& input : m.inputs) inputs.push_back(json_of(input));
    return {{"promised", true}, {"request", to_json(m.first)}, {"inputs", std::move(inputs)}};
  }
  Json operator()(const SignalAnswerMessage& m) const {
    Json object = {{"signal_id", m.signal_id.str()},
                   {"namespace", m.namespace_name},
                   {"key", m.key},
                   {"run_id", m.run_id.str()},
                   {"step", m.step},
                   {"accepted", m.accepted}};
    put(object, "refusal", m.refusal);
    return object;
  }
};

Message decode(const std::string& kind, const Json& object) {
  if (kind == "start")
    return StartMessage{start_request_from(object.at("request")), ShardId{object.value("reply_to", 0)},
                        object.value("step", EventId{0}), object.value("promised", false)};
  if (kind == "child_started") {
    return ChildStartedMessage{get_id<RunTag>(object, "parent"), object.value("step", EventId{0}),
                               get_id<RunTag>(object, "child"), get_text(object, "error"), get_text(object, "cause")};
  }
  if (kind == "child_ended") {
    return ChildEndedMessage{
        get_id<RunTag>(object, "parent"), object.value("step", EventId{0}),
        get_id<RunTag>(object, "child"),  parse_run_state(get_text(object, "state")).value_or(RunState::failed),
        get_payload(object, "output"),    get_optional(object, "error"),
        get_optional(object, "cause")};
  }
  if (kind == "cancel") {
    return CancelMessage{
        get_id<RunTag>(object, "run_id"), parse_cancel_mode(get_text(object, "mode")).value_or(CancelMode::graceful),
        get_text(object, "reason"),       get_text(object, "actor"),
        get_text(object, "operation"),    get_audit(object, "audit")};
  }
  if (kind == "signal") return SignalMessage{signal_request_from(object)};
  if (kind == "wait_opened") return WaitOpenedMessage{wait_from(object)};
  if (kind == "wait_ended") {
    const auto row = wait_from(object);
    return WaitEndedMessage{{row.shard, row.namespace_name, row.key, row.run_id, row.step}};
  }
  if (kind == "start_jobs") {
    StartJobsMessage message{start_request_from(object.at("request")), {}};
    for (const Json& input : object.at("inputs")) message.inputs.push_back(make_payload(input));
    return message;
  }
  if (kind == "signal_offer") return SignalOfferMessage{row_from(object)};
  return SignalAnswerMessage{get_id<SignalTag>(object, "signal_id"),
                             get_text(object, "namespace"),
                             get_text(object, "key"),
                             get_id<RunTag>(object, "run_id"),
                             object.value("step", EventId{0}),
                             object.value("accepted", false),
                             get_text(object, "refusal")};
}

}  // namespace

std::string message_kind(const Message& message) { return kKinds[message.index()]; }

std::string encode_message(const Message& message) { return dump_json(std::visit(Encoder{}, message)); }

Result<Message> decode_message(const std::string& kind, const std::string& body) {
  bool known = false;
  for (const char* word : kKinds) known = known || kind == word;
  if (!known) return fail(ErrorCode::invalid_argument, "no message is of kind " + kind);
  auto object = parse_json(body);
  if (!object) return object.error();
  try {
    return decode(kind, *object);
  } catch (const Json::exception& e) {
    return fail(ErrorCode::invalid_argument, "a message of kind " + kind + " is malformed: " + e.what());
  }
}

}  // namespace orchestrator::runtime
