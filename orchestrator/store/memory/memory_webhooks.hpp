#pragma once

#include <memory>
#include <string>
#include <vector>

#include "orchestrator/store/memory/memory_store.hpp"
#include "orchestrator/store/webhooks.hpp"

namespace orchestrator::store::memory {

/// The webhook inbox in the shared tables.
class MemoryWebhooks final : public WebhookStore {
 public:
  explicit MemoryWebhooks(std::shared_ptr<MemoryStore::Core> core) : core_(std::move(core)) {}

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

 private:
  std::shared_ptr<MemoryStore::Core> core_;  // Shared with posted work, as in the store.
};

}  // namespace orchestrator::store::memory
