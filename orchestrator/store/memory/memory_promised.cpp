// What was acknowledged when its message was inserted, and is not picked up yet. The bodies are those of
// runtime/messages.hpp, as migrations/0013 reads them in PostgreSQL.
#include "orchestrator/base/json.hpp"
#include "orchestrator/model/job_spec.hpp"
#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {
namespace {

constexpr std::int64_t kDefaultTtlSeconds = 7 * 24 * 3600;

Payload payload_member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : make_payload(*found);
}

std::optional<std::string> text_member(const Json& object, const char* name) {
  if (!object.contains(name)) return std::nullopt;
  return string_member(object, name);
}

RunView promised_view(const InboxRow& message, RunId run_id, const Json& request) {
  RunView view;
  view.header.id = run_id;
  view.header.namespace_name = string_member(request, "namespace");
  view.header.workflow = string_member(request, "workflow");
  view.header.version = request.value("version", 0);
  view.header.key = text_member(request, "key");
  view.header.priority = request.value("priority", 0);
  view.header.input = payload_member(request, "input");
  view.header.attributes = payload_member(request, "attributes");
  view.header.created_at = message.created_at;
  if (const auto job = request.find("job"); job != request.end()) {
    view.header.kind = RunKind::job;
    view.header.queue = string_member(*job, "queue");
    if (auto spec = decode_job_spec(payload_member(*job, "spec"))) view.header.job = *std::move(spec);
  }
  if (request.contains("run_at_us")) view.header.run_at = from_micros(request.value("run_at_us", std::int64_t{0}));
  view.wake_at = view.header.run_at;
  const bool waits = view.header.run_at && *view.header.run_at > message.created_at;
  view.state = waits ? RunState::waiting : RunState::ready;
  view.waiting_on = dump_json(Json::array(
      {{{"kind", waits ? "timer" : "worker"}, {"state_name", nullptr}, {"since", to_rfc3339(message.created_at)}}}));
  return view;
}

/// All jobs of one message.
std::vector<RunView> promised_jobs(const InboxRow& message) {
  std::vector<RunView> views;
  const auto body = parse_json(message.body);
  if (!body || !body->contains("inputs")) return views;
  Json request = body->value("request", Json::object());
  for (const Json& input : body->at("inputs")) {
    RunId run_id{message.id.bytes};
    run_id.bytes[14] = static_cast<std::uint8_t>(views.size() >> 8);
    run_id.bytes[15] = static_cast<std::uint8_t>(views.size());
    request["input"] = input;
    views.push_back(promised_view(message, run_id, request));
  }
  return views;
}

/// One of many in a message that is named after the first of them: the last two bytes are its place.
std::optional<RunView> find_promised_job(const Tables& tables, RunId run_id) {
  const std::size_t place = run_id.bytes[14] << 8 | run_id.bytes[15];
  MessageId message{run_id.bytes};
  message.bytes[14] = message.bytes[15] = 0;
  const auto found = tables.inbox.find({shard_of(run_id), message});
  if (found == tables.inbox.end() || found->second.row.kind != "start_jobs") return std::nullopt;
  const auto body = parse_json(found->second.row.body);
  if (!body || !body->contains("inputs") || place >= body->at("inputs").size()) return std::nullopt;
  Json request = body->value("request", Json::object());
  request["input"] = body->at("inputs").at(place);
  return promised_view(found->second.row, run_id, request);
}

std::optional<SignalRow> promised_signal(const InboxRow& message) {
  if (message.kind != "signal") return std::nullopt;
  const auto body = parse_json(message.body);
  const auto signal_id = SignalId::parse(body ? string_member(*body, "signal_id") : "");
  if (!signal_id) return std::nullopt;
  SignalRow row;
  row.shard = message.shard;
  row.signal_id = *signal_id;
  row.namespace_name = string_member(*body, "namespace");
  row.name = string_member(*body, "name");
  row.key = text_member(*body, "key");
  if (auto run = RunId::parse(string_member(*body, "run_id"))) row.addressed_run_id = *run;
  row.id = string_member(*body, "id");
  row.payload = payload_member(*body, "payload");
  row.reason = "in-inbox";
  row.received_at = message.created_at;
  row.expires_at = message.created_at + std::chrono::seconds{body->value("ttl_seconds", kDefaultTtlSeconds)};
  return row;
}

}  // namespace

std::optional<RunView> find_promised_run(const Tables& tables, RunId run_id) {
  if (const auto found = tables.inbox.find({shard_of(run_id), MessageId{run_id.bytes}});
      found != tables.inbox.end() && found->second.row.kind == "start") {
    const auto body = parse_json(found->second.row.body);
    if (!body || !body->value("promised", false)) return std::nullopt;
    return promised_view(found->second.row, run_id, body->value("request", Json::object()));
  }
  return find_promised_job(tables, run_id);
}

std::vector<RunView> promised_runs(const Tables& tables) {
  std::vector<RunView> views;
  for (const auto& [key, message] : tables.inbox) {
    if (message.row.kind == "start") {
      if (auto view = find_promised_run(tables, RunId{message.row.id.bytes})) views.push_back(*std::move(view));
    } else if (message.row.kind == "start_jobs") {
      for (RunView& view : promised_jobs(message.row)) views.push_back(std::move(view));
    }
  }
  return views;
}

std::vector<SignalRow> promised_signals(const Tables& tables) {
  std::vector<SignalRow> rows;
  for (const auto& [key, message] : tables.inbox) {
    if (auto row = promised_signal(message.row)) rows.push_back(*std::move(row));
  }
  return rows;
}

std::optional<SignalRow> find_promised_signal(const Tables& tables, SignalId signal_id) {
  const ShardId shard = shard_of(signal_id);
  for (auto at = tables.inbox.lower_bound({shard, MessageId{}}); at != tables.inbox.end() && at->first.first == shard;
       ++at) {
    auto row = promised_signal(at->second.row);
    if (row && row->signal_id == signal_id) return row;
  }
  return std::nullopt;
}

}  // namespace orchestrator::store::memory
