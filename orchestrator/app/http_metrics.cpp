#include "orchestrator/app/http_metrics.hpp"

#include <chrono>
#include <mutex>

namespace orchestrator::app {

HttpMetrics::HttpMetrics(telemetry::Metrics& metrics)
    : metrics_(metrics),
      streams_(metrics.gauge(telemetry::kEventStreams)),
      streams_opened_(metrics.counter(telemetry::kEventStreamsOpenedTotal)),
      events_left_out_(metrics.counter(telemetry::kStreamEventsLeftOutTotal)) {
  // At zero from the start: an alert on the rate would miss the first one of a series that begins with it.
  for (const std::string_view provider : api::webhook_providers()) {
    const auto kept = [&](std::string_view verdict) {
      return metrics_.counter(telemetry::kWebhooksTotal, {provider, verdict});
    };
    webhooks_.emplace(provider, Webhooks{.accepted = kept("accepted"),
                                         .duplicate = kept("duplicate"),
                                         .poison = kept("poison"),
                                         .altered = metrics_.counter(telemetry::kWebhooksAlteredTotal, {provider}),
                                         .rejected = metrics_.counter(telemetry::kWebhookRejectedTotal, {provider}),
                                         .seconds = metrics_.histogram(telemetry::kWebhookSeconds, {provider})});
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

void HttpMetrics::record_kept_webhook(const api::WebhookReport& report) {
  const auto found = webhooks_.find(report.provider);
  if (found == webhooks_.end()) return;
  const Webhooks& series = found->second;
  const bool is_repeat = report.verdict == "duplicate";
  (is_repeat ? series.duplicate : report.verdict == "poison" ? series.poison : series.accepted).add();
  if (report.altered) series.altered.add();
  series.seconds.observe(std::chrono::duration<double>(report.duration).count());
}

void HttpMetrics::record_event_streams(const api::EventStreamReport& report) {
  streams_.add(static_cast<double>(report.opened - report.closed));
  streams_opened_.add(static_cast<double>(report.opened));
  events_left_out_.add(static_cast<double>(report.left_out));
}

void HttpMetrics::record_rejected_webhook(std::string_view provider) {
  const auto found = webhooks_.find(provider);
  if (found != webhooks_.end()) found->second.rejected.add();
}

}  // namespace orchestrator::app
