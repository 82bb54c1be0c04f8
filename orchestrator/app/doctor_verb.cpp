#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/setting_flags.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/migrate.hpp"

namespace orchestrator::app {
namespace {

/// One thing that was looked at. `mend` says what to do; empty when nothing is wrong.
struct Finding {
  enum class Level : std::uint8_t { good, warning, bad };
  std::string check;
  Level level = Level::good;
  std::string says;
  std::string mend;
};

std::string to_string(Finding::Level level) {
  switch (level) {
    case Finding::Level::good: return "good";
    case Finding::Level::warning: return "warning";
    case Finding::Level::bad: return "bad";
  }
  return "bad";
}

Finding check_database(const config::Config& config) {
  if (config.database_url.empty()) {
    return {.check = "database",
            .level = Finding::Level::warning,
            .says = "ORCHESTRATOR_DATABASE_URL is not set",
            .mend = "`serve` needs it; `dev` brings a database of its own"};
  }
  const auto status = store::postgres::migrate_status(config.database_url);
  if (!status) {
    return {.check = "database",
            .level = Finding::Level::bad,
            .says = status.error().message,
            .mend = "start PostgreSQL, or correct ORCHESTRATOR_DATABASE_URL"};
  }
  if (status->newer) {
    return {.check = "database",
            .level = Finding::Level::warning,
            .says = "the database has migrations that this binary does not know",
            .mend = "finish the upgrade: run the newer binary everywhere"};
  }
  if (!status->complete()) {
    return {.check = "database",
            .level = Finding::Level::bad,
            .says = "migrations are missing",
            .mend = "run `orchestrator migrate up`"};
  }
  return {.check = "database", .says = "reachable and migrated, " + std::to_string(status->shard_count) + " shards"};
}

Finding check_admin_key(const config::Config& config) {
  if (!config.admin_key.empty()) return {.check = "admin key", .says = "set"};
  return {.check = "admin key",
          .level = Finding::Level::warning,
          .says = "ORCHESTRATOR_ADMIN_KEY is not set",
          .mend = "set it to 16 to 200 printable characters to call a server; `dev` makes one"};
}

Finding check_data_dir(const config::Config& config) {
  std::filesystem::path folder = config.data_dir;
  // What does not exist yet is made in the nearest folder that does.
  while (!folder.empty() && !std::filesystem::exists(folder) && folder != folder.parent_path())
    folder = folder.parent_path();
  if (folder.empty()) folder = ".";
  if (access(folder.c_str(), W_OK) == 0) return {.check = "data folder", .says = config.data_dir + " can be written"};
  return {.check = "data folder",
          .level = Finding::Level::warning,
          .says = config.data_dir + " cannot be written",
          .mend = "set ORCHESTRATOR_DATA_DIR to a folder of this user; `dev` and a stable node id need it"};
}

std::vector<Finding> examine(const SettingFlags& flags) {
  std::vector<Finding> findings;
  const auto config = config::read_config(flags.sources());
  if (!config) {
    findings.push_back({.check = "configuration",
                        .level = Finding::Level::bad,
                        .says = config.error().message,
                        .mend = "correct that value"});
    return findings;
  }
  findings.push_back({.check = "configuration", .says = "every value can be read"});
  findings.push_back(check_database(*config));
  findings.push_back(check_admin_key(*config));
  findings.push_back(check_data_dir(*config));
  return findings;
}

void print_table(const std::vector<Finding>& findings, const std::vector<config::ValueReport>& values) {
  Table settings({"SETTING", "VALUE", "FROM"});
  for (const config::ValueReport& value : values) {
    if (value.source != "default") settings.add({value.variable, value.value, value.source});
  }
  if (!settings.empty()) {
    settings.print(std::cout);
    std::cout << "\n";
  }
  Table table({"CHECK", "RESULT", "WHAT", "MEND"});
  for (const Finding& finding : findings) {
    table.add({finding.check, to_string(finding.level), finding.says, finding.mend.empty() ? "-" : finding.mend});
  }
  table.print(std::cout);
}

void print_json(const std::vector<Finding>& findings, const std::vector<config::ValueReport>& values) {
  Json checks = Json::array();
  for (const Finding& finding : findings) {
    checks.push_back(Json{{"check", finding.check},
                          {"result", to_string(finding.level)},
                          {"says", finding.says},
                          {"mend", finding.mend.empty() ? Json() : Json(finding.mend)}});
  }
  Json settings = Json::array();
  for (const config::ValueReport& value : values) {
    settings.push_back(Json{{"variable", value.variable}, {"value", value.value}, {"source", value.source}});
  }
  std::cout << dump_json(Json{{"checks", checks}, {"settings", settings}}) << "\n";
}

}  // namespace

void add_doctor_verb(CLI::App& root, Exit& exit) {
  CLI::App* verb = root.add_subcommand("doctor", "What is wrong with this installation, and the mend");
  auto flags = add_setting_flags(*verb);
  auto output = std::make_shared<std::string>("table");
  verb->add_option("-o,--output", *output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  verb->callback([flags, output, &exit] {
    const std::vector<Finding> findings = examine(*flags);
    // Values that cannot be read are reported as a finding already.
    const auto values = config::report_config(flags->sources()).value_or({});
    if (*output == "json") {
      print_json(findings, values);
    } else {
      print_table(findings, values);
    }
    for (const Finding& finding : findings) {
      if (finding.level == Finding::Level::bad) exit.code = ExitCode::refused;
    }
  });
}

}  // namespace orchestrator::app
