#pragma once

#include "orchestrator/store/postgres/session_pool.hpp"
#include "orchestrator/store/webhooks.hpp"

namespace orchestrator::store::postgres {

/// The webhook inbox. What providers send goes over connections of its own, so that a long page never keeps a provider
/// waiting; endpoints and reads share those of pages.
class PostgresWebhooks final : public WebhookStore {
 public:
  /// @param pages outlives it
  /// @param options of the connections for record(); they are made when the first webhook comes
  PostgresWebhooks(SessionPool& pages, const SessionOptions& options)
      : pages_(pages), recorders_(options, kRecorders) {}

  void record(std::vector<WebhookReceipt> receipts, Done<std::vector<WebhookReceiptAnswer>> done) override;
  void write_endpoint(WebhookEndpointRow endpoint, EndpointWrite how, std::optional<AuditEntry> audit,
                      Done<WrittenEndpoint> done) override;
  void remove_endpoint(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                       Done<void> done) override;
  void find_endpoint(std::string namespace_name, std::string name, Done<WebhookEndpointRow> done) override;
  void list_endpoints(std::string namespace_name, Done<std::vector<WebhookEndpointRow>> done) override;
  void find_delivery(std::string namespace_name, DeliveryId delivery_id, Done<WebhookDeliveryView> done) override;
  void list_deliveries(WebhookDeliveryFilter filter, Done<WebhookDeliveryPage> done) override;
  void count_replay(std::string namespace_name, DeliveryId delivery_id, std::optional<AuditEntry> audit,
                    Done<std::int32_t> done) override;

  /// As Store::stop.
  void stop() { recorders_.stop(); }

 private:
  /// One commits while the next is being filled.
  static constexpr int kRecorders = 2;

  SessionPool& pages_;  // Fixed after construction.
  SessionPool recorders_;
};

}  // namespace orchestrator::store::postgres
