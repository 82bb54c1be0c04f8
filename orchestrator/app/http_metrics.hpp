#pragma once

#include <functional>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "api/api.hpp"
#include "orchestrator/telemetry/metrics.hpp"

namespace orchestrator::app {

/// Counts answered requests by method, route and status, and how long they took. Thread-safe.
class HttpMetrics {
 public:
  /// `metrics` outlives it.
  explicit HttpMetrics(telemetry::Metrics& metrics);

  void record(const api::RequestReport& report);
  void record_kept_webhook(const api::WebhookReport& report);
  void record_rejected_webhook(std::string_view provider);
  void record_event_streams(const api::EventStreamReport& report);

 private:
  using Key = std::tuple<std::string, std::string, int>;
  using KeyView = std::tuple<std::string_view, std::string_view, int>;

  struct Less {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return KeyView(a) < KeyView(b);
    }
  };
  struct Series {
    telemetry::Counter count;
    telemetry::Histogram seconds;
  };

  struct Webhooks {
    telemetry::Counter accepted;
    telemetry::Counter duplicate;
    telemetry::Counter poison;
    telemetry::Counter altered;
    telemetry::Counter rejected;
    telemetry::Histogram seconds;
  };

  telemetry::Metrics& metrics_;
  const telemetry::Gauge streams_;                         // Fixed after construction.
  const telemetry::Counter streams_opened_;                // Fixed after construction.
  const telemetry::Counter events_left_out_;               // Fixed after construction.
  std::map<std::string, Webhooks, std::less<>> webhooks_;  // Fixed after construction; by provider.
  std::shared_mutex mutex_;
  // Guarded by mutex_. Series that were asked for before: a look-up by labels would cost more than many a request.
  std::map<Key, Series, Less> series_;
};

}  // namespace orchestrator::app
