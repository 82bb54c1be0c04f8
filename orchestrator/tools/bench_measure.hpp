#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/tools/bench.hpp"

namespace orchestrator::tools {

/// Latencies of one scenario, kept whole so that percentiles are exact.
class Latencies {
 public:
  void add(std::chrono::steady_clock::duration latency) {
    milliseconds_.push_back(std::chrono::duration<double, std::milli>(latency).count());
  }
  [[nodiscard]] std::size_t count() const { return milliseconds_.size(); }
  /// Fills p50, p95, p99 and max; leaves them empty when there is nothing.
  void write_to(BenchFigures& figures);

 private:
  std::vector<double> milliseconds_;
};

/// What a server's /metrics say.
struct ServerReading {
  double runs_started = 0;
  double runs_closed = 0;
  double runs_succeeded = 0;
  double steps = 0;
  std::optional<double> cpu_seconds;
  std::optional<double> resident_bytes;
};
ServerReading read_server_metrics(std::string_view text);

/// The sum over all series of a metric, or over those whose labels contain `label` (`state="succeeded"`).
/// Nothing when there is no such series.
std::optional<double> sum_of_metric(std::string_view text, std::string_view name, std::string_view label = {});

/// Processor time of a PostgreSQL server: of its postmaster, the backends that ended, and those alive. Nothing when
/// /proc does not tell.
std::optional<double> read_postgres_cpu_seconds(std::int64_t postmaster_pid);

/// The cost side of a scenario: read at both ends, divided by the operations.
class CostMeter {
 public:
  /// Reads the first end. What cannot be read stays out of the figures.
  static CostMeter start(const BenchOptions& options, const ServerReading& server);
  /// Reads the second end and fills the members per operation.
  void finish(BenchFigures& figures, const ServerReading& server) const;

 private:
  const BenchOptions* options_ = nullptr;
  ServerReading server_;
  std::optional<DatabaseReading> database_;
  std::optional<double> postgres_cpu_seconds_;
};

}  // namespace orchestrator::tools
