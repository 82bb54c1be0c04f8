#include "orchestrator/service/webhook_batches.hpp"

#include <memory>
#include <utility>

namespace orchestrator::service {
namespace {

/// What a receipt weighs: the body once raw and once in the messages.
std::size_t bytes_of(const store::WebhookReceipt& receipt) {
  std::size_t bytes = receipt.delivery.body.size() + receipt.delivery.headers.size();
  for (const auto& message : receipt.messages) bytes += message.body.size();
  return bytes;
}

}  // namespace

void WebhookBatches::add(store::WebhookReceipt receipt, Webhooks::Reply<WebhookKept> reply) {
  const std::size_t bytes = bytes_of(receipt);
  bool is_full = false;
  {
    const telemetry::MutexLock lock(mutex_);
    is_full = waiting_.size() >= kMaxWaitingWebhooks || waiting_bytes_ + bytes > kMaxWaitingWebhookBytes;
    if (!is_full) {
      waiting_bytes_ += bytes;
      waiting_.push_back({std::move(receipt), reply});
    }
  }
  if (is_full) return reply(fail(ErrorCode::unavailable, "too many webhooks wait to be stored"));
  send_next();
}

void WebhookBatches::send_next() {
  Group group = take_group();
  if (!group.empty()) send(std::move(group));
}

WebhookBatches::Group WebhookBatches::take_group() {
  Group group;
  const telemetry::MutexLock lock(mutex_);
  if (waiting_.empty() || under_way_ >= kMaxUnderWay) return group;
  std::size_t bytes = 0;
  while (!waiting_.empty() && group.size() < kMaxWebhookBatch) {
    const std::size_t next = bytes_of(waiting_.front().receipt);
    if (!group.empty() && bytes + next > kMaxWebhookBatchBytes) break;
    bytes += next;
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  waiting_bytes_ -= bytes;
  ++under_way_;
  return group;
}

void WebhookBatches::send(Group group) {
  std::vector<store::WebhookReceipt> receipts;
  receipts.reserve(group.size());
  for (const Waiting& waiting : group) receipts.push_back(waiting.receipt);
  // Shared: the answer is a copyable function, and the group is not copied with it.
  auto held = std::make_shared<Group>(std::move(group));
  store_.record(std::move(receipts), [this, held](Result<std::vector<store::WebhookReceiptAnswer>> answers) {
    // What the database refuses in one body must not keep the others out: once more, one by one.
    const bool is_refused = !answers && answers.error().code == ErrorCode::invalid_argument && held->size() > 1;
    {
      const telemetry::MutexLock lock(mutex_);
      under_way_ += is_refused ? static_cast<int>(held->size()) - 1 : -1;
    }
    if (is_refused) {
      for (Waiting& waiting : *held) {
        Group alone;
        alone.push_back(std::move(waiting));
        send(std::move(alone));
      }
      return;
    }
    send_next();
    answer(std::move(*held), std::move(answers));
  });
}

void WebhookBatches::answer(Group group, Result<std::vector<store::WebhookReceiptAnswer>> answers) {
  if (!answers) {
    for (Waiting& waiting : group) waiting.reply(answers.error());
    return;
  }
  std::vector<store::InboxRow> messages;
  for (std::size_t index = 0; index < group.size(); ++index) {
    if ((*answers)[index].duplicate) continue;
    for (auto& message : group[index].receipt.messages) messages.push_back(std::move(message));
  }
  if (!messages.empty()) deliver_(std::move(messages));
  for (std::size_t index = 0; index < group.size(); ++index) {
    const store::WebhookReceiptAnswer& kept = (*answers)[index];
    group[index].reply(WebhookKept{kept.delivery_id.str(), kept.duplicate, kept.altered});
  }
}

}  // namespace orchestrator::service
