#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/metrics_text.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::app {

/// Dead letters and decisions of one look: enough to say what most of them are about.
inline constexpr int kTopListLimit = 100;

/// One node, and what its metrics said when it could be reached.
struct TopNode {
  std::string node_id;
  std::string url;
  std::size_t shards = 0;
  std::optional<MetricsText> metrics;
};

/// A server's state at one moment, as `top` shows it.
struct TopReading {
  Timestamp at{};
  std::chrono::steady_clock::time_point taken{};
  std::string url;
  std::string namespace_name;
  std::vector<TopNode> nodes;
  Json queues = Json::array();
  std::vector<std::string> missing_nodes;
  Json dead_letters = Json::array();
  bool more_dead_letters = false;
  Json decisions = Json::array();
  bool more_decisions = false;
};

/// Reads a server again and again. Lists of runs are read less often than figures: they cost the database something.
class TopReader {
 public:
  explicit TopReader(ClientOptions options) : options_(std::move(options)) {}

  /// Errors: what the server refused, unavailable when it does not answer.
  Result<TopReading> read();

 private:
  Result<Json> get(const std::string& target) const;
  Status read_lists();
  void read_metrics(TopNode& node) const;

  ClientOptions options_;
  std::optional<std::chrono::steady_clock::time_point> lists_read_;
  TopReading lists_;  ///< whose lists are the last ones
};

}  // namespace orchestrator::app
