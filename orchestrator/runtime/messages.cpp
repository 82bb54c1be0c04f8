#include "orchestrator/runtime/messages.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::runtime {
namespace {

constexpr const char* kKinds[] = {"start",       "child_started", "child_ended",  "cancel",       "signal",
                                  "wait_opened", "wait_ended",    "signal_offer", "signal_answer"};

// ---- members ----

template <typename Tag>
void put(Json& object, const char* name, const Uuid<Tag>& id) {
  if (!id.is_nil()) object[name] = id.str();
}
void put(Json& object, const char* name, const std::optional<std::string>& text) {
  if (text) object[name] = *text;
}
void put(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}
void put(Json& object, const char* name, const Payload& payload) {
  if (payload) object[name] = *payload;
}

template <typename Tag>
Uuid<Tag> get_id(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  auto id = Uuid<Tag>::parse(found->get<std::string>());
  return id ? *id : Uuid<Tag>{};
}
std::optional<std::string> get_optional(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  return found->get<std::string>();
}
std::string get_text(const Json& object, const char* name) { return object.value(name, std::string{}); }
Payload get_payload(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : make_payload(*found);
}
std::optional<std::int64_t> get_integer(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::nullopt;
  return found->get<std::int64_t>();
}
std::optional<RunId> get_run(const Json& object, const char* name) {
  if (!object.contains(name)) return std::nullopt;
  return get_id<RunTag>(object, name);
}

// ---- requests and rows ----

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
  return object;
}

StartRequest start_from(const Json& object) {
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
  return request;
}

Json to_json(const SignalRequest& request) {
  Json object = {{"namespace", request.namespace_name},
                 {"name", request.name},
                 {"id", request.id},
                 {"ttl_seconds", request.ttl_seconds}};
  put(object, "key", request.key);
  if (request.run_id) put(object, "run_id", *request.run_id);
  put(object, "signal_id", request.signal_id);
  put(object, "payload", request.payload);
  if (request.start) {
    Json start = {{"workflow", request.start->workflow}};
    put(start, "input", request.start->input);
    object["start"] = std::move(start);
  }
  return object;
}

SignalRequest signal_from(const Json& object) {
  SignalRequest request;
  request.namespace_name = get_text(object, "namespace");
  request.name = get_text(object, "name");
  request.key = get_optional(object, "key");
  request.run_id = get_run(object, "run_id");
  request.signal_id = get_id<SignalTag>(object, "signal_id");
  request.id = get_text(object, "id");
  request.payload = get_payload(object, "payload");
  request.ttl_seconds = object.value("ttl_seconds", request.ttl_seconds);
  if (const auto start = object.find("start"); start != object.end()) {
    request.start = SignalRequest::Start{get_text(*start, "workflow"), get_payload(*start, "input")};
  }
  return request;
}

Json to_json(const store::SignalRow& row) {
  Json object = {{"shard", to_int(row.shard)}, {"namespace", row.namespace_name},
                 {"name", row.name},           {"id", row.id},
                 {"step", row.step},           {"received_at_us", to_micros(row.received_at)}};
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
    return {{"request", to_json(m.request)}, {"reply_to", to_int(m.reply_to)}, {"step", m.step}};
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
    return {{"run_id", m.run_id.str()}, {"mode", to_string(m.mode)}, {"reason", m.reason}};
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
  Json operator()(const SignalAnswerMessage& m) const {
    return {{"signal_id", m.signal_id.str()},
            {"namespace", m.namespace_name},
            {"key", m.key},
            {"run_id", m.run_id.str()},
            {"step", m.step},
            {"accepted", m.accepted}};
  }
};

Message decode(const std::string& kind, const Json& object) {
  if (kind == "start")
    return StartMessage{start_from(object.at("request")), ShardId{object.value("reply_to", 0)},
                        object.value("step", EventId{0})};
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
    return CancelMessage{get_id<RunTag>(object, "run_id"),
                         parse_cancel_mode(get_text(object, "mode")).value_or(CancelMode::graceful),
                         get_text(object, "reason")};
  }
  if (kind == "signal") return SignalMessage{signal_from(object)};
  if (kind == "wait_opened") return WaitOpenedMessage{wait_from(object)};
  if (kind == "wait_ended") {
    const auto row = wait_from(object);
    return WaitEndedMessage{{row.shard, row.namespace_name, row.key, row.run_id, row.step}};
  }
  if (kind == "signal_offer") return SignalOfferMessage{row_from(object)};
  return SignalAnswerMessage{
      get_id<SignalTag>(object, "signal_id"), get_text(object, "namespace"),    get_text(object, "key"),
      get_id<RunTag>(object, "run_id"),       object.value("step", EventId{0}), object.value("accepted", false)};
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
