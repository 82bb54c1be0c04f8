#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "orchestrator/service/webhooks.hpp"
#include "orchestrator/store/webhooks.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::service {

/// Commits deliveries in groups: while one transaction is under way the next one fills. Nobody waits for company, so a
/// single webhook takes one round trip, and many at once share theirs. Thread-safe.
class WebhookBatches {
 public:
  /// Told the messages that were just committed, so that owners need not wait for their next read. Any thread of the
  /// store.
  using Deliver = std::function<void(std::vector<store::InboxRow> messages)>;

  /// `store` outlives it.
  WebhookBatches(store::WebhookStore& store, Deliver deliver) : store_(store), deliver_(std::move(deliver)) {}

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

  store::WebhookStore& store_;  // Fixed after construction.
  const Deliver deliver_;
  telemetry::Mutex mutex_;
  std::deque<Waiting> waiting_ ORC_GUARDED_BY(mutex_);
  std::size_t waiting_bytes_ ORC_GUARDED_BY(mutex_) = 0;
  int under_way_ ORC_GUARDED_BY(mutex_) = 0;
};

}  // namespace orchestrator::service
