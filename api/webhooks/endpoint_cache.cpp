#include "api/webhooks/endpoint_cache.hpp"

#include "api/limits.hpp"

namespace orchestrator::api::webhooks {

void EndpointCache::find(std::string namespace_name, std::string name, Found found) {
  Key key{std::move(namespace_name), std::move(name)};
  std::optional<Result<LiveEndpointPtr>> answer;
  {
    const telemetry::MutexLock lock(mutex_);
    make_room();
    Entry& entry = entries_[key];
    if (entry.answer && now_() < entry.fresh_until) {
      answer = entry.answer;
    } else {
      entry.waiting.push_back(found);
      if (entry.waiting.size() > 1) return;
    }
  }
  if (answer) return found(*std::move(answer));
  service_.webhooks().find_endpoint(key.first, key.second,
                                    [this, key](const Result<store::WebhookEndpointRow>& row) { keep(key, row); });
}

void EndpointCache::keep(const Key& key, const Result<store::WebhookEndpointRow>& row) {
  Result<LiveEndpointPtr> answer = Error(ErrorCode::internal, "unread");
  if (!row) {
    answer = row.error();
  } else if (auto live = live_endpoint(*row, secret_of_)) {
    answer = std::make_shared<const LiveEndpoint>(*std::move(live));
  } else {
    answer = live.error();
  }
  // A database that is away is asked again by the next webhook.
  const bool is_known = answer || answer.error().code == ErrorCode::not_found;
  std::vector<Found> waiting;
  {
    const telemetry::MutexLock lock(mutex_);
    Entry& entry = entries_[key];
    waiting.swap(entry.waiting);
    entry.answer.reset();
    if (is_known && !entry.was_forgotten) {
      entry.answer = answer;
      entry.fresh_until = now_() + kEndpointFreshness;
    }
    entry.was_forgotten = false;
  }
  for (const Found& found : waiting) found(answer);
}

void EndpointCache::forget(const std::string& namespace_name, const std::string& name) {
  const telemetry::MutexLock lock(mutex_);
  const auto entry = entries_.find({namespace_name, name});
  if (entry == entries_.end()) return;
  entry->second.answer.reset();
  entry->second.was_forgotten = !entry->second.waiting.empty();
}

void EndpointCache::make_room() {
  if (entries_.size() < kMaxKnownEndpoints) return;
  std::erase_if(entries_, [](const auto& entry) { return entry.second.waiting.empty(); });
}

}  // namespace orchestrator::api::webhooks
