#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orchestrator::app {

using Labels = std::map<std::string, std::string, std::less<>>;

/// One series of a scrape.
struct Sample {
  Labels labels;
  double value = 0;
};

/// What a node's /metrics said, by the names of its series.
class MetricsText {
 public:
  /// Prometheus text format 0.0.4. Lines that are none of its are passed over.
  static MetricsText parse(std::string_view text);

  [[nodiscard]] const std::vector<Sample>& series(std::string_view name) const;
  /// Of the series that have all of `labels`; 0 when there is none.
  [[nodiscard]] double sum(std::string_view name, const Labels& labels = {}) const;
  [[nodiscard]] double max(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return !series(name).empty(); }

 private:
  std::map<std::string, std::vector<Sample>, std::less<>> series_;
};

/// The value below which the share `q` (0 to 1) of what a histogram counted between two scrapes lies, in its unit;
/// negative when it counted nothing. Inside a bucket counts are taken as evenly spread, as Prometheus does.
/// @param counts which series do; all without it
double quantile_between(const MetricsText& before, const MetricsText& after, std::string_view histogram, double q,
                        const std::function<bool(const Labels&)>& counts = {});

}  // namespace orchestrator::app
