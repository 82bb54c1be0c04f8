#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/tools/http_client.hpp"

namespace orchestrator::tools {

/// What the database has done so far; differences between two readings are the cost of a scenario.
struct DatabaseReading {
  std::int64_t wal_bytes = 0;
  std::int64_t commits = 0;
  std::int64_t rows_written = 0;    ///< inserted, updated and deleted
  std::int64_t size_bytes = 0;      ///< of the database's files
  std::int64_t postmaster_pid = 0;  ///< 0 when the database is on another machine
};

struct BenchOptions {
  std::string scenario;
  ServerAccess server;
  std::chrono::seconds duration{10};  ///< 1 to 3600
  int concurrency = 4;                ///< connections, 1 to 1000
  double rate_per_second = 100;       ///< open-loop scenarios: operations begun per second, 0.1 to 100 000
  int batch_size = 500;               ///< runs per batch call, 1 to 10 000
  std::int64_t jobs = 100'000;        ///< jobs-scheduled, signal-storm: how many, 100 to 10 000 000
  std::optional<int> runs_in_flight;  ///< closed-loop scenarios: open runs kept at most; empty: the scenario's own
  /// Asked before and after; empty: the figures per operation that need the database stay null.
  std::function<Result<DatabaseReading>()> read_database;
  /// Opens a snapshot in a session of its own and keeps it until the answer is destroyed. Empty: held-snapshot refuses.
  std::function<Result<std::shared_ptr<void>>()> hold_snapshot;
  /// The server's own program, for scenarios that start and kill one.
  std::string program;
};

/// jobs-scheduled: what a tenth of the jobs cost, per job; latencies are how late they began.
struct BenchTenth {
  double enqueue_us = 0;  ///< on the clock
  std::optional<double> enqueue_server_cpu_us;
  std::optional<double> enqueue_postgres_cpu_us;
  std::optional<double> fire_server_cpu_us;
  std::optional<double> fire_postgres_cpu_us;
  std::optional<double> p50_ms;
  std::optional<double> p99_ms;
  std::optional<double> max_ms;
};

/// One measurement. Empty members are null in JSON: the scenario has none, or it could not be read.
struct BenchFigures {
  std::string scenario;
  std::string measures;  ///< one sentence: what an operation and its latency are
  double seconds = 0;
  std::int64_t operations = 0;
  std::int64_t errors = 0;
  std::optional<double> runs_per_second;
  std::optional<double> steps_per_second;
  std::optional<double> jobs_per_second;
  std::optional<double> last_jobs_per_second;       ///< at the end of the load
  std::optional<double> plain_jobs_per_second;      ///< jobs-limits: without any
  std::optional<double> limits_cost_percent;        ///< jobs-limits: of the throughput of a drain
  std::optional<double> whole_limits_cost_percent;  ///< jobs-limits: of the throughput, enqueueing counted
  std::optional<double> webhooks_per_second;
  std::optional<double> signals_sent_per_second;   ///< signal-storm: by those who send
  std::optional<double> signals_taken_per_second;  ///< signal-storm: by the runs that begin afterwards
  std::optional<double> p50_ms;
  std::optional<double> p95_ms;
  std::optional<double> p99_ms;
  std::optional<double> max_ms;
  std::optional<double> server_cpu_us_per_op;
  std::optional<double> postgres_cpu_us_per_op;
  std::optional<double> wal_bytes_per_op;
  std::optional<double> rows_per_op;
  std::optional<double> commits_per_op;
  // waiting-runs
  std::optional<double> server_memory_bytes;      ///< also signal-storm, when all are sent
  std::optional<double> idle_server_cpu_percent;  ///< of one processor
  std::optional<double> idle_postgres_cpu_percent;
  std::optional<double> database_bytes_per_op;
  // held-snapshot: the first and the last fifth of the time
  std::optional<double> first_jobs_per_second;
  std::optional<double> first_p50_ms;
  std::optional<double> first_p99_ms;
  std::optional<double> last_p50_ms;
  std::optional<double> last_p99_ms;
  std::vector<BenchTenth> tenths;  ///< jobs-scheduled
};

/// Drives a server from this process and measures. Blocks for the duration and the time that what was started needs to
/// finish. invalid_argument: no such scenario, or one that this version does not have; unavailable: no server.
Result<BenchFigures> run_bench(const BenchOptions& options);

/// Names of the scenarios that can run.
std::vector<std::string> bench_scenarios();

Json figures_to_json(const BenchFigures& figures);

}  // namespace orchestrator::tools
