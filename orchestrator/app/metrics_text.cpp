#include "orchestrator/app/metrics_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace orchestrator::app {
namespace {

std::optional<double> number_of(std::string_view text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// `name="value",...}` up to and with the brace; takes it from `text`. Nothing when it is broken.
std::optional<Labels> take_labels(std::string_view& text) {
  Labels labels;
  while (!text.starts_with('}')) {
    const auto equals = text.find("=\"");
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string name(text.substr(0, equals));
    text.remove_prefix(equals + 2);
    std::string value;
    for (; !text.empty() && text.front() != '"'; text.remove_prefix(1)) {
      if (text.front() == '\\' && text.size() > 1) text.remove_prefix(1);
      value += text.front();
    }
    if (text.empty()) return std::nullopt;
    text.remove_prefix(1);
    if (text.starts_with(',')) text.remove_prefix(1);
    labels.emplace(name, std::move(value));
  }
  text.remove_prefix(1);
  return labels;
}

bool has_all(const Labels& labels, const Labels& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& one) {
    const auto found = labels.find(one.first);
    return found != labels.end() && found->second == one.second;
  });
}

/// Counts by upper bound of their bucket, over all label values that count.
std::map<double, double> buckets_of(const MetricsText& metrics, std::string_view histogram,
                                    const std::function<bool(const Labels&)>& counts) {
  std::map<double, double> buckets;
  for (const Sample& sample : metrics.series(std::string(histogram) + "_bucket")) {
    const auto bound = sample.labels.find("le");
    if (bound == sample.labels.end() || (counts && !counts(sample.labels))) continue;
    if (const auto upper = number_of(bound->second)) buckets[*upper] += sample.value;
  }
  return buckets;
}

}  // namespace

MetricsText MetricsText::parse(std::string_view text) {
  MetricsText metrics;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto name_end = line.find_first_of("{ ");
    if (line.starts_with('#') || name_end == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, name_end);
    const bool has_labels = line[name_end] == '{';
    line.remove_prefix(name_end + 1);
    auto labels = has_labels ? take_labels(line) : Labels{};
    if (!labels) continue;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto value = number_of(line.substr(0, line.find(' ')));
    if (value) metrics.series_[std::string(name)].push_back({.labels = *std::move(labels), .value = *value});
  }
  return metrics;
}

const std::vector<Sample>& MetricsText::series(std::string_view name) const {
  static const std::vector<Sample> none;
  const auto found = series_.find(name);
  return found == series_.end() ? none : found->second;
}

double MetricsText::sum(std::string_view name, const Labels& labels) const {
  double total = 0;
  for (const Sample& sample : series(name)) {
    if (has_all(sample.labels, labels)) total += sample.value;
  }
  return total;
}

double MetricsText::max(std::string_view name) const {
  double greatest = 0;
  for (const Sample& sample : series(name)) greatest = std::max(greatest, sample.value);
  return greatest;
}

double quantile_between(const MetricsText& before, const MetricsText& after, std::string_view histogram, double q,
                        const std::function<bool(const Labels&)>& counts) {
  const auto earlier = buckets_of(before, histogram, counts);
  auto buckets = buckets_of(after, histogram, counts);
  for (const auto& [bound, count] : earlier) buckets[bound] -= count;
  if (buckets.empty() || buckets.rbegin()->second <= 0) return -1;
  const double rank = q * buckets.rbegin()->second;
  double lower = 0;
  double below = 0;
  for (const auto& [bound, count] : buckets) {
    if (count >= rank) {
      // Beyond the greatest bound nothing is known but that it is more.
      if (std::isinf(bound)) return lower;
      return count > below ? lower + (bound - lower) * (rank - below) / (count - below) : bound;
    }
    lower = bound;
    below = count;
  }
  return lower;
}

}  // namespace orchestrator::app
