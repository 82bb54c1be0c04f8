#include "api/signal_json.hpp"

namespace orchestrator::api {
namespace {

std::optional<std::string_view> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional<std::string_view>{text};
}

}  // namespace

void write_signal(JsonWriter& writer, const store::SignalView& view) {
  writer.begin_object();
  writer.member("signal_id", view.signal_id);
  writer.member("id", view.id);
  writer.member("name", view.name);
  writer.member("key", view.key);
  writer.member("payload", view.payload);
  writer.member("fate", store::to_string(view.fate));
  writer.member("reason", unless_empty(view.reason));
  writer.member("run_id", view.run_id ? view.run_id : view.addressed_run_id);
  writer.member("state_name", unless_empty(view.state_name));
  writer.member("received_at", view.received_at);
  writer.member("settled_at", view.settled_at);
  writer.member("expires_at", view.expires_at);
  using Id = std::optional<SignalId>;
  using Text = std::optional<std::string_view>;
  writer.member("origin_signal_id", view.link ? Id{view.link->origin} : Id{});
  writer.member("origin_kind", view.link ? Text{store::to_string(view.link->kind)} : Text{});
  writer.member("origin_reason", view.link ? unless_empty(view.link->reason) : Text{});
  writer.member("successor_signal_id", view.successor);
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
