#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "handlers/providers/exchange.hpp"
#include "handlers/sample_groups.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

/// Of one event; the batch's lease bounds the whole step.
constexpr std::chrono::milliseconds kEventTimeout{5'000};
/// Most events of one batch. Source: docs/operations/limits.md.
constexpr std::size_t kMaxEvents = 1'000;
constexpr std::int64_t kMaxLeaseSeconds = 3'600;
constexpr std::string_view kSecretPrefix = "whsec_";

struct DeliverInput {
  Json events;
  std::chrono::seconds lease{};  ///< of the batch: what is left when half of it is over is for the next one

  static DeliverInput read(InputReader& reader) {
    DeliverInput input;
    const Json* events = reader.value("events");
    if (events != nullptr) input.events = *events;
    if (!input.events.is_array() || input.events.size() > kMaxEvents) {
      reader.refuse("events", "must be a list of at most " + std::to_string(kMaxEvents) + " events");
    }
    input.lease = std::chrono::seconds(reader.integer("lease_seconds", {1, kMaxLeaseSeconds}));
    return input;
  }
};

/// One POST in the form of Standard Webhooks; the receiver knows a repeat by `webhook-id`.
handlers::HttpCall call_for(const EventSinkSettings& sink, const Json& event, Timestamp now) {
  const std::string id = string_member(event, "event_id");
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::string timestamp = std::to_string(seconds);
  handlers::HttpCall call{
      .method = "POST",
      .url = sink.url,
      .headers = {{"Content-Type", "application/json"}, {"webhook-id", id}, {"webhook-timestamp", timestamp}},
      .body = dump_json(event)};
  const std::string_view secret = sink.secret;
  const auto key =
      digest::from_base64(secret.starts_with(kSecretPrefix) ? secret.substr(kSecretPrefix.size()) : secret);
  if (key && !key->empty()) {
    const std::string signature = digest::hmac(digest::Algorithm::sha256, *key, id + "." + timestamp + "." + call.body);
    call.headers.emplace_back("webhook-signature", "v1," + digest::to_base64(signature));
  }
  return call;
}

std::string aggregate_of(const Json& event) {
  return string_member(event, "aggregate_type") + "/" + string_member(event, "aggregate_id");
}

/// Hands the events over in order and says what became of each: `published`, `failed` with the error, or `not_tried`:
/// behind a failed one of the same aggregate, after the receiver was found away, or when the lease runs out.
Outcome deliver(const SampleSettings& settings, const DeliverInput& input, TaskContext& context) {
  if (settings.event_sink.url.empty()) return not_configured("ORCHESTRATOR_EVENT_SINK_URL");
  Json results = Json::array();
  std::set<std::string> held_up;
  bool is_away = false;
  const auto give_up_at = std::chrono::steady_clock::now() + input.lease / 2;
  for (const Json& event : input.events) {
    is_away = is_away || std::chrono::steady_clock::now() > give_up_at;
    Json result = {{"event_id", string_member(event, "event_id")}, {"outcome", "not_tried"}};
    if (!is_away && !held_up.contains(aggregate_of(event))) {
      const Exchange answer = exchange(settings, context, call_for(settings.event_sink, event, context.now),
                                       Repeat::harmless, kEventTimeout);
      result["outcome"] = answer.failed() ? "failed" : "published";
      if (answer.failed()) {
        result["error"] = answer.failure->error.value_or("") + ": " + answer.failure->cause.value_or("");
        held_up.insert(aggregate_of(event));
        is_away = answer.failure->error == "Provider.Unavailable";
      }
    }
    results.push_back(std::move(result));
  }
  return Outcome::completed(make_payload({{"results", std::move(results)}}));
}

}  // namespace

HandlerEntries event_sink_handlers(const SampleSettings& settings) {
  return {
      plain("outbox.deliver", typed_handler<DeliverInput>([settings](const DeliverInput& input, TaskContext& context) {
              return deliver(settings, input, context);
            }))};
}

}  // namespace orchestrator::samples
