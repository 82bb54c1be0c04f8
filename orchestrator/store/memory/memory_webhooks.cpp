// The webhook inbox in memory.
#include "orchestrator/store/memory/memory_webhooks.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/memory/memory_core.hpp"

namespace orchestrator::store::memory {
namespace {

/// What became of a delivery's first signal: it waits in the inbox, or its row tells.
std::optional<SignalFate> fate_of(const Tables& tables, const std::optional<SignalId>& signal_id) {
  if (!signal_id) return std::nullopt;
  if (const auto found = tables.signals.find(*signal_id); found != tables.signals.end()) return found->second.fate;
  if (tables.inbox.contains({shard_of(*signal_id), MessageId{signal_id->bytes}})) return SignalFate::buffered;
  return std::nullopt;
}

WebhookDeliveryView shown(const Tables& tables, const WebhookDeliveryView& stored) {
  WebhookDeliveryView view = stored;
  view.body_bytes = static_cast<std::int64_t>(stored.row.body.size());
  view.fate = fate_of(tables, stored.row.signal_id);
  return view;
}

bool passes(const WebhookDeliveryFilter& filter, const WebhookDeliveryView& view) {
  const WebhookDeliveryRow& row = view.row;
  if (row.namespace_name != filter.namespace_name) return false;
  if (!filter.endpoint.empty() && row.endpoint != filter.endpoint) return false;
  if (!filter.provider.empty() && row.provider != filter.provider) return false;
  if (filter.received_after && row.received_at <= *filter.received_after) return false;
  if (filter.received_before && row.received_at >= *filter.received_before) return false;
  if (filter.verdict.empty()) return true;
  return filter.verdict == "duplicate" ? view.duplicates > 0 : filter.verdict == to_string(row.verdict);
}

}  // namespace

std::vector<WebhookReceiptAnswer> record_webhooks(Tables& tables, const std::vector<WebhookReceipt>& receipts) {
  std::vector<WebhookReceiptAnswer> answers;
  for (const WebhookReceipt& receipt : receipts) {
    const WebhookDeliveryRow& row = receipt.delivery;
    const auto [entry, is_new] =
        tables.deliveries.try_emplace({row.shard, row.namespace_name, row.endpoint, row.dedupe_key});
    WebhookDeliveryView& kept = entry->second;
    WebhookReceiptAnswer answer{.duplicate = !is_new};
    if (is_new) {
      kept.row = row;
      for (const InboxRow& message : receipt.messages) insert_message(tables, message);
    } else {
      answer.altered = kept.row.body != row.body;
      ++kept.duplicates;
      if (answer.altered) ++kept.altered_duplicates;
      kept.last_duplicate_at = row.received_at;
    }
    answer.delivery_id = kept.row.delivery_id;
    answers.push_back(answer);
  }
  return answers;
}

Result<WrittenEndpoint> write_webhook_endpoint(Tables& tables, const WebhookEndpointRow& endpoint, EndpointWrite how,
                                               const std::optional<AuditEntry>& audit, Timestamp now) {
  const Tables::NamePair key{endpoint.namespace_name, endpoint.name};
  const auto found = tables.endpoints.find(key);
  const bool is_new = found == tables.endpoints.end();
  if (!is_new && how == EndpointWrite::create) {
    return fail(ErrorCode::already_exists, "there is a webhook endpoint " + endpoint.name);
  }
  const auto same_namespace = [&](const auto& entry) { return entry.first.first == endpoint.namespace_name; };
  if (is_new && std::ranges::count_if(tables.endpoints, same_namespace) >= kMaxWebhookEndpoints) {
    return fail(ErrorCode::resource_exhausted, "the namespace has as many webhook endpoints as it may");
  }
  WebhookEndpointRow row = endpoint;
  row.created_at = is_new ? now : found->second.created_at;
  row.updated_at = now;
  const std::optional<WebhookEndpointRow> before = is_new ? std::nullopt : std::optional(found->second);
  append_audit(tables, kClusterChain, endpoint_audit(audit, before, row), now);
  tables.endpoints[key] = row;
  return WrittenEndpoint{.row = std::move(row), .created = is_new};
}

Result<WebhookDeliveryView> find_webhook_delivery(const Tables& tables, const std::string& namespace_name,
                                                  const DeliveryId& delivery_id) {
  for (const auto& [key, view] : tables.deliveries) {
    if (view.row.delivery_id == delivery_id && view.row.namespace_name == namespace_name) return shown(tables, view);
  }
  return fail(ErrorCode::not_found, "no such webhook delivery");
}

Result<WebhookDeliveryPage> list_webhook_deliveries(const Tables& tables, const WebhookDeliveryFilter& filter) {
  std::optional<DeliveryId> before;
  if (!filter.cursor.empty()) {
    auto id = DeliveryId::parse(filter.cursor);
    if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
    before = *id;
  }
  WebhookDeliveryPage page;
  for (const auto& [key, view] : tables.deliveries) {
    if (passes(filter, view) && (!before || view.row.delivery_id < *before)) page.items.push_back(shown(tables, view));
  }
  std::ranges::sort(page.items, [](const auto& a, const auto& b) { return b.row.delivery_id < a.row.delivery_id; });
  if (page.items.size() > static_cast<std::size_t>(filter.limit)) {
    page.items.resize(static_cast<std::size_t>(filter.limit));
    page.next_cursor = page.items.back().row.delivery_id.str();
  }
  for (WebhookDeliveryView& view : page.items) {
    view.has_body = view.body_bytes <= filter.max_body_bytes;
    if (!view.has_body) view.row.body.clear();
  }
  return page;
}

Result<std::int32_t> count_webhook_replay(Tables& tables, const std::string& namespace_name,
                                          const DeliveryId& delivery_id, std::optional<AuditEntry> audit,
                                          Timestamp now) {
  for (auto& [key, view] : tables.deliveries) {
    if (view.row.delivery_id != delivery_id || view.row.namespace_name != namespace_name) continue;
    const std::int32_t number = ++view.replays;
    append_audit(tables, kClusterChain, replay_audit(std::move(audit), number), now);
    return number;
  }
  return fail(ErrorCode::not_found, "no such webhook delivery");
}

void MemoryWebhooks::record(std::vector<WebhookReceipt> receipts, Done<std::vector<WebhookReceiptAnswer>> done) {
  using Answer = std::vector<WebhookReceiptAnswer>;
  core_->run<Answer>("record_webhooks", true, std::move(done),
                     [receipts = std::move(receipts)](Tables& tables) -> Result<Answer> {
                       return memory::record_webhooks(tables, receipts);
                     });
}

void MemoryWebhooks::write_endpoint(WebhookEndpointRow endpoint, EndpointWrite how, std::optional<AuditEntry> audit,
                                    Done<WrittenEndpoint> done) {
  const auto work = [core = core_.get(), endpoint = std::move(endpoint), how,
                     audit = std::move(audit)](Tables& tables) {
    return memory::write_webhook_endpoint(tables, endpoint, how, audit, core->options.now());
  };
  core_->run<WrittenEndpoint>("write_webhook_endpoint", true, std::move(done), work);
}

void MemoryWebhooks::remove_endpoint(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                                     Done<void> done) {
  const auto work = [core = core_.get(), key = std::pair(std::move(namespace_name), std::move(name)),
                     audit = std::move(audit)](Tables& tables) -> Status {
    const auto found = tables.endpoints.find(key);
    if (found == tables.endpoints.end()) return fail(ErrorCode::not_found, "no such webhook endpoint: " + key.second);
    append_audit(tables, kClusterChain, endpoint_audit(audit, found->second, std::nullopt), core->options.now());
    tables.endpoints.erase(found);
    return {};
  };
  core_->run<void>("remove_webhook_endpoint", true, std::move(done), work);
}

void MemoryWebhooks::find_endpoint(std::string namespace_name, std::string name, Done<WebhookEndpointRow> done) {
  const auto work =
      [key = std::pair(std::move(namespace_name), std::move(name))](Tables& tables) -> Result<WebhookEndpointRow> {
    const auto found = tables.endpoints.find(key);
    if (found == tables.endpoints.end()) return fail(ErrorCode::not_found, "no such webhook endpoint: " + key.second);
    return found->second;
  };
  core_->run<WebhookEndpointRow>("find_webhook_endpoint", false, std::move(done), work);
}

void MemoryWebhooks::list_endpoints(std::string namespace_name, Done<std::vector<WebhookEndpointRow>> done) {
  using Answer = std::vector<WebhookEndpointRow>;
  core_->run<Answer>("list_webhook_endpoints", false, std::move(done),
                     [namespace_name = std::move(namespace_name)](Tables& tables) -> Result<Answer> {
                       Answer endpoints;
                       for (const auto& [key, row] : tables.endpoints) {
                         if (key.first == namespace_name) endpoints.push_back(row);
                       }
                       return endpoints;
                     });
}

void MemoryWebhooks::find_delivery(std::string namespace_name, DeliveryId delivery_id, Done<WebhookDeliveryView> done) {
  core_->run<WebhookDeliveryView>("find_webhook_delivery", false, std::move(done),
                                  [namespace_name = std::move(namespace_name), delivery_id](Tables& tables) {
                                    return memory::find_webhook_delivery(tables, namespace_name, delivery_id);
                                  });
}

void MemoryWebhooks::list_deliveries(WebhookDeliveryFilter filter, Done<WebhookDeliveryPage> done) {
  core_->run<WebhookDeliveryPage>(
      "list_webhook_deliveries", false, std::move(done),
      [filter = std::move(filter)](Tables& tables) { return memory::list_webhook_deliveries(tables, filter); });
}

void MemoryWebhooks::count_replay(std::string namespace_name, DeliveryId delivery_id, std::optional<AuditEntry> audit,
                                  Done<std::int32_t> done) {
  const auto work = [core = core_.get(), namespace_name = std::move(namespace_name), delivery_id,
                     audit = std::move(audit)](Tables& tables) {
    return memory::count_webhook_replay(tables, namespace_name, delivery_id, audit, core->options.now());
  };
  core_->run<std::int32_t>("count_webhook_replay", true, std::move(done), work);
}

}  // namespace orchestrator::store::memory
