#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>

#include "orchestrator/app/engine_simulation.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/input_text.hpp"
#include "orchestrator/app/scratch_database.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/store/memory/memory_store.hpp"
#include "orchestrator/store/postgres/postgres_store.hpp"
#include "orchestrator/tools/simulate.hpp"

namespace orchestrator::app {
namespace {

/// Few, so that a node takes them quickly; more than one, so that signals by key travel between shards.
constexpr std::int32_t kShards = 4;

struct SimulateOptions {
  std::string definition;
  std::string input;
  std::string mocks;
  int max_steps = 10'000;
  std::string store;
  std::string database_url;
  bool crash_at_every_event = false;
  bool verbose = false;
};

Result<tools::SimulateRequest> read_request(const SimulateOptions& options) {
  tools::SimulateRequest request;
  auto definition = read_document(options.definition);
  if (!definition) return std::move(definition).error();
  request.definition = *std::move(definition);
  for (const auto& [path, value] :
       {std::pair(&options.input, &request.input), std::pair(&options.mocks, &request.mocks)}) {
    if (path->empty()) continue;
    auto read = read_document(*path);
    if (!read) return std::move(read).error();
    *value = *std::move(read);
  }
  request.max_steps = options.max_steps;
  return request;
}

void print(const Json& value) { std::cout << dump_json(value) << "\n"; }

/// The same report as without a store, and how the engine fared.
void print_report(const SimulateOptions& options, EngineReport report, Exit& exit) {
  Json engine = {{"store", options.store}, {"crashes", report.crashes}, {"same", !report.difference}};
  std::string summary = "the engine on " + options.store + ": " + std::to_string(report.crashes) + " crashes, ";
  if (const auto& difference = report.difference) {
    engine["difference"] = {
        {"state", difference->state}, {"expected", difference->expected}, {"found", difference->found}};
    const std::string place = difference->state.empty() ? "" : "in state " + difference->state + ": ";
    summary += "not the same: " + place + "expected " + difference->expected + ", found " + difference->found;
    exit.code = ExitCode::refused;
  } else {
    summary += "the same result";
  }
  report.expected["engine"] = std::move(engine);
  print(report.expected);
  std::cerr << summary << "\n";
}

Result<EngineReport> run_in_memory(EngineSimulation simulation) {
  const auto database = std::make_shared<store::memory::MemoryDatabase>(kShards);
  simulation.open_store = [database](std::function<Timestamp()> now) -> Result<std::unique_ptr<store::Store>> {
    store::memory::MemoryOptions options;
    options.lanes = 1;
    options.post = [](const std::function<void()>& work) { work(); };
    options.now = std::move(now);
    return std::unique_ptr<store::Store>(std::make_unique<store::memory::MemoryStore>(database, std::move(options)));
  };
  return simulate_in_engine(simulation);
}

Result<EngineReport> run_in_postgres(EngineSimulation simulation, const std::string& url) {
  auto database = url.empty() ? ScratchDatabase::make(kShards) : ScratchDatabase::use(url, kShards);
  if (!database) return std::move(database).error();
  // A database may have seen earlier simulations.
  std::random_device device;
  simulation.seed = static_cast<std::uint64_t>(device()) << 32 | device();
  simulation.open_store = [url = (*database)->url()](const std::function<Timestamp()>&) {
    return store::postgres::open_postgres(
        {.url = url, .lanes = 1, .load_connections = 1, .page_connections = 1, .step_connections = 1});
  };
  return simulate_in_engine(simulation);
}

void simulate(const SimulateOptions& options, Exit& exit) {
  auto request = read_request(options);
  if (!request) return explain(request.error(), exit);
  if (options.store.empty()) {
    const auto report = tools::simulate(*request);
    if (!report) return explain(report.error(), exit);
    return print(*report);
  }
  EngineSimulation simulation;
  simulation.what = *std::move(request);
  simulation.crash_at_every_event = options.crash_at_every_event;
  if (options.verbose) simulation.tell = [](const std::string& line) { std::cerr << line << "\n"; };
  auto report = options.store == "memory" ? run_in_memory(std::move(simulation))
                                          : run_in_postgres(std::move(simulation), options.database_url);
  if (!report) return explain(report.error(), exit);
  print_report(options, *std::move(report), exit);
}

}  // namespace

void add_simulate_verb(CLI::App& root, Exit& exit) {
  auto options = std::make_shared<SimulateOptions>();
  CLI::App* verb = root.add_subcommand("simulate", "Run a definition on a virtual clock, with mocked tasks");
  verb->add_option("--definition", options->definition, "the definition, JSON or YAML")->required();
  verb->add_option("--input", options->input, "file with the run's input; without it {}");
  verb->add_option("--mocks", options->mocks, "file with what tasks and signals answer");
  verb->add_option("--max-steps", options->max_steps, "transitions before the run is given up")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  auto* store = verb->add_option("--store", options->store,
                                 "memory or postgres: once more through the real engine on this store; exit 1 when it "
                                 "comes to another end")
                    ->check(CLI::IsMember({"memory", "postgres"}));
  verb->add_flag("--crash-at-every-event", options->crash_at_every_event,
                 "kill the engine after every row of history, and let the next one go on")
      ->needs(store);
  verb->add_option("--database-url", options->database_url,
                   "an empty database for --store postgres; without it a private PostgreSQL in a temporary folder")
      ->needs(store);
  verb->add_flag("--verbose", options->verbose, "a line for each crash, on standard error")->needs(store);
  verb->callback([options, &exit] { simulate(*options, exit); });
}

}  // namespace orchestrator::app
