#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <string>

#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/server.hpp"
#include "orchestrator/app/server_life.hpp"
#include "orchestrator/app/setting_flags.hpp"
#include "orchestrator/app/stop_signal.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/app/workflow_folder.hpp"
#include "orchestrator/store/postgres/migrate.hpp"
#include "orchestrator/telemetry/log.hpp"
#include "orchestrator/tools/private_postgres.hpp"

namespace orchestrator::app {
namespace {

/// How often PostgreSQL and the workflows folder are looked after.
constexpr std::chrono::milliseconds kLookInterval{1000};

/// 160 random bits behind a prefix that tells what the text is.
std::string make_admin_key() {
  static constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuv";
  std::random_device device;
  std::string key = "orcadmin_";
  for (int index = 0; index < 32; ++index) key += kLetters[device() % kLetters.size()];
  return key;
}

/// Everything that `dev` does between its start and the request to stop.
void look_after(tools::PrivatePostgres& postgres, Server& server, const std::string& folder, StopSignal& stop) {
  WorkflowFolder workflows(folder, server.service(), server.logger());
  do {
    if (!postgres.is_running()) {
      server.logger().warn("postgres_died");
      const Status restarted = postgres.restart_if_dead();
      // A warning: sessions of the dead one may hold its memory for a moment, and the next look tries again.
      if (!restarted) server.logger().warn("postgres_not_restarted", {{"reason", restarted.error().message}});
    }
    workflows.look();
  } while (!stop.wait_for(kLookInterval));
}

/// The server's life on a database that runs. False when it could not start.
bool serve_on(tools::PrivatePostgres& postgres, config::Config config, StopSignal& stop, Exit& exit) {
  const std::string folder = config.workflows_dir;
  const auto migrated = store::postgres::migrate_up(postgres.url(), config.shards);
  if (!migrated) {
    explain(migrated.error(), exit);
    return false;
  }
  auto server = Server::start(std::move(config));
  if (!server) {
    explain(server.error(), exit);
    return false;
  }
  // The first look comes before the ready line: who reads that line may start the shipped workflows.
  if ((*server)->wait_until_ready(std::chrono::seconds(15))) {
    WorkflowFolder(folder, (*server)->service(), (*server)->logger()).look();
  }
  announce_when_ready(**server, stop);
  look_after(postgres, **server, folder, stop);
  (*server)->drain_and_stop();
  return true;
}

void dev(const SettingFlags& flags, Exit& exit) {
  auto config = config::read_config(flags.sources());
  if (!config) return explain(config.error(), exit);
  std::error_code problem;
  std::filesystem::create_directories(config->data_dir, problem);
  if (problem) {
    const Error error(ErrorCode::unavailable, "cannot make " + config->data_dir + ": " + problem.message());
    return explain(error, exit);
  }

  StopSignal stop;
  tools::PrivatePostgresOptions options;
  options.data_dir = std::filesystem::absolute(config->data_dir);
  auto postgres = tools::PrivatePostgres::start(std::move(options));
  if (!postgres) return explain(postgres.error(), exit);
  config->database_url = postgres->url();
  if (config->admin_key.empty()) {
    config->admin_key = make_admin_key();
    std::cout << "admin key of this process (ORCHESTRATOR_ADMIN_KEY sets another): " << config->admin_key << std::endl;
  }

  const bool served = serve_on(*postgres, *std::move(config), stop, exit);
  const Status stopped = postgres->stop();
  if (!stopped && served) explain(stopped.error(), exit);
}

}  // namespace

void add_dev_verb(CLI::App& root, Exit& exit) {
  CLI::App* verb = root.add_subcommand("dev", "Private PostgreSQL, all roles, and deploying a folder of definitions");
  auto flags = add_setting_flags(*verb);
  verb->callback([flags, &exit] { dev(*flags, exit); });
}

}  // namespace orchestrator::app
