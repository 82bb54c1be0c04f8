#include "orchestrator/store/postgres/batch_encoding.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <tuple>

#include "orchestrator/base/json.hpp"

namespace orchestrator::store::postgres {
namespace {

/// One column of a table's rows as an array parameter; null when the table has no rows in this batch.
template <typename Rows, typename Get>
void column(Parameters& parameters, const Rows& rows, ElementType type, Get get) {
  if (rows.empty()) {
    parameters.null();
    return;
  }
  BinaryArray array(type);
  for (const auto& row : rows) array.add(get(row));
  parameters.array(std::move(array));
}

std::optional<std::string> text_of(const Payload& payload) {
  if (!payload) return std::nullopt;
  return dump_json(*payload);
}

using Kind = ElementType;

void add_journal(Parameters& to, const std::vector<JournalRow>& rows) {
  column(to, rows, Kind::integer, [](const auto& r) { return to_int(r.shard); });
  column(to, rows, Kind::uuid, [](const auto& r) { return r.run_id; });
  column(to, rows, Kind::bigint, [](const auto& r) { return r.seq; });
  column(to, rows, Kind::timestamptz, [](const auto& r) { return r.at; });
  column(to, rows, Kind::text, [](const auto& r) -> std::string_view { return r.events; });
}

std::optional<std::string_view> queue_of(const RunHeader& header) {
  if (header.kind != RunKind::job) return std::nullopt;
  return header.queue;
}

/// The columns that open_runs and closed_runs share, from shard to job.
template <typename Rows>
void add_headers(Parameters& to, const Rows& rows) {
  column(to, rows, Kind::integer, [](const auto& r) { return to_int(r.shard); });
  column(to, rows, Kind::uuid, [](const auto& r) { return r.header.id; });
  column(to, rows, Kind::text, [](const auto& r) -> std::string_view { return r.header.namespace_name; });
  column(to, rows, Kind::text, [](const auto& r) { return to_string(r.header.kind); });
  column(to, rows, Kind::text, [](const auto& r) -> std::string_view { return r.header.workflow; });
  column(to, rows, Kind::integer, [](const auto& r) { return r.header.version; });
  column(to, rows, Kind::text, [](const auto& r) { return r.header.key; });
  column(to, rows, Kind::integer, [](const auto& r) { return r.header.priority; });
  column(to, rows, Kind::json, [](const auto& r) { return text_of(r.header.input); });
  column(to, rows, Kind::jsonb, [](const auto& r) { return text_of(r.header.attributes); });
  column(to, rows, Kind::uuid, [](const auto& r) { return r.header.parent_run_id; });
  column(to, rows, Kind::bigint, [](const auto& r) { return r.header.parent_step; });
  column(to, rows, Kind::uuid, [](const auto& r) { return r.header.predecessor_run_id; });
  column(to, rows, Kind::text, [](const auto& r) -> std::string_view { return r.header.traceparent; });
  column(to, rows, Kind::timestamptz, [](const auto& r) { return r.header.created_at; });
  column(to, rows, Kind::timestamptz, [](const auto& r) { return r.header.run_at; });
  column(to, rows, Kind::bigint, [](const auto& r) { return r.header.timeout_seconds; });
  column(to, rows, Kind::text, [](const auto& r) { return queue_of(r.header); });
  column(to, rows, Kind::json, [](const auto& r) { return job_spec_text(r.header.job); });
}

/// state to job_state of open runs.
template <typename Rows>
void add_progress(Parameters& to, const Rows& rows) {
  column(to, rows, Kind::text, [](const auto& r) { return to_string(r.progress.state); });
  column(to, rows, Kind::timestamptz, [](const auto& r) { return r.progress.wake_at; });
  column(to, rows, Kind::json, [](const auto& r) -> std::string_view { return r.progress.waiting_on; });
  column(to, rows, Kind::boolean, [](const auto& r) { return r.progress.at_rest; });
  column(to, rows, Kind::integer, [](const auto& r) { return r.progress.attempts; });
  column(to, rows, Kind::timestamptz, [](const auto& r) { return r.progress.started_at; });
  column(to, rows, Kind::text, [](const auto& r) { return r.progress.job_state; });
}

void add_updated(Parameters& to, const std::vector<OpenRunUpdate>& rows) {
  column(to, rows, Kind::integer, [](const auto& r) { return to_int(r.shard); });
  column(to, rows, Kind::uuid, [](const auto& r) { return r.run_id; });
  add_progress(to, rows);
}

void add_closed(Parameters& to, const std::vector<ClosedRunRow>& rows) {
  add_headers(to, rows);
  column(to, rows, Kind::text, [](const auto& r) { return to_string(r.state); });
  column(to, rows, Kind::json, [](const auto& r) { return text_of(r.output); });
  column(to, rows, Kind::text, [](const auto& r) { return r.error; });
  column(to, rows, Kind::text, [](const auto& r) { return r.cause; });
  column(to, rows, Kind::integer, [](const auto& r) { return r.attempts; });
  column(to, rows, Kind::timestamptz, [](const auto& r) { return r.started_at; });
  column(to, rows, Kind::timestamptz, [](const auto& r) { return r.closed_at; });
  column(to, rows, Kind::text, [](const auto& r) { return to_string(r.dead_letter); });
  column(to, rows, Kind::uuid, [](const auto& r) { return r.successor_run_id; });
  column(to, rows, Kind::text, [](const auto& r) { return r.job_state; });
}

template <typename Rows, typename Get>
void json_rows(Parameters& to, const Rows& rows, Get get) {
  if (rows.empty()) {
    to.null();
    return;
  }
  Json array = Json::array();
  for (const auto& row : rows) array.push_back(get(row));
  to.text(dump_json(array));
}

Json or_null(const std::optional<std::string>& value) { return value ? Json(*value) : Json(); }
template <typename Tag>
Json or_null(const std::optional<Uuid<Tag>>& value) {
  return value ? Json(value->str()) : Json();
}
Json or_null(const std::optional<Timestamp>& value) { return value ? Json(to_micros(*value)) : Json(); }

/// "2026-01-31", UTC.
std::string day_of(Timestamp moment) { return to_rfc3339(moment).substr(0, 10); }

Json encode(const CheckpointRow& row) {
  return {{"shard", to_int(row.shard)},
          {"run_id", row.run_id.str()},
          {"next_event_id", row.next_event_id},
          {"state", row.state}};
}

Json encode(const SignalRow& row) {
  return {{"shard", to_int(row.shard)},
          {"signal_id", row.signal_id.str()},
          {"namespace", row.namespace_name},
          {"name", row.name},
          {"key", or_null(row.key)},
          {"addressed_run_id", or_null(row.addressed_run_id)},
          {"id", row.id},
          {"payload", or_null(text_of(row.payload))},
          {"fate", to_string(row.fate)},
          {"reason", row.reason},
          {"was_expected", row.was_expected},
          {"run_id", or_null(row.run_id)},
          {"step", row.step},
          {"state_name", row.state_name},
          {"received_at", to_micros(row.received_at)},
          {"settled_at", or_null(row.settled_at)},
          {"expires_at", to_micros(row.expires_at)}};
}

Json encode(const SignalWaitRow& row) {
  return {{"shard", to_int(row.shard)},
          {"namespace", row.namespace_name},
          {"key", row.key},
          {"run_id", row.run_id.str()},
          {"step", row.step},
          {"names", row.names},
          {"state_name", row.state_name},
          {"since", to_micros(row.since)}};
}

Json encode(const SignalWaitRef& row) {
  return {{"shard", to_int(row.shard)},
          {"namespace", row.namespace_name},
          {"key", row.key},
          {"run_id", row.run_id.str()},
          {"step", row.step}};
}

Json encode(const IdempotencyRow& row) {
  return {{"shard", to_int(row.shard)},
          {"namespace", row.namespace_name},
          {"scope", row.scope},
          {"key", row.key},
          {"body_hash", row.body_hash},
          {"reserved_id", row.reserved_id},
          {"status", row.status},
          {"answer", row.answer},
          {"created_at", to_micros(row.created_at)}};
}

Json encode(const Batch::Outgoing& outgoing) {
  const InboxRow& row = outgoing.message;
  return {{"shard", to_int(row.shard)},
          {"id", row.id.str()},
          {"kind", row.kind},
          {"body", row.body},
          {"created_at", to_micros(row.created_at)}};
}

Json encode(const TaskLeaseRow& row) {
  return {{"shard", to_int(row.shard)},
          {"run_id", row.run_id.str()},
          {"step", row.step},
          {"attempt", row.attempt},
          {"inquiry", row.inquiry},
          {"worker", row.worker.empty() ? Json() : Json(row.worker)},
          // Postgres has no unsigned integers; the same 64 bits come back.
          {"hand_out", static_cast<std::int64_t>(row.hand_out)},
          {"length_us", row.length.count()},
          {"begun_at", to_micros(row.begun_at)},
          {"expires_at", to_micros(row.expires_at)},
          {"heartbeat_details", or_null(text_of(row.heartbeat_details))},
          {"is_over", row.is_over}};
}

/// Rows ordered by key, the last of several with one key: "on conflict do update" refuses to touch a row twice.
template <typename Row, typename Key>
std::vector<std::reference_wrapper<const Row>> last_of_each(const std::vector<Row>& rows, Key key) {
  std::map<decltype(key(rows.front())), const Row*> by_key;
  for (const Row& row : rows) by_key[key(row)] = &row;
  std::vector<std::reference_wrapper<const Row>> last;
  for (const auto& entry : by_key) last.emplace_back(*entry.second);
  return last;
}

}  // namespace

std::vector<ShardId> shards_without_journal(const Batch& batch) {
  std::vector<ShardId> shards;
  for (const ShardLease& lease : batch.leases) shards.push_back(lease.shard);
  std::sort(shards.begin(), shards.end());
  std::vector<ShardId> journalled;
  for (const JournalRow& row : batch.journal) journalled.push_back(row.shard);
  std::sort(journalled.begin(), journalled.end());
  std::erase_if(shards, [&](ShardId s) { return std::binary_search(journalled.begin(), journalled.end(), s); });
  return shards;
}

Parameters encode_batch(const Batch& batch) {
  Parameters to;
  column(to, batch.leases, Kind::integer, [](const auto& lease) { return to_int(lease.shard); });
  column(to, batch.leases, Kind::bigint, [](const auto& lease) { return to_int(lease.epoch); });
  add_journal(to, batch.journal);
  add_headers(to, batch.opened);
  add_progress(to, batch.opened);
  add_updated(to, batch.updated);
  add_closed(to, batch.closed);

  json_rows(to, batch.revived, [](const RunId& run_id) -> Json {
    return {
        {"shard", to_int(shard_of(run_id))}, {"run_id", run_id.str()}, {"first_day", day_of(time_of(run_id.bytes))}};
  });
  const auto as_json = [](const auto& row) { return encode(row); };
  const auto unwrapped = [](const auto& row) { return encode(row.get()); };
  json_rows(to, last_of_each(batch.checkpoints, [](const auto& r) { return std::tie(r.shard, r.run_id); }), unwrapped);
  json_rows(to, last_of_each(batch.signals, [](const auto& r) { return std::tie(r.shard, r.signal_id); }), unwrapped);
  const auto wait_key = [](const auto& r) { return std::tie(r.shard, r.namespace_name, r.key, r.run_id, r.step); };
  json_rows(to, last_of_each(batch.waits_added, wait_key), unwrapped);
  json_rows(to, batch.waits_removed, as_json);
  json_rows(to, batch.outgoing, as_json);
  json_rows(to, batch.inbox_done,
            [](const InboxRef& ref) -> Json { return {{"shard", to_int(ref.shard)}, {"id", ref.id.str()}}; });
  const auto idempotency_key = [](const auto& r) { return std::tie(r.shard, r.namespace_name, r.scope, r.key); };
  json_rows(to, last_of_each(batch.idempotency, idempotency_key), unwrapped);

  to.id(batch.id);
  column(to, shards_without_journal(batch), Kind::integer, [](ShardId shard) { return to_int(shard); });
  if (!batch.task_leases.empty()) {
    // Of commit_batch_with_task_leases only.
    json_rows(to, last_of_each(batch.task_leases, [](const auto& r) { return std::tie(r.run_id, r.step); }), unwrapped);
  }
  return to;
}

}  // namespace orchestrator::store::postgres
