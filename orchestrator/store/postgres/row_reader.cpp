#include "orchestrator/store/postgres/row_reader.hpp"

#include <charconv>
#include <stdexcept>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::store::postgres {
namespace {

[[noreturn]] void refuse(const char* what) {
  throw std::runtime_error(std::string("a stored row holds no valid ") + what);
}

std::string_view view(const pqxx::field& field) { return {field.c_str(), field.size()}; }

std::int64_t parse_integer(const pqxx::field& field) {
  const std::string_view digits = view(field);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem != std::errc{} || end != digits.data() + digits.size() || field.is_null()) refuse("integer");
  return value;
}

}  // namespace

std::string RowReader::text() { return std::string(view(row_[at_++])); }

std::optional<std::string> RowReader::optional_text() {
  const pqxx::field field = row_[at_++];
  if (field.is_null()) return std::nullopt;
  return std::string(view(field));
}

std::optional<std::string> RowReader::optional_bytes() {
  const auto text = optional_text();
  if (!text) return std::nullopt;
  // PostgreSQL's hex format: \x and two digits for each byte.
  auto bytes = text->starts_with("\\x") ? digest::from_hex(std::string_view(*text).substr(2)) : std::nullopt;
  if (!bytes) refuse("bytes");
  return bytes;
}

std::int64_t RowReader::bigint() { return parse_integer(row_[at_++]); }

std::int32_t RowReader::integer() { return static_cast<std::int32_t>(bigint()); }

std::optional<std::int64_t> RowReader::optional_bigint() {
  const pqxx::field field = row_[at_++];
  if (field.is_null()) return std::nullopt;
  return parse_integer(field);
}

bool RowReader::boolean() { return view(row_[at_++]) == "t"; }

Timestamp RowReader::time() { return from_micros(bigint()); }

std::optional<Timestamp> RowReader::optional_time() {
  const auto micros = optional_bigint();
  if (!micros) return std::nullopt;
  return from_micros(*micros);
}

Payload RowReader::payload() {
  const pqxx::field field = row_[at_++];
  if (field.is_null()) return nullptr;
  auto value = parse_json(view(field));
  if (!value) refuse("JSON");
  return make_payload(*std::move(value));
}

UuidBytes RowReader::uuid() {
  const auto bytes = uuid_from_string(view(row_[at_++]));
  if (!bytes) refuse("UUID");
  return *bytes;
}

RunHeader read_header(RowReader& reader) {
  RunHeader header;
  header.id = reader.id<RunTag>();
  header.namespace_name = reader.text();
  const auto kind = parse_run_kind(reader.text());
  if (!kind) refuse("run kind");
  header.kind = *kind;
  header.workflow = reader.text();
  header.version = reader.integer();
  header.key = reader.optional_text();
  header.priority = reader.integer();
  header.input = reader.payload();
  header.attributes = reader.payload();
  header.parent_run_id = reader.optional_id<RunTag>();
  header.parent_step = reader.bigint();
  header.predecessor_run_id = reader.optional_id<RunTag>();
  header.traceparent = reader.text();
  header.created_at = reader.time();
  header.run_at = reader.optional_time();
  header.timeout_seconds = reader.optional_bigint();
  header.queue = reader.text();
  auto job = decode_job_spec(reader.payload());
  if (!job) refuse("job");
  header.job = *std::move(job);
  return header;
}

RunProgress read_progress(RowReader& reader) {
  RunProgress progress;
  progress.state = read_run_state(reader);
  progress.wake_at = reader.optional_time();
  progress.waiting_on = reader.text();
  progress.at_rest = reader.boolean();
  progress.attempts = reader.integer();
  progress.started_at = reader.optional_time();
  progress.job_state = reader.optional_text();
  return progress;
}

SignalRow read_signal(RowReader& reader) {
  SignalRow signal;
  signal.shard = reader.shard();
  signal.signal_id = reader.id<SignalTag>();
  signal.namespace_name = reader.text();
  signal.name = reader.text();
  signal.key = reader.optional_text();
  signal.addressed_run_id = reader.optional_id<RunTag>();
  signal.id = reader.text();
  signal.payload = reader.payload();
  const auto fate = parse_signal_fate(reader.text());
  if (!fate) refuse("signal fate");
  signal.fate = *fate;
  signal.reason = reader.text();
  signal.was_expected = reader.boolean();
  signal.run_id = reader.optional_id<RunTag>();
  signal.step = reader.bigint();
  signal.state_name = reader.text();
  signal.received_at = reader.time();
  signal.settled_at = reader.optional_time();
  signal.expires_at = reader.time();
  return signal;
}

RunState read_run_state(RowReader& reader) {
  const auto state = parse_run_state(reader.text());
  if (!state) refuse("run state");
  return *state;
}

DeadLetter read_dead_letter(RowReader& reader) {
  const auto dead_letter = parse_dead_letter(reader.text());
  if (!dead_letter) refuse("dead letter mark");
  return *dead_letter;
}

}  // namespace orchestrator::store::postgres
