#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/store/rows.hpp"

namespace orchestrator::store {

/// UUIDv7 that carries its shard, as a run's id does.
using DeliveryId = Uuid<struct DeliveryTag>;

/// What became of a webhook's body: read, or signed and yet unreadable.
enum class WebhookVerdict : std::uint8_t { accepted, poison };
std::string_view to_string(WebhookVerdict verdict);

/// A provider's webhook as received, kept raw.
struct WebhookDeliveryRow {
  ShardId shard{};  ///< of the dedupe key, so that a repeat finds the first
  DeliveryId delivery_id;
  std::string namespace_name;
  std::string endpoint;
  std::string provider;
  std::string dedupe_key;  ///< unique per namespace and endpoint
  WebhookVerdict verdict = WebhookVerdict::accepted;
  std::string reason;                 ///< why it is poison, or why it has no signal; else empty
  std::optional<SignalId> signal_id;  ///< of its first signal; nothing for poison and for what concerns nobody
  std::int32_t signal_count = 0;
  std::string headers;  ///< JSON object text
  std::string body;     ///< raw bytes
  Timestamp received_at{};
};

/// A webhook together with the messages that carry its signals: stored in one transaction.
struct WebhookReceipt {
  WebhookDeliveryRow delivery;
  std::vector<InboxRow> messages;  ///< the first signal's has that signal's id as its own
};
struct WebhookReceiptAnswer {
  DeliveryId delivery_id;  ///< of the first one when this is a repeat
  bool duplicate = false;  ///< the dedupe key was known: counted there, nothing else written
  bool altered = false;    ///< a repeat whose bytes differ from the first one's
};

/// One delivery as reads see it.
struct WebhookDeliveryView {
  WebhookDeliveryRow row;  ///< its body is empty when `has_body` is false
  bool has_body = true;
  std::int64_t body_bytes = 0;
  std::int32_t duplicates = 0;
  std::int32_t altered_duplicates = 0;
  std::optional<Timestamp> last_duplicate_at;
  std::int32_t replays = 0;
  /// Of its first signal. Nothing when no signal of that id is known: the sender's id was used before, or it is gone.
  std::optional<SignalFate> fate;
};

/// Filters of GET /v1/webhook-deliveries; empty members do not filter.
struct WebhookDeliveryFilter {
  std::string namespace_name;
  std::string endpoint;
  std::string provider;
  std::string verdict;  ///< accepted, poison, or duplicate: those that were repeated
  std::optional<Timestamp> received_after;
  std::optional<Timestamp> received_before;
  std::int64_t max_body_bytes = 0;  ///< longer bodies are left out
  std::int32_t limit = 50;
  std::string cursor;  ///< opaque, from the page before
};
struct WebhookDeliveryPage {
  std::vector<WebhookDeliveryView> items;
  std::optional<std::string> next_cursor;
};

struct WebhookEndpointRow {
  std::string namespace_name;
  std::string name;
  std::string provider;
  std::string settings;  ///< JSON text: {secrets[], signal: {name, key}, start?, options?}
  Timestamp created_at{};
  Timestamp updated_at{};
};

/// How a name that is taken, or is not, is dealt with.
enum class EndpointWrite : std::uint8_t {
  create,   ///< already_exists when the name is taken
  replace,  ///< creates it when it is not
};
struct WrittenEndpoint {
  WebhookEndpointRow row;
  bool created = false;
};

/// Endpoints of one namespace. Source: docs/operations/limits.md.
inline constexpr std::int64_t kMaxWebhookEndpoints = 1'000;

/// The part of the store that webhooks live in. Thread-safe, as Store; errors as there.
class WebhookStore {
 public:
  template <typename T>
  using Done = std::function<void(Result<T>)>;

  virtual ~WebhookStore() = default;

  /// Stores webhooks raw, all in one transaction with their signals' messages. Answers parallel to the question; of
  /// several receipts with one key the first counts and the others are its repeats.
  virtual void record(std::vector<WebhookReceipt> receipts, Done<std::vector<WebhookReceiptAnswer>> done) = 0;

  /// Errors: already_exists; resource_exhausted when the namespace has kMaxWebhookEndpoints.
  virtual void write_endpoint(WebhookEndpointRow endpoint, EndpointWrite how, std::optional<AuditEntry> audit,
                              Done<WrittenEndpoint> done) = 0;
  /// Deliveries stay. not_found when there is none.
  virtual void remove_endpoint(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                               Done<void> done) = 0;
  virtual void find_endpoint(std::string namespace_name, std::string name, Done<WebhookEndpointRow> done) = 0;
  /// All of a namespace, by name.
  virtual void list_endpoints(std::string namespace_name, Done<std::vector<WebhookEndpointRow>> done) = 0;

  virtual void find_delivery(std::string namespace_name, DeliveryId delivery_id, Done<WebhookDeliveryView> done) = 0;
  /// Newest first. invalid_argument (invalid-parameter) for a cursor that is none.
  virtual void list_deliveries(WebhookDeliveryFilter filter, Done<WebhookDeliveryPage> done) = 0;
  /// Counts one more replay of a delivery and answers its number, from 1.
  virtual void count_replay(std::string namespace_name, DeliveryId delivery_id, std::optional<AuditEntry> audit,
                            Done<std::int32_t> done) = 0;
};

}  // namespace orchestrator::store
