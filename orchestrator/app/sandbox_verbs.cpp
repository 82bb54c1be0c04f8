#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/explain.hpp"
#include "orchestrator/app/verbs.hpp"
#include "orchestrator/tools/demo.hpp"
#include "orchestrator/tools/sandbox.hpp"

namespace orchestrator::app {
namespace {

struct DemoVerbOptions {
  ClientOptions client;
  std::string sandbox_url = "http://127.0.0.1:8090";
  tools::DemoOptions demo;
  int patience_seconds = 180;
};

void add_sandbox(CLI::App& root, Exit& exit) {
  auto options = std::make_shared<tools::SandboxOptions>();
  CLI::App* verb = root.add_subcommand("sandbox", "Fake external providers on loopback, with faults on command");
  verb->add_option("--port", options->port, "port on 127.0.0.1; 0 picks a free one")->capture_default_str();
  verb->add_option("--hook-url", options->hook_url, "where the server takes webhooks")->capture_default_str();
  verb->callback([options, &exit] {
    if (tools::run_sandbox(*options) != 0) exit.code = ExitCode::refused;
  });
}

/// A tag that no demo before this one had.
std::string fresh_tag() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return "d" + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

void drive_demo(DemoVerbOptions& options, Exit& exit) {
  auto server = server_access(options.client);
  if (!server) return explain(server.error(), exit);
  auto sandbox = tools::parse_server_url(options.sandbox_url);
  if (!sandbox) return explain(sandbox.error(), exit);
  options.demo.server = *std::move(server);
  options.demo.sandbox = *std::move(sandbox);
  options.demo.patience = std::chrono::seconds(options.patience_seconds);
  if (options.demo.tag.empty()) options.demo.tag = fresh_tag();
  if (tools::run_demo(options.demo) != 0) exit.code = ExitCode::refused;
}

void add_demo_drive(CLI::App& root, Exit& exit) {
  auto options = std::make_shared<DemoVerbOptions>();
  CLI::App* verb = root.add_subcommand("demo-drive", "Play the outside world of the shipped flows against a server");
  add_client_options(*verb, options->client);
  verb->add_option("--sandbox-url", options->sandbox_url, "the sandbox")->capture_default_str();
  verb->add_option("--tag", options->demo.tag, "prefix of every key; default: one of its own");
  verb->add_option("--flow", options->demo.flows, "wallet, dispute, marketplace, journey; default: all")
      ->check(CLI::IsMember({"wallet", "dispute", "marketplace", "journey"}));
  verb->add_option("--copies", options->demo.copies, "of each flow")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  verb->add_option("--drivers", options->demo.drivers, "copies at the same time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb->add_option("--decision-seconds", options->demo.decision_seconds, "each half of a vendor's decision window")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  verb->add_option("--patience", options->patience_seconds, "seconds to wait for each thing")
      ->check(CLI::Range(1, 3'600))
      ->capture_default_str();
  verb->add_flag("--faults", options->demo.faults, "let the sandbox lose answers, repeat webhooks and fail");
  verb->add_flag("!--no-stories", options->demo.tell_stories, "do not print histories");
  verb->callback([options, &exit] { drive_demo(*options, exit); });
}

}  // namespace

void add_sandbox_verbs(CLI::App& root, Exit& exit) {
  add_sandbox(root, exit);
  add_demo_drive(root, exit);
}

}  // namespace orchestrator::app
