#include "orchestrator/app/top_change.hpp"

namespace orchestrator::app {
namespace {

/// A worker's claim waits for work: its time says nothing about the server.
bool answers_at_once(const Labels& labels) {
  const auto route = labels.find("route");
  return route == labels.end() || !route->second.ends_with("/claim");
}

}  // namespace

std::optional<double> TopChange::rate(std::string_view name, const Labels& labels) const {
  std::optional<double> total;
  for (const TopNode& node : now_.nodes) {
    if (const auto one = rate_of(node, name, labels)) total = total.value_or(0) + *one;
  }
  return total;
}

std::optional<double> TopChange::rate_of(const TopNode& node, std::string_view name, const Labels& labels) const {
  const MetricsText* earlier = earlier_of(node);
  if (!earlier) return std::nullopt;
  const double elapsed = std::chrono::duration<double>(now_.taken - before_->taken).count();
  if (elapsed <= 0) return std::nullopt;
  return std::max(0.0, node.metrics->sum(name, labels) - earlier->sum(name, labels)) / elapsed;
}

std::optional<double> TopChange::server_errors() const {
  constexpr std::string_view kRequests = "orchestrator_http_requests_total";
  std::optional<double> errors;
  for (const TopNode& node : now_.nodes) {
    if (!node.metrics) continue;
    for (const Sample& sample : node.metrics->series(kRequests)) {
      const auto status = sample.labels.find("status");
      if (status == sample.labels.end() || !status->second.starts_with('5')) continue;
      if (const auto one = rate_of(node, kRequests, sample.labels)) errors = errors.value_or(0) + *one;
    }
  }
  if (!errors && rate(kRequests)) errors = 0;
  return errors;
}

std::optional<double> TopChange::slow(std::string_view histogram) const {
  std::optional<double> greatest;
  for (const TopNode& node : now_.nodes) {
    const MetricsText* earlier = earlier_of(node);
    const double one = earlier ? quantile_between(*earlier, *node.metrics, histogram, 0.95, answers_at_once) : -1;
    if (one >= 0) greatest = std::max(greatest.value_or(0), one);
  }
  return greatest;
}

const MetricsText* TopChange::earlier_of(const TopNode& node) const {
  if (!before_ || !node.metrics) return nullptr;
  for (const TopNode& other : before_->nodes) {
    if (other.node_id != node.node_id || !other.metrics) continue;
    const double began = node.metrics->max("orchestrator_process_start_time_seconds");
    return other.metrics->max("orchestrator_process_start_time_seconds") == began ? &*other.metrics : nullptr;
  }
  return nullptr;
}

double greatest(const TopReading& now, std::string_view name) {
  double value = 0;
  for (const TopNode& node : now.nodes) {
    if (node.metrics) value = std::max(value, node.metrics->max(name));
  }
  return value;
}

}  // namespace orchestrator::app
