#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/setting_flags.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/migrate.hpp"

namespace orchestrator::app {
namespace {

using store::postgres::MigrationStatus;

/// The configuration of a verb that needs the database.
Result<config::Config> read_with_database(const SettingFlags& flags) {
  auto config = config::read_config(flags.sources());
  if (config && config->database_url.empty()) {
    return fail(ErrorCode::invalid_argument, "name the database: set ORCHESTRATOR_DATABASE_URL or give --database-url");
  }
  return config;
}

void print(const MigrationStatus& status, bool only_missing, bool json) {
  Json items = Json::array();
  Table table({"VERSION", "MIGRATION", "STATE"});
  for (const auto& migration : status.migrations) {
    if (only_missing && migration.applied) continue;
    const std::string state = migration.applied ? "applied" : "missing";
    items.push_back(Json{{"version", migration.version}, {"name", migration.name}, {"state", state}});
    table.add({std::to_string(migration.version), migration.name, state});
  }
  if (json) {
    std::cout << dump_json(Json{{"migrations", items},
                                {"complete", status.complete()},
                                {"newer", status.newer},
                                {"shards", status.shard_count}})
              << "\n";
    return;
  }
  if (table.empty()) {
    std::cout << "nothing to apply\n";
  } else {
    table.print(std::cout);
  }
  if (status.newer) std::cout << "the database has migrations that this binary does not know\n";
}

void up(const SettingFlags& flags, bool json, Exit& exit) {
  const auto config = read_with_database(flags);
  if (!config) return explain(config.error(), exit);
  const auto status = store::postgres::migrate_up(config->database_url, config->shards);
  if (!status) return explain(status.error(), exit);
  print(*status, false, json);
}

/// Exit 1 while something is missing, so that scripts can ask.
void look(const SettingFlags& flags, bool only_missing, bool json, Exit& exit) {
  const auto config = read_with_database(flags);
  if (!config) return explain(config.error(), exit);
  const auto status = store::postgres::migrate_status(config->database_url);
  if (!status) return explain(status.error(), exit);
  print(*status, only_missing, json);
  if (!only_missing && !status->complete()) exit.code = ExitCode::refused;
}

}  // namespace

void add_migrate_verbs(CLI::App& root, Exit& exit) {
  CLI::App* group = root.add_subcommand("migrate", "Bring the database to this version");
  group->require_subcommand(1);
  const auto add = [group](const char* name, const char* help, std::vector<std::string> settings) {
    CLI::App* verb = group->add_subcommand(name, help);
    auto flags = add_setting_flags(*verb, settings);
    auto output = std::make_shared<std::string>("table");
    verb->add_option("-o,--output", *output, "table or json")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    return std::tuple(verb, flags, output);
  };

  {
    auto [verb, flags, output] = add("up", "Apply what is missing", {"database_url", "shards"});
    verb->callback([flags = flags, output = output, &exit] { up(*flags, *output == "json", exit); });
  }
  {
    auto [verb, flags, output] = add("status", "What is applied; exit 1 while something is missing", {"database_url"});
    verb->callback([flags = flags, output = output, &exit] { look(*flags, false, *output == "json", exit); });
  }
  {
    auto [verb, flags, output] = add("plan", "What `up` would apply", {"database_url"});
    verb->callback([flags = flags, output = output, &exit] { look(*flags, true, *output == "json", exit); });
  }
}

}  // namespace orchestrator::app
