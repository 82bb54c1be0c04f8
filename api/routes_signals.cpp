// Signals: POST /v1/runs/{id}/signals/{name}, POST /v1/signals/{name}, GET /v1/signals, /{id}.
#include <algorithm>

#include "api/body.hpp"
#include "api/context.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/signal_json.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/core/decision_answer.hpp"

namespace orchestrator::api {
namespace {

/// The sender's id from the `Idempotency-Key`, or "".
Result<std::string> id_from_header(const Call& call) {
  const std::string* key = call.request.headers.find("Idempotency-Key");
  if (key == nullptr) return std::string{};
  if (!is_valid_key(*key)) {
    return fail(ErrorCode::invalid_argument, "invalid-parameter",
                "`Idempotency-Key` must be 1 to 512 bytes without control characters");
  }
  return *key;
}

/// `?wait=`, the only parameter.
Result<std::int32_t> read_wait(const Call& call) {
  QueryReader query(call.request.query);
  const auto wait = query.integer("wait", 0, kMaxWaitSeconds);
  if (const Status status = query.finish(); !status) return status.error();
  return static_cast<std::int32_t>(wait.value_or(0));
}

Response sent_response(const service::SentSignal& sent, int status) {
  Response response = json_response(status, sent_text(sent));
  response.headers.emplace_back("Location", "/v1/signals/" + sent.signal_id.str());
  return response;
}

/// The item of `waiting_on` that asks for this decision; null when none does.
Json asked_decision(const store::RunView& view, const std::string& name) {
  const auto items = parse_json(view.waiting_on);
  if (!items || !items->is_array()) return {};
  for (const Json& item : *items) {
    const auto names = item.find("names");
    const bool is_among = names != item.end() && names->is_array() &&
                          std::any_of(names->begin(), names->end(), [&](const Json& one) { return one == name; });
    const bool is_it = is_among || string_member(item, "name") == name;
    if (is_it && string_member(item, "kind") == "decision") return item;
  }
  return {};
}

/// Whether the run would take it. One that it does not wait for yet it would: it keeps that until it asks.
Status could_be_taken(const store::RunView& view, const service::SendSignal& signal) {
  if (is_closed(view.state)) return fail(ErrorCode::precondition_failed, "run-closed", "the run is already closed");
  const Json item = asked_decision(view, signal.name);
  if (!item.is_object()) return {};
  core::Run::OpenWait wait;
  wait.is_decision = true;
  if (item.contains("schema") && !item.at("schema").is_null()) wait.answer_schema = make_payload(item.at("schema"));
  if (const auto roles = item.find("roles"); roles != item.end() && roles->is_array()) {
    for (const Json& role : *roles) wait.answer_roles.push_back(role.is_string() ? role.get<std::string>() : "");
  }
  auto refusal = core::refusal_of_answer(wait, json_of(signal.payload), signal.sender);
  return refusal ? Status(*std::move(refusal)) : Status();
}

/// By key nobody need wait for it yet, so that only its shape can be wrong, and that was read.
void rehearse(Context& context, const CallPtr& call, const service::SendSignal& signal) {
  if (!signal.run_id) return call->respond(json_response(202, "{}"));
  context.service.read_run(signal.namespace_name, *signal.run_id,
                           [call, signal](const Result<service::RunReading>& run) {
                             if (!run) return call->fail(run.error());
                             if (const Status could = could_be_taken(run->view, signal); !could)
                               return call->fail(could.error());
                             call->respond(json_response(202, "{}"));
                           });
}

/// Answers with the final fate, or after `wait`, or when the server ends, with the first one.
void await_fate(Context& context, const CallPtr& call, const service::SentSignal& sent, std::chrono::seconds wait) {
  Response early = sent_response(sent, 202);
  const auto ticket = context.long_polls.add([call, early] { call->respond(early); });
  if (!ticket) return call->respond(std::move(early));
  context.service.wait_for_fate(
      sent, wait,
      [&context, call, ticket = *ticket, early = std::move(early)](const Result<service::SentSignal>& settled) {
        if (!context.long_polls.remove(ticket)) return;
        // The signal is durable, so a failed look at it is no reason to report a failure.
        call->respond(settled && settled->final_fate ? sent_response(*settled, 200) : early);
      });
}

void send(Context& context, const CallPtr& call, service::SendSignal signal, std::int32_t wait) {
  if (call->is_rehearsal) return rehearse(context, call, signal);
  context.service.send_signal(std::move(signal), [&context, call, wait](Result<service::SentSignal> sent) {
    if (!sent) return call->fail(sent.error());
    // The first signal of that id has a fate of its own; this one's is that it came twice.
    if (wait == 0 || sent->fate == "duplicate") return call->respond(sent_response(*sent, 202));
    if (sent->final_fate) return call->respond(sent_response(*sent, 200));
    await_fate(context, call, *sent, std::chrono::seconds(wait));
  });
}

void signal_run(Context& context, const CallPtr& call) {
  const auto run_id = run_id_parameter(*call, 0);
  if (!run_id) return call->fail(run_id.error());
  const auto name = name_parameter(*call, 1);
  if (!name) return call->fail(name.error());
  const auto wait = read_wait(*call);
  if (!wait) return call->fail(wait.error());
  auto payload = read_optional_json(call->request);
  if (!payload) return call->fail(payload.error());
  auto id = id_from_header(*call);
  if (!id) return call->fail(id.error());

  service::SendSignal signal{.namespace_name = call->namespace_name, .name = *name, .run_id = *run_id};
  signal.payload = make_payload(std::move(*payload));
  signal.id = std::move(*id);
  signal.sender = call->role;
  signal.actor = call->actor;
  send(context, call, std::move(signal), *wait);
}

std::optional<service::SendSignal::Start> read_start(ObjectReader& reader, std::vector<FaultDetail>& faults) {
  Json value = reader.object("start");
  if (value.is_null()) return std::nullopt;
  ObjectReader inner(value, reader.pointer_to("start"), faults);
  service::SendSignal::Start start;
  start.workflow = inner.required("workflow", inner.name("workflow")).value_or("");
  start.input = inner.any("input");
  inner.finish();
  return start;
}

void signal_key(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  const auto wait = read_wait(*call);
  if (!wait) return call->fail(wait.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  auto id = id_from_header(*call);
  if (!id) return call->fail(id.error());

  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  service::SendSignal signal{.namespace_name = call->namespace_name, .name = *name};
  signal.key = reader.required("key", reader.key("key"));
  signal.payload = reader.any("payload");
  signal.id = std::move(*id);
  if (auto in_body = reader.key("id")) {
    if (!signal.id.empty() && signal.id != *in_body) reader.fault("id", "invalid", "differs from the Idempotency-Key");
    signal.id = std::move(*in_body);
  }
  signal.ttl_seconds = reader.integer("ttl_seconds", 1, kMaxSignalTtlSeconds);
  signal.start = read_start(reader, faults);
  signal.sender = call->role;
  signal.actor = call->actor;
  if (signal.start && call->role < Role::developer) {
    return call->fail(Error(ErrorCode::precondition_failed, "forbidden", "`start` needs the role developer"));
  }
  signal.broadcast = reader.boolean("broadcast").value_or(false);
  if (signal.broadcast && signal.start) reader.fault("broadcast", "invalid", "excludes `start`");
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  send(context, call, std::move(signal), *wait);
}

void list_signals(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  store::SignalFilter filter;
  filter.namespace_name = call->namespace_name;
  filter.name = query.text("name").value_or("");
  filter.key = query.text("key").value_or("");
  if (const auto fate = query.text("fate")) {
    filter.fate = store::parse_signal_fate(*fate);
    if (!filter.fate) query.fault("fate", "must be delivered, buffered, consumed, expired, unmatched or rejected");
  }
  if (const auto text = query.text("run_id")) {
    const auto run_id = RunId::parse(*text);
    if (run_id) {
      filter.run_id = *run_id;
    } else {
      query.fault("run_id", "must be a run id");
    }
  }
  if (const auto text = query.text("origin")) {
    const auto origin = SignalId::parse(*text);
    if (origin) {
      filter.origin = *origin;
    } else {
      query.fault("origin", "must be a signal id");
    }
  }
  filter.received_after = query.time("received_after");
  filter.received_before = query.time("received_before");
  filter.limit = query.limit();
  filter.cursor = query.cursor();
  if (const Status status = query.finish(); !status) return call->fail(status.error());

  context.service.list_signals(std::move(filter), [call](Result<store::SignalPage> page) {
    if (!page) return call->fail(page.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const store::SignalView& view : page->items) write_signal(writer, view);
    writer.end_array().member("next_cursor", page->next_cursor).end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void read_signal(Context& context, const CallPtr& call) {
  const auto id = signal_id_parameter(*call, 0);
  if (!id) return call->fail(id.error());
  context.service.find_signal(call->namespace_name, *id, [call](const Result<store::SignalView>& row) {
    if (!row) return call->fail(row.error());
    JsonWriter writer;
    write_signal(writer, *row);
    call->respond(json_response(200, std::move(writer).take()));
  });
}

}  // namespace

void add_signal_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const Role sends = Role::operator_;
  router.add({.method = "POST", .pattern = "/v1/runs/{id}/signals/{name}", .handle = bind(signal_run), .role = sends});
  router.add({.method = "POST", .pattern = "/v1/signals/{name}", .handle = bind(signal_key), .role = sends});
  router.add({.method = "GET", .pattern = "/v1/signals", .handle = bind(list_signals)});
  router.add({.method = "GET", .pattern = "/v1/signals/{id}", .handle = bind(read_signal)});
}

}  // namespace orchestrator::api
