#include "api/webhook_delivery_json.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::api {
namespace {

/// What concerns nobody has no signal, and that is its fate.
std::optional<std::string> fate_of(const store::WebhookDeliveryView& view) {
  if (view.fate) return std::string(store::to_string(*view.fate));
  const bool has_none = view.row.verdict == store::WebhookVerdict::accepted && !view.row.signal_id;
  return has_none ? std::optional<std::string>("unmatched") : std::nullopt;
}

}  // namespace

void write_delivery(JsonWriter& writer, const store::WebhookDeliveryView& view, BodyAccess access) {
  const store::WebhookDeliveryRow& row = view.row;
  writer.begin_object();
  writer.member("delivery_id", row.delivery_id.str()).member("endpoint", row.endpoint);
  writer.member("provider", row.provider).member("received_at", row.received_at);
  writer.member("verdict", to_string(row.verdict));
  writer.member("reason", row.reason.empty() ? std::nullopt : std::optional(row.reason));
  writer.member("dedupe_key", row.dedupe_key).member("duplicates", view.duplicates);
  writer.member("altered_duplicates", view.altered_duplicates).member("last_duplicate_at", view.last_duplicate_at);
  writer.member("replays", view.replays);
  writer.member("signal_id", row.signal_id ? std::optional(row.signal_id->str()) : std::nullopt);
  writer.member("signal_count", row.signal_count).member("fate", fate_of(view));
  writer.name("headers");
  if (const auto headers = parse_json(row.headers)) {
    writer.json(*headers);
  } else {
    writer.null();
  }
  writer.member("body_bytes", view.body_bytes);
  const bool is_shown = access == BodyAccess::shown && view.has_body;
  writer.member("body_base64", is_shown ? std::optional(digest::to_base64(row.body)) : std::nullopt);
  writer.end_object();
}

}  // namespace orchestrator::api
