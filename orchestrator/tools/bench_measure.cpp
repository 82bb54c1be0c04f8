#include "orchestrator/tools/bench_measure.hpp"

#include <unistd.h>
#include <cmath>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace orchestrator::tools {
namespace {

/// Processor ticks of one process, from /proc/<pid>/stat.
struct ProcessTicks {
  std::int64_t parent = 0;
  double own = 0;
  double ended_children = 0;
};

std::optional<ProcessTicks> read_ticks(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // The command name stands in parentheses and may hold spaces.
  const auto command_end = text.rfind(')');
  if (command_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(command_end + 1));
  std::string state;
  ProcessTicks ticks;
  rest >> state >> ticks.parent;
  std::string skipped;
  for (int member = 5; member < 14; ++member) rest >> skipped;
  double user = 0;
  double system = 0;
  double ended_user = 0;
  double ended_system = 0;
  if (!(rest >> user >> system >> ended_user >> ended_system)) return std::nullopt;
  ticks.own = user + system;
  ticks.ended_children = ended_user + ended_system;
  return ticks;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

double percentile(const std::vector<double>& sorted, double share) {
  const auto index = static_cast<std::size_t>(std::lround(share * static_cast<double>(sorted.size() - 1)));
  return sorted[index];
}

}  // namespace

void Latencies::write_to(BenchFigures& figures) {
  if (milliseconds_.empty()) return;
  std::ranges::sort(milliseconds_);
  figures.p50_ms = percentile(milliseconds_, 0.50);
  figures.p95_ms = percentile(milliseconds_, 0.95);
  figures.p99_ms = percentile(milliseconds_, 0.99);
  figures.max_ms = milliseconds_.back();
}

std::optional<double> sum_of_metric(std::string_view text, std::string_view name, std::string_view label) {
  std::optional<double> sum;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.starts_with(name) || line.size() <= name.size()) continue;
    const char after = line[name.size()];
    if (after != '{' && after != ' ') continue;
    const auto space = line.rfind(' ');
    if (!label.empty() && line.substr(0, space).find(label) == std::string_view::npos) continue;
    const std::string_view number = line.substr(space + 1);
    double value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    sum = sum.value_or(0) + value;
  }
  return sum;
}

ServerReading read_server_metrics(std::string_view text) {
  ServerReading reading;
  reading.runs_started = sum_of_metric(text, "orchestrator_runs_started_total").value_or(0);
  reading.runs_closed = sum_of_metric(text, "orchestrator_runs_closed_total").value_or(0);
  reading.runs_succeeded = sum_of_metric(text, "orchestrator_runs_closed_total", "state=\"succeeded\"").value_or(0);
  reading.steps = sum_of_metric(text, "orchestrator_steps_total").value_or(0);
  reading.resident_bytes = sum_of_metric(text, "orchestrator_process_resident_bytes");
  reading.cpu_seconds = sum_of_metric(text, "orchestrator_process_cpu_seconds");
  return reading;
}

std::optional<double> read_postgres_cpu_seconds(std::int64_t postmaster_pid) {
  const std::filesystem::path proc = "/proc";
  const auto postmaster = read_ticks(proc / std::to_string(postmaster_pid));
  if (!postmaster) return std::nullopt;
  double ticks = postmaster->own + postmaster->ended_children;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(proc, problem)) {
    if (!is_number(entry.path().filename().string())) continue;
    // A process may end between listing and reading.
    const auto process = read_ticks(entry.path());
    if (process && process->parent == postmaster_pid) ticks += process->own;
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

CostMeter CostMeter::start(const BenchOptions& options, const ServerReading& server) {
  CostMeter meter;
  meter.options_ = &options;
  meter.server_ = server;
  if (options.read_database) {
    const auto reading = options.read_database();
    if (reading) meter.database_ = *reading;
  }
  if (meter.database_ && meter.database_->postmaster_pid > 0) {
    meter.postgres_cpu_seconds_ = read_postgres_cpu_seconds(meter.database_->postmaster_pid);
  }
  return meter;
}

void CostMeter::finish(BenchFigures& figures, const ServerReading& server) const {
  if (figures.operations == 0) return;
  const auto operations = static_cast<double>(figures.operations);
  if (server_.cpu_seconds && server.cpu_seconds) {
    figures.server_cpu_us_per_op = (*server.cpu_seconds - *server_.cpu_seconds) * 1e6 / operations;
  }
  if (!database_) return;
  if (postgres_cpu_seconds_) {
    const auto cpu_seconds = read_postgres_cpu_seconds(database_->postmaster_pid);
    if (cpu_seconds) figures.postgres_cpu_us_per_op = (*cpu_seconds - *postgres_cpu_seconds_) * 1e6 / operations;
  }
  const auto reading = options_->read_database();
  if (!reading) return;
  figures.wal_bytes_per_op = static_cast<double>(reading->wal_bytes - database_->wal_bytes) / operations;
  figures.rows_per_op = static_cast<double>(reading->rows_written - database_->rows_written) / operations;
  figures.commits_per_op = static_cast<double>(reading->commits - database_->commits) / operations;
}

}  // namespace orchestrator::tools
