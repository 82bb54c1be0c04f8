#include "orchestrator/app/http_metrics.hpp"

#include <chrono>
#include <mutex>

namespace orchestrator::app {

HttpMetrics::HttpMetrics(telemetry::Metrics& metrics) : metrics_(metrics) {
  // At zero from the start: an alert on the rate would miss the first one of a series that begins with it.
  for (const char* provider : {"payfast", "phonepe_v1", "phonepe_v2", "generic_hmac"}) {
    metrics_.counter(telemetry::kWebhookRejectedTotal, {provider});
    for (const char* verdict : {"accepted", "duplicate", "poison"})
      metrics_.counter(telemetry::kWebhooksTotal, {provider, verdict});
  }
}

void HttpMetrics::record(const api::RequestReport& report) {
  const double seconds = std::chrono::duration<double>(report.duration).count();
  const KeyView key(report.method, report.route, report.status);
  {
    const std::shared_lock lock(mutex_);
    const auto found = series_.find(key);
    if (found != series_.end()) {
      found->second.count.add();
      found->second.seconds.observe(seconds);
      return;
    }
  }
  const Series series{.count = metrics_.counter(telemetry::kHttpRequestsTotal,
                                                {report.method, report.route, std::to_string(report.status)}),
                      .seconds = metrics_.histogram(telemetry::kHttpRequestSeconds, {report.route})};
  series.count.add();
  series.seconds.observe(seconds);
  const std::unique_lock lock(mutex_);
  series_.emplace(Key(report.method, report.route, report.status), series);
}

void HttpMetrics::record_kept_webhook(const std::string& provider, std::string_view verdict) {
  metrics_.counter(telemetry::kWebhooksTotal, {provider, verdict}).add();
}

void HttpMetrics::record_rejected_webhook(const std::string& provider) {
  metrics_.counter(telemetry::kWebhookRejectedTotal, {provider}).add();
}

}  // namespace orchestrator::app
