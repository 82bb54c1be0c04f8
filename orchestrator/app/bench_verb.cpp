#include <CLI/CLI.hpp>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/database_counters.hpp"
#include "orchestrator/tools/bench.hpp"

namespace orchestrator::app {
namespace {

struct BenchVerbOptions {
  ClientOptions client;
  tools::BenchOptions bench;
  int duration_seconds = 10;
  std::string database_url;
};

Result<tools::DatabaseReading> read_database(const std::string& url) {
  const auto counters = store::postgres::read_database_counters(url);
  if (!counters) return counters.error();
  return tools::DatabaseReading{.wal_bytes = counters->wal_bytes,
                                .commits = counters->commits,
                                .rows_written = counters->rows_written,
                                .size_bytes = counters->size_bytes,
                                .postmaster_pid = counters->postmaster_pid};
}

void print_table(const Json& figures) {
  Table table({"FIGURE", "VALUE"});
  for (const auto& [name, value] : figures.items()) {
    if (value.is_null() || value.is_array() || name == "measures" || name == "scenario") continue;
    std::ostringstream text;
    if (value.is_number_float()) {
      text << std::fixed << std::setprecision(value.get<double>() < 100 ? 3 : 0) << value.get<double>();
    } else {
      text << dump_json(value);
    }
    table.add({name, text.str()});
  }
  std::cout << figures.at("scenario").get<std::string>() << ": " << figures.at("measures").get<std::string>() << "\n";
  table.print(std::cout);
}

/// jobs-scheduled: a row for each tenth of its jobs.
void print_tenths(const Json& tenths) {
  std::vector<std::string> names;
  for (const auto& [name, value] : tenths.front().items()) names.push_back(name);
  Table table(names);
  for (const Json& tenth : tenths) {
    std::vector<Cell> cells;
    for (const auto& [name, value] : tenth.items()) {
      std::ostringstream text;
      if (value.is_number()) text << std::fixed << std::setprecision(1) << value.get<double>();
      cells.emplace_back(value.is_number() ? text.str() : "-");
    }
    table.add(std::move(cells));
  }
  std::cout << "\n";
  table.print(std::cout);
}

void bench(BenchVerbOptions& options, Exit& exit) {
  auto access = server_access(options.client);
  if (!access) return explain(access.error(), exit);
  options.bench.server = *std::move(access);
  options.bench.duration = std::chrono::seconds(options.duration_seconds);
  if (!options.database_url.empty()) {
    options.bench.read_database = [url = options.database_url] { return read_database(url); };
    options.bench.hold_snapshot = [url = options.database_url] { return store::postgres::hold_snapshot(url); };
  }
  options.bench.program = std::filesystem::read_symlink("/proc/self/exe");
  const auto figures = tools::run_bench(options.bench);
  if (!figures) return explain(figures.error(), exit);
  const Json json = tools::figures_to_json(*figures);
  if (options.client.json()) {
    std::cout << dump_json(json) << "\n";
  } else {
    print_table(json);
    if (json.contains("tenths")) print_tenths(json.at("tenths"));
  }
  if (figures->operations == 0) exit.code = ExitCode::refused;
}

}  // namespace

void add_bench_verb(CLI::App& root, Exit& exit) {
  auto options = std::make_shared<BenchVerbOptions>();
  CLI::App* verb = root.add_subcommand("bench", "Drive a server from this process and print figures");
  std::string names;
  for (const std::string& name : tools::bench_scenarios()) names += (names.empty() ? "" : ", ") + name;
  verb->add_option("scenario", options->bench.scenario, names)->required();
  add_client_options(*verb, options->client);
  verb->add_option("--duration", options->duration_seconds, "seconds of load")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  verb->add_option("--concurrency", options->bench.concurrency, "connections")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--rate", options->bench.rate_per_second, "operations begun per second, where the loop is open")
      ->check(CLI::Range(0.1, 100'000.0))
      ->capture_default_str();
  verb->add_option("--batch-size", options->bench.batch_size, "runs per batch call")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb->add_option("--jobs", options->bench.jobs, "jobs-scheduled, signal-storm: how many")
      ->check(CLI::Range(100, 10'000'000))
      ->capture_default_str();
  verb->add_option("--in-flight", options->bench.runs_in_flight,
                   "open runs kept, where the loop is closed (default: the scenario's)")
      ->check(CLI::Range(1, 2'000'000));
  verb->add_option("--database-url", options->database_url, "the server's database, for its share of the cost")
      ->envname("ORCHESTRATOR_DATABASE_URL");
  verb->callback([options, &exit] { bench(*options, exit); });
}

}  // namespace orchestrator::app
