#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "orchestrator/app/top_reading.hpp"

namespace orchestrator::app {

/// What two looks of `top` say about all nodes together: rates and percentiles of what happened between them.
class TopChange {
 public:
  /// @param before nothing: there is no earlier look, and so no rate
  TopChange(const TopReading& now, const TopReading* before) : now_(now), before_(before) {}

  /// Per second, summed over the nodes that both readings have; nothing when there is none.
  [[nodiscard]] std::optional<double> rate(std::string_view name, const Labels& labels = {}) const;
  [[nodiscard]] std::optional<double> rate_of(const TopNode& node, std::string_view name, const Labels& labels) const;
  /// Answers of HTTP per second whose status is 500 or more.
  [[nodiscard]] std::optional<double> server_errors() const;
  /// The greatest of the nodes' 95th percentiles; nothing when none counted anything.
  [[nodiscard]] std::optional<double> slow(std::string_view histogram) const;

 private:
  /// The same process's earlier metrics: counters of a node that has started anew begin again.
  [[nodiscard]] const MetricsText* earlier_of(const TopNode& node) const;

  const TopReading& now_;
  const TopReading* before_;
};

/// Of all nodes that told; 0 when none did.
double greatest(const TopReading& now, std::string_view name);

}  // namespace orchestrator::app
