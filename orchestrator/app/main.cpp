#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "orchestrator/app/verbs.hpp"

namespace {

int run(int argc, char** argv) {
  using namespace orchestrator::app;

  CLI::App root{"A durable workflow orchestrator and job queue on PostgreSQL.", "orchestrator"};
  root.require_subcommand(1);
  root.get_formatter()->column_width(34);
  Exit exit;
  add_dev_verb(root, exit);
  add_serve_verb(root, exit);
  add_migrate_verbs(root, exit);
  add_doctor_verb(root, exit);
  add_authoring_verbs(root, exit);
  add_simulate_verb(root, exit);
  add_workflow_verbs(root, exit);
  add_run_verbs(root, exit);
  add_queue_verbs(root, exit);
  add_calendar_verbs(root, exit);
  add_schedule_verbs(root, exit);
  add_webhook_verbs(root, exit);
  add_job_verbs(root, exit);
  add_dead_letter_verbs(root, exit);
  add_top_verb(root, exit);
  add_access_verbs(root, exit);
  add_audit_verbs(root, exit);
  add_bench_verb(root, exit);
  add_sandbox_verbs(root, exit);
  add_shell_verbs(root, exit);

  try {
    root.parse(argc, argv);
  } catch (const CLI::RequiredError& problem) {
    // "A subcommand is required" says little to somebody who gave one that does not exist.
    const auto unknown = root.remaining(true);
    if (unknown.empty() || unknown.front().starts_with('-')) {
      root.exit(problem);
    } else {
      std::cerr << "orchestrator: there is no verb '" << unknown.front()
                << "' here\nRun with --help for more information.\n";
    }
    return static_cast<int>(ExitCode::wrong_usage);
  } catch (const CLI::ParseError& problem) {
    // Asking for help is a ParseError to the library, with exit code 0.
    const int code = root.exit(problem);
    return code == 0 ? 0 : static_cast<int>(ExitCode::wrong_usage);
  }
  return static_cast<int>(exit.code);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << "orchestrator: " << problem.what() << "\n";
    return static_cast<int>(orchestrator::app::ExitCode::refused);
  }
}
