#include "api/signal_json.hpp"

namespace orchestrator::api {
namespace {

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

}  // namespace

void write_signal(JsonWriter& writer, const store::SignalRow& row) {
  writer.begin_object();
  writer.member("signal_id", row.signal_id);
  writer.member("id", row.id);
  writer.member("name", row.name);
  writer.member("key", row.key);
  writer.member("payload", row.payload);
  writer.member("fate", store::to_string(row.fate));
  writer.member("reason", unless_empty(row.reason));
  writer.member("run_id", row.run_id ? row.run_id : row.addressed_run_id);
  writer.member("state_name", unless_empty(row.state_name));
  writer.member("received_at", row.received_at);
  writer.member("settled_at", row.settled_at);
  writer.member("expires_at", row.expires_at);
  writer.end_object();
}

std::string sent_text(const service::SentSignal& sent) {
  JsonWriter writer;
  writer.begin_object();
  writer.member("signal_id", sent.signal_id).member("fate", sent.fate).member("run_id", sent.run_id);
  writer.end_object();
  return std::move(writer).take();
}

}  // namespace orchestrator::api
