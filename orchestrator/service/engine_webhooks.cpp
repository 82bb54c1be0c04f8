#include "orchestrator/service/engine_webhooks.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/messages.hpp"

namespace orchestrator::service {
namespace {

/// The answers of several signals, gathered until the last one came.
struct Gathering {
  telemetry::Mutex mutex;
  ReplayedWebhook replayed ORC_GUARDED_BY(mutex);
  std::size_t missing ORC_GUARDED_BY(mutex) = 0;
  std::optional<Error> failure ORC_GUARDED_BY(mutex);
};

}  // namespace

store::InboxRow EngineWebhooks::message_of(const WebhookArrival& arrival, const WebhookSignal& signal,
                                           Timestamp now) const {
  const ShardId shard = digest::shard_for_key(arrival.namespace_name, signal.key, node_.shard_count());
  runtime::SignalMessage message;
  runtime::SignalRequest& request = message.request;
  request.namespace_name = arrival.namespace_name;
  request.name = arrival.signal_name;
  request.key = signal.key;
  request.signal_id = SignalId{make_uuid7(now, shard, node_.random())};
  request.id = signal.id;
  request.payload = signal.payload;
  if (arrival.start) request.start = runtime::SignalRequest::Start{arrival.start->workflow, arrival.start->input};
  // The message is named after its signal, so that whoever knows the signal's id finds it while it is under way.
  return {shard, MessageId{request.signal_id.bytes}, runtime::message_kind(message), runtime::encode_message(message),
          now};
}

void EngineWebhooks::keep(WebhookArrival arrival, Reply<WebhookKept> reply) {
  const Timestamp now = node_.now();
  store::WebhookReceipt receipt;
  store::WebhookDeliveryRow& delivery = receipt.delivery;
  delivery.shard = digest::shard_for_key(arrival.namespace_name, arrival.dedupe_key, node_.shard_count());
  delivery.delivery_id = store::DeliveryId{make_uuid7(now, delivery.shard, node_.random())};
  delivery.received_at = now;
  delivery.verdict = arrival.poison ? store::WebhookVerdict::poison : store::WebhookVerdict::accepted;
  for (const WebhookSignal& signal : arrival.signals) receipt.messages.push_back(message_of(arrival, signal, now));
  if (!receipt.messages.empty()) delivery.signal_id = SignalId{receipt.messages.front().id.bytes};
  delivery.signal_count = static_cast<std::int32_t>(receipt.messages.size());
  delivery.headers = arrival.headers ? dump_json(*arrival.headers) : "{}";
  delivery.namespace_name = std::move(arrival.namespace_name);
  delivery.endpoint = std::move(arrival.endpoint);
  delivery.provider = std::move(arrival.provider);
  delivery.dedupe_key = std::move(arrival.dedupe_key);
  delivery.reason = std::move(arrival.reason);
  delivery.body = std::move(arrival.body);
  batches_.add(std::move(receipt), deadlines_->guard(std::move(reply)));
}

void EngineWebhooks::write_endpoint(store::WebhookEndpointRow endpoint, store::EndpointWrite how, Caller caller,
                                    Reply<store::WrittenEndpoint> reply) {
  const char* action = how == store::EndpointWrite::create ? "endpoint.create" : "endpoint.replace";
  auto audit = audited(endpoint.namespace_name, std::move(caller), action, endpoint.name, "");
  store_.write_endpoint(std::move(endpoint), how, std::move(audit), std::move(reply));
}

void EngineWebhooks::remove_endpoint(std::string namespace_name, std::string name, Caller caller, Reply<void> reply) {
  auto audit = audited(namespace_name, std::move(caller), "endpoint.remove", name, "");
  store_.remove_endpoint(std::move(namespace_name), std::move(name), std::move(audit), std::move(reply));
}

void EngineWebhooks::find_endpoint(std::string namespace_name, std::string name,
                                   Reply<store::WebhookEndpointRow> reply) {
  store_.find_endpoint(std::move(namespace_name), std::move(name), std::move(reply));
}

void EngineWebhooks::list_endpoints(std::string namespace_name, Reply<std::vector<store::WebhookEndpointRow>> reply) {
  store_.list_endpoints(std::move(namespace_name), std::move(reply));
}

void EngineWebhooks::find_delivery(std::string namespace_name, store::DeliveryId delivery_id,
                                   Reply<store::WebhookDeliveryView> reply) {
  store_.find_delivery(std::move(namespace_name), delivery_id, std::move(reply));
}

void EngineWebhooks::list_deliveries(store::WebhookDeliveryFilter filter, Reply<store::WebhookDeliveryPage> reply) {
  store_.list_deliveries(std::move(filter), std::move(reply));
}

void EngineWebhooks::replay(ReplayWebhook request, Reply<ReplayedWebhook> reply) {
  const std::string namespace_name = request.namespace_name;
  const store::DeliveryId delivery_id = request.delivery_id;
  auto audit = audited(namespace_name, request.caller, "delivery.replay", delivery_id.str(), request.reason);
  // The number is used up even if the signals are refused: no two replays ever share ids.
  store_.count_replay(
      namespace_name, delivery_id, std::move(audit),
      [this, request = std::move(request), reply = std::move(reply)](const Result<std::int32_t>& number) {
        if (!number) return reply(number.error());
        // Shared by the signals' answers, which come in any order.
        auto gathering = std::make_shared<Gathering>();
        {
          const telemetry::MutexLock lock(gathering->mutex);
          gathering->replayed.number = *number;
          gathering->replayed.signals.resize(request.signals.size());
          gathering->missing = request.signals.size();
        }
        for (std::size_t index = 0; index < request.signals.size(); ++index) {
          SendSignal signal;
          signal.namespace_name = request.namespace_name;
          signal.name = request.signal_name;
          signal.key = request.signals[index].key;
          signal.payload = request.signals[index].payload;
          signal.id = request.signals[index].id + "#replay-" + std::to_string(*number);
          signal.start = request.start;
          signal.actor = request.caller.actor;
          service_.send_signal(std::move(signal), [gathering, index, reply](Result<SentSignal> sent) {
            std::optional<Result<ReplayedWebhook>> complete;
            {
              const telemetry::MutexLock lock(gathering->mutex);
              if (sent) {
                gathering->replayed.signals[index] = *std::move(sent);
              } else {
                gathering->failure = std::move(sent).error();
              }
              if (--gathering->missing > 0) return;
              if (gathering->failure) {
                complete.emplace(*gathering->failure);
              } else {
                complete.emplace(std::move(gathering->replayed));
              }
            }
            reply(*std::move(complete));
          });
        }
      });
}

}  // namespace orchestrator::service
