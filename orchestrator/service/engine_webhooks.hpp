#pragma once

#include <memory>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/deadlines.hpp"
#include "orchestrator/service/webhook_batches.hpp"
#include "orchestrator/service/webhooks.hpp"

namespace orchestrator::service {

/// The webhook inbox on a node. What comes in is committed here, without the owner of its key: a provider is answered
/// even while shards move.
class EngineWebhooks final : public Webhooks {
 public:
  /// @param service sends the signals of replays; it and the others outlive this
  EngineWebhooks(Service& service, runtime::Node& node, store::WebhookStore& store,
                 std::shared_ptr<Deadlines> deadlines)
      : service_(service),
        node_(node),
        store_(store),
        batches_(store, [&node](std::vector<store::InboxRow> messages) { node.deliver(std::move(messages)); }),
        deadlines_(std::move(deadlines)) {}

  void keep(WebhookArrival arrival, Reply<WebhookKept> reply) override;
  void write_endpoint(store::WebhookEndpointRow endpoint, store::EndpointWrite how, Caller caller,
                      Reply<store::WrittenEndpoint> reply) override;
  void remove_endpoint(std::string namespace_name, std::string name, Caller caller, Reply<void> reply) override;
  void find_endpoint(std::string namespace_name, std::string name, Reply<store::WebhookEndpointRow> reply) override;
  void list_endpoints(std::string namespace_name, Reply<std::vector<store::WebhookEndpointRow>> reply) override;
  void find_delivery(std::string namespace_name, store::DeliveryId delivery_id,
                     Reply<store::WebhookDeliveryView> reply) override;
  void list_deliveries(store::WebhookDeliveryFilter filter, Reply<store::WebhookDeliveryPage> reply) override;
  void replay(ReplayWebhook request, Reply<ReplayedWebhook> reply) override;

 private:
  [[nodiscard]] store::InboxRow message_of(const WebhookArrival& arrival, const WebhookSignal& signal,
                                           Timestamp now) const;

  Service& service_;            // Fixed after construction.
  runtime::Node& node_;         // Fixed after construction.
  store::WebhookStore& store_;  // Fixed after construction.
  WebhookBatches batches_;
  std::shared_ptr<Deadlines> deadlines_;  // Fixed after construction; shared with the other use cases.
};

}  // namespace orchestrator::service
