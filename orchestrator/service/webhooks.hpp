#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/service.hpp"
#include "orchestrator/store/webhooks.hpp"

namespace orchestrator::service {

/// One event of a webhook's body on its way to whoever waits for its key.
struct WebhookSignal {
  std::string id;  ///< the provider's dedupe key; of a replay with its number
  std::string key;
  Payload payload;
};

/// A verified webhook, ready to be stored and turned into signals.
struct WebhookArrival {
  std::string namespace_name;
  std::string endpoint;
  std::string provider;
  std::string dedupe_key;
  std::string signal_name;
  std::vector<WebhookSignal> signals;  ///< none with `poison`, or when the body concerns nobody
  std::optional<SendSignal::Start> start;
  bool poison = false;  ///< signed but unreadable
  std::string reason;   ///< why there is no signal
  Payload headers;      ///< object of strings, secrets left out
  std::string body;     ///< raw bytes
};
struct WebhookKept {
  std::string delivery_id;  ///< of the first one when this is a repeat
  bool duplicate = false;
  bool altered = false;  ///< a repeat with other bytes
};

/// A delivery's signals once more.
struct ReplayWebhook {
  std::string namespace_name;
  store::DeliveryId delivery_id;
  std::string signal_name;
  std::vector<WebhookSignal> signals;  ///< at least one; their ids without a number
  std::optional<SendSignal::Start> start;
  std::string reason;
  Caller caller;
};
struct ReplayedWebhook {
  std::int32_t number = 0;          ///< from 1
  std::vector<SentSignal> signals;  ///< parallel to the request's
};

/// Deliveries that wait for their commit at most; more are told to come again. Source: docs/operations/limits.md.
inline constexpr std::size_t kMaxWaitingWebhooks = 10'000;
inline constexpr std::size_t kMaxWaitingWebhookBytes = 64ULL * 1024 * 1024;
/// Deliveries and bytes of one transaction. Source: docs/decisions/0017.
inline constexpr std::size_t kMaxWebhookBatch = 100;
inline constexpr std::size_t kMaxWebhookBatchBytes = 4ULL * 1024 * 1024;

/// The webhook inbox. Every method is thread-safe, returns at once and never throws.
class Webhooks {
 public:
  template <typename T>
  using Reply = std::function<void(Result<T>)>;

  virtual ~Webhooks() = default;

  /// Answers once the delivery and its signals are committed, together with other deliveries of the moment. Errors:
  /// unavailable, also when too many wait.
  virtual void keep(WebhookArrival arrival, Reply<WebhookKept> reply) = 0;

  /// Errors of these: as of store::WebhookStore.
  virtual void write_endpoint(store::WebhookEndpointRow endpoint, store::EndpointWrite how, Caller caller,
                              Reply<store::WrittenEndpoint> reply) = 0;
  virtual void remove_endpoint(std::string namespace_name, std::string name, Caller caller, Reply<void> reply) = 0;
  virtual void find_endpoint(std::string namespace_name, std::string name, Reply<store::WebhookEndpointRow> reply) = 0;
  virtual void list_endpoints(std::string namespace_name, Reply<std::vector<store::WebhookEndpointRow>> reply) = 0;
  virtual void find_delivery(std::string namespace_name, store::DeliveryId delivery_id,
                             Reply<store::WebhookDeliveryView> reply) = 0;
  virtual void list_deliveries(store::WebhookDeliveryFilter filter, Reply<store::WebhookDeliveryPage> reply) = 0;

  /// Sends a delivery's signals as new ones, with ids that end in `#replay-N`; answers with their first fates, once
  /// they are durable. Errors: not_found; those of send_signal.
  virtual void replay(ReplayWebhook request, Reply<ReplayedWebhook> reply) = 0;
};

}  // namespace orchestrator::service
