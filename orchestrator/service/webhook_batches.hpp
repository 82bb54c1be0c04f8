#pragma once

#include <deque>
#include <vector>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/webhooks.hpp"
#include "orchestrator/store/webhooks.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::service {

/// Commits deliveries in groups: while one transaction is under way the next one fills. Nobody waits for company, so a
/// single webhook takes one round trip, and many at once share theirs. Thread-safe.
class WebhookBatches {
 public:
  WebhookBatches(runtime::Node& node, store::WebhookStore& store) : node_(node), store_(store) {}

  void add(store::WebhookReceipt receipt, Webhooks::Reply<WebhookKept> reply);

 private:
  struct Waiting {
    store::WebhookReceipt receipt;
    Webhooks::Reply<WebhookKept> reply;
  };
  using Group = std::vector<Waiting>;

  /// Sends the next group if a transaction may begin.
  void send_next();
  Group take_group();
  void send(Group group);
  void answer(Group group, Result<std::vector<store::WebhookReceiptAnswer>> answers);

  /// One is committed while the next one is executed.
  static constexpr int kMaxUnderWay = 2;

  runtime::Node& node_;         // Fixed after construction.
  store::WebhookStore& store_;  // Fixed after construction.
  telemetry::Mutex mutex_;
  std::deque<Waiting> waiting_ ORC_GUARDED_BY(mutex_);
  std::size_t waiting_bytes_ ORC_GUARDED_BY(mutex_) = 0;
  int under_way_ ORC_GUARDED_BY(mutex_) = 0;
};

}  // namespace orchestrator::service
