#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/service/webhooks.hpp"
#include "orchestrator/store/memory/memory_database.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::testing_support {

/// The webhook inbox over the tables of the memory store, without an engine behind it: signals go nowhere.
class FakeWebhooks final : public service::Webhooks {
 public:
  [[nodiscard]] std::vector<service::WebhookArrival> arrivals() const {
    const telemetry::MutexLock lock(mutex_);
    return arrivals_;
  }
  [[nodiscard]] std::vector<service::ReplayWebhook> replays() const {
    const telemetry::MutexLock lock(mutex_);
    return replays_;
  }
  /// How often the store was asked for an endpoint.
  [[nodiscard]] int look_ups() const {
    const telemetry::MutexLock lock(mutex_);
    return look_ups_;
  }
  /// The next call of any method answers this instead.
  void fail_next(Error error) {
    const telemetry::MutexLock lock(mutex_);
    failures_.push_back(std::move(error));
  }

  void keep(service::WebhookArrival arrival, Reply<service::WebhookKept> reply) override {
    if (auto error = take_failure()) return reply(*error);
    store::WebhookReceipt receipt;
    store::WebhookReceiptAnswer answer;
    {
      const telemetry::MutexLock lock(mutex_);
      receipt.delivery.delivery_id = store::DeliveryId{make_uuid7(kNow, ShardId{0}, next_++)};
      receipt.delivery.namespace_name = arrival.namespace_name;
      receipt.delivery.endpoint = arrival.endpoint;
      receipt.delivery.provider = arrival.provider;
      receipt.delivery.dedupe_key = arrival.dedupe_key;
      receipt.delivery.verdict = arrival.poison ? store::WebhookVerdict::poison : store::WebhookVerdict::accepted;
      receipt.delivery.reason = arrival.reason;
      if (!arrival.signals.empty()) receipt.delivery.signal_id = SignalId{make_uuid7(kNow, ShardId{0}, next_++)};
      receipt.delivery.signal_count = static_cast<std::int32_t>(arrival.signals.size());
      receipt.delivery.headers = dump_json(json_of(arrival.headers));
      receipt.delivery.body = arrival.body;
      receipt.delivery.received_at = kNow;
      answer = store::memory::record_webhooks(tables_, {receipt}).front();
      arrivals_.push_back(std::move(arrival));
    }
    reply(service::WebhookKept{answer.delivery_id.str(), answer.duplicate, answer.altered});
  }

  void write_endpoint(store::WebhookEndpointRow endpoint, store::EndpointWrite how, Caller /*caller*/,
                      Reply<store::WrittenEndpoint> reply) override {
    answer(reply, [&] { return store::memory::write_webhook_endpoint(tables_, endpoint, how, std::nullopt, kNow); });
  }
  void remove_endpoint(std::string namespace_name, std::string name, Caller /*caller*/, Reply<void> reply) override {
    answer(reply, [&]() -> Status {
      if (tables_.endpoints.erase({namespace_name, name}) == 1) return {};
      return fail(ErrorCode::not_found, "no such webhook endpoint");
    });
  }
  void find_endpoint(std::string namespace_name, std::string name, Reply<store::WebhookEndpointRow> reply) override {
    answer(reply, [&]() -> Result<store::WebhookEndpointRow> {
      ++look_ups_;
      const auto found = tables_.endpoints.find({namespace_name, name});
      if (found == tables_.endpoints.end()) return fail(ErrorCode::not_found, "no such webhook endpoint");
      return found->second;
    });
  }
  void list_endpoints(std::string namespace_name, Reply<std::vector<store::WebhookEndpointRow>> reply) override {
    answer(reply, [&]() -> Result<std::vector<store::WebhookEndpointRow>> {
      std::vector<store::WebhookEndpointRow> rows;
      for (const auto& [key, row] : tables_.endpoints) {
        if (key.first == namespace_name) rows.push_back(row);
      }
      return rows;
    });
  }
  void find_delivery(std::string namespace_name, store::DeliveryId delivery_id,
                     Reply<store::WebhookDeliveryView> reply) override {
    answer(reply, [&] { return store::memory::find_webhook_delivery(tables_, namespace_name, delivery_id); });
  }
  void list_deliveries(store::WebhookDeliveryFilter filter, Reply<store::WebhookDeliveryPage> reply) override {
    answer(reply, [&] { return store::memory::list_webhook_deliveries(tables_, filter); });
  }
  void replay(service::ReplayWebhook request, Reply<service::ReplayedWebhook> reply) override {
    answer(reply, [&]() -> Result<service::ReplayedWebhook> {
      const auto number =
          store::memory::count_webhook_replay(tables_, request.namespace_name, request.delivery_id, std::nullopt, kNow);
      if (!number) return number.error();
      service::ReplayedWebhook replayed{.number = *number, .signals = {}};
      for (std::size_t index = 0; index < request.signals.size(); ++index) {
        service::SentSignal sent;
        sent.signal_id = SignalId{make_uuid7(kNow, ShardId{0}, next_++)};
        sent.fate = "buffered";
        replayed.signals.push_back(std::move(sent));
      }
      replays_.push_back(request);
      return replayed;
    });
  }

 private:
  static constexpr Timestamp kNow{std::chrono::seconds{1'763'613'000}};

  std::optional<Error> take_failure() {
    const telemetry::MutexLock lock(mutex_);
    if (failures_.empty()) return std::nullopt;
    Error error = std::move(failures_.front());
    failures_.pop_front();
    return error;
  }

  /// Answers outside of the lock, as a store does.
  template <typename T, typename Work>
  void answer(const Reply<T>& reply, Work work) {
    if (auto error = take_failure()) return reply(*error);
    std::optional<Result<T>> result;
    {
      const telemetry::MutexLock lock(mutex_);
      result.emplace(work());
    }
    reply(*std::move(result));
  }

  // Guarded by mutex_; the work in answer() runs under it, which the compiler cannot see.
  mutable telemetry::Mutex mutex_;
  store::memory::Tables tables_;
  std::deque<Error> failures_;
  std::vector<service::WebhookArrival> arrivals_;
  std::vector<service::ReplayWebhook> replays_;
  int look_ups_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace orchestrator::testing_support
