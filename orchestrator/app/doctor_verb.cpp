#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "handlers/sample_settings.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/setting_flags.hpp"
#include "orchestrator/app/table.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/store/postgres/health.hpp"
#include "orchestrator/store/postgres/migrate.hpp"
#include "orchestrator/store/postgres/stuck_runs.hpp"

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

/// Longest difference between the clocks that nobody needs to care about: leases and timers follow the database's.
constexpr std::chrono::milliseconds kToleratedClockDifference{1'000};
/// Older snapshots than this make the hot tables grow noticeably.
constexpr std::chrono::seconds kToleratedSnapshotAge{60};

std::string in_seconds(std::chrono::milliseconds time) {
  const auto tenths = time.count() / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

Finding check_clock(const store::postgres::DatabaseHealth& health) {
  const auto ahead = health.clock_ahead;
  const std::string says = "the database's clock is " + in_seconds(std::chrono::abs(ahead)) +
                           (ahead.count() < 0 ? " behind" : " ahead of") + " this machine's";
  if (std::chrono::abs(ahead) <= kToleratedClockDifference) return {.check = "clock", .says = says};
  return {.check = "clock",
          .level = Finding::Level::warning,
          .says = says,
          .mend = "synchronise both machines with NTP; signed webhooks and logs carry this machine's time"};
}

std::string mend_of(const store::postgres::SnapshotHolder& holder) {
  if (holder.kind == "session") return "end it, or `select pg_terminate_backend(" + holder.name + ")`";
  if (holder.kind == "prepared transaction") return "`commit prepared` or `rollback prepared '" + holder.name + "'`";
  return "let its consumer catch up, or `select pg_drop_replication_slot('" + holder.name + "')`";
}

Finding check_vacuum(const store::postgres::DatabaseHealth& health) {
  const auto& holder = health.oldest_snapshot;
  if (!holder) return {.check = "vacuum", .says = "no session holds an old snapshot"};
  std::string says = "the oldest snapshot is of " + holder->kind + " " + holder->name;
  if (!holder->application.empty()) says += " (" + holder->application + ", " + holder->state + ")";
  says += ", " + in_seconds(holder->age) + " and " + std::to_string(holder->transactions) + " transactions old";
  if (holder->age < kToleratedSnapshotAge && holder->kind == "session") return {.check = "vacuum", .says = says};
  return {.check = "vacuum",
          .level = Finding::Level::warning,
          .says = says + ": dead rows stay until it ends",
          .mend = mend_of(*holder)};
}

/// Longest look at the open runs: a person waits. A million of them take a few seconds.
constexpr std::chrono::seconds kMaxProof{30};

/// Only what two looks find: a run that is just changing may look stuck for a moment.
Finding check_stuck_runs(const std::string& url) {
  store::postgres::StuckRunReader reader(url);
  const auto give_up = std::chrono::steady_clock::now() + kMaxProof;
  const auto goes_on = [give_up] { return std::chrono::steady_clock::now() < give_up; };
  auto stuck = reader.read(goes_on);
  if (stuck && stuck->count > 0) stuck = reader.read(goes_on);
  if (!stuck) {
    return {.check = "open runs",
            .level = Finding::Level::warning,
            .says = stuck.error().message,
            .mend = "give this role the rights of the engine's"};
  }
  const std::string looked = std::to_string(stuck->looked_at) + " open runs";
  if (stuck->count == 0) return {.check = "open runs", .says = "each of " + looked + " has a next event"};
  std::string names;
  for (const auto& run : stuck->examples) {
    names += (names.empty() ? "" : ", ") + run.run_id.str() + " (" + run.workflow + ": " + run.why + ")";
  }
  return {.check = "open runs",
          .level = Finding::Level::warning,
          .says = std::to_string(stuck->count) + " of " + looked + " have no next event: " + names,
          .mend = "start a node if none runs; else cancel or signal them, and report the defect with their histories"};
}

/// What the shipped flows need from the environment; other work does not mind.
Finding check_sample_variables() {
  const config::Environment environment = config::process_environment();
  std::string missing;
  for (const samples::SampleVariable& variable : samples::kNeededSampleVariables) {
    if (environment(std::string{variable.name}).value_or("").empty())
      missing += (missing.empty() ? "" : ", ") + std::string(variable.name);
  }
  if (missing.empty()) return {.check = "shipped flows", .says = "every variable that they need is set"};
  return {.check = "shipped flows",
          .level = Finding::Level::warning,
          .says = "not set: " + missing,
          .mend = "set them to use the providers (docs/providers.md); steps that need one fail and name it"};
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
  return {.check = "database",
          .says = "reachable, schema version " + std::to_string(status->migrations.back().version) + ", " +
                  std::to_string(status->shard_count) + " shards"};
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
  if (findings.back().level == Finding::Level::good) {
    const auto health = store::postgres::HealthReader(config->database_url).read();
    if (health) {
      findings.push_back(check_clock(*health));
      findings.push_back(check_vacuum(*health));
      findings.push_back(check_stuck_runs(config->database_url));
    } else {
      findings.push_back({.check = "vacuum",
                          .level = Finding::Level::warning,
                          .says = health.error().message,
                          .mend = "give this role the rights of the engine's"});
    }
  }
  findings.push_back(check_admin_key(*config));
  findings.push_back(check_data_dir(*config));
  findings.push_back(check_sample_variables());
  return findings;
}

Tone tone_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::good: return Tone::good;
    case Finding::Level::warning: return Tone::warning;
    case Finding::Level::bad: return Tone::bad;
  }
  return Tone::bad;
}

/// On a page the mend stands below what is wrong: both are sentences.
void print_findings(const std::vector<Finding>& findings, const Page& page) {
  Table table({"CHECK", "RESULT", "WHAT"});
  for (const Finding& finding : findings) {
    table.add({finding.check, Cell(to_string(finding.level), tone_of(finding.level)), finding.says});
    if (!finding.mend.empty()) table.add({"", "mend", Cell(finding.mend, Tone::strong)});
  }
  table.print(std::cout, page);
}

void print_table(const std::vector<Finding>& findings, const std::vector<config::ValueReport>& values) {
  const Page page = page_of_output();
  Table settings({"SETTING", "VALUE", "FROM"});
  for (const config::ValueReport& value : values) {
    if (value.source != "default") settings.add({value.variable, value.value, value.source});
  }
  if (!settings.empty()) {
    settings.print(std::cout, page);
    std::cout << "\n";
  }
  if (page.columns != 0) return print_findings(findings, page);
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
