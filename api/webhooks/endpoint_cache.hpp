#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/webhooks/endpoint.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::api::webhooks {

/// Shared: webhooks in hand go on with the endpoint as it was when they came.
using LiveEndpointPtr = std::shared_ptr<const LiveEndpoint>;

/// Endpoints at hand, so that a webhook costs no look-up. A change made through this node counts at once, one made
/// elsewhere within kEndpointFreshness; so does a secret's new value. Thread-safe.
class EndpointCache {
 public:
  using Clock = std::chrono::steady_clock;

  /// `service` outlives it.
  EndpointCache(service::Service& service, SecretOf secret_of, std::function<Clock::time_point()> now = Clock::now)
      : service_(service), secret_of_(std::move(secret_of)), now_(std::move(now)) {}

  using Found = std::function<void(Result<LiveEndpointPtr>)>;
  /// Answers at once, or when the store does; many that ask for one endpoint share its answer. not_found.
  void find(std::string namespace_name, std::string name, Found found);

  /// The endpoint was changed or removed.
  void forget(const std::string& namespace_name, const std::string& name);

 private:
  using Key = std::pair<std::string, std::string>;
  struct Entry {
    std::optional<Result<LiveEndpointPtr>> answer;
    Clock::time_point fresh_until;
    std::vector<Found> waiting;  ///< not empty: the store has been asked
    bool was_forgotten = false;  ///< while the store was being asked: its answer may be the old one
  };

  void keep(const Key& key, const Result<store::WebhookEndpointRow>& row);
  void make_room() ORC_REQUIRES(mutex_);

  service::Service& service_;  // Fixed after construction.
  const SecretOf secret_of_;
  const std::function<Clock::time_point()> now_;
  telemetry::Mutex mutex_;
  std::map<Key, Entry> entries_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::api::webhooks
