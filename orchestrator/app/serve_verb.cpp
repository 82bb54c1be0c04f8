#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/server.hpp"
#include "orchestrator/app/server_life.hpp"
#include "orchestrator/app/setting_flags.hpp"
#include "orchestrator/app/stop_signal.hpp"
#include "orchestrator/app/verbs.hpp"

namespace orchestrator::app {
namespace {

void serve(const SettingFlags& flags, Exit& exit) {
  auto config = config::read_config(flags.sources());
  if (!config) return explain(config.error(), exit);
  if (config->database_url.empty()) {
    const Error missing(ErrorCode::invalid_argument,
                        "name the database: set ORCHESTRATOR_DATABASE_URL or give --database-url");
    return explain(missing, exit);
  }
  StopSignal stop;
  auto server = Server::start(*std::move(config));
  if (!server) return explain(server.error(), exit);
  announce_when_ready(**server, stop);
  while (!stop.wait_for(std::chrono::hours(1))) {
  }
  (*server)->drain_and_stop();
}

}  // namespace

void add_serve_verb(CLI::App& root, Exit& exit) {
  CLI::App* verb = root.add_subcommand("serve", "Serve against ORCHESTRATOR_DATABASE_URL");
  auto flags = add_setting_flags(*verb);
  verb->callback([flags, &exit] { serve(*flags, exit); });
}

}  // namespace orchestrator::app
