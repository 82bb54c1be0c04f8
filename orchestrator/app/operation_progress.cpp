#include "orchestrator/app/operation_progress.hpp"

#include <chrono>
#include <iostream>
#include <optional>

#include "orchestrator/app/progress_bar.hpp"
#include "orchestrator/app/stop_signal.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::app {
namespace {

/// A node writes its progress four times a second.
constexpr std::chrono::milliseconds kLook{250};

std::size_t count_of(const Json& operation, const char* member) {
  return static_cast<std::size_t>(operation.value(member, std::int64_t{0}));
}

void tell_end(const Json& operation) {
  const std::string state = cell(operation, "state");
  std::cout << state << ": " << cell(operation, "done") << " of " << cell(operation, "matched") << " done";
  if (count_of(operation, "failed") > 0) std::cout << ", " << cell(operation, "failed") << " failed";
  std::cout << "\n";
  for (const Json& failure : operation.value("failures", Json::array())) {
    std::cerr << "orchestrator: " << cell(failure, "run_id") << ": " << cell(failure, "message") << "\n";
  }
}

bool went_well(const Json& operation) {
  return cell(operation, "state") == "done" && count_of(operation, "failed") == 0;
}

}  // namespace

void follow_operation(const ClientOptions& client, const std::string& operation_id, Exit& exit) {
  StopSignal stop;
  ClientOptions quiet = client;
  quiet.output = "table";
  std::optional<ProgressBar> bar;
  for (;;) {
    tools::ClientRequest request;
    request.target = "/v1/operations/" + tools::encode_component(operation_id);
    auto answer = call_api(client, std::move(request));
    if (bar && (!answer || !answer->good())) bar->make_room();
    const auto operation = print_answer(quiet, std::move(answer), exit);
    if (!operation) return;
    const std::size_t done = count_of(operation->value, "done");
    const std::size_t failed = count_of(operation->value, "failed");
    if (!bar) bar.emplace(cell(operation->value, "action"), count_of(operation->value, "matched"), done + failed);
    bar->show(done, failed);
    if (cell(operation->value, "state") != "running") {
      bar->end();
      if (!went_well(operation->value)) exit.code = ExitCode::refused;
      if (!client.json()) return tell_end(operation->value);
      std::cout << operation->text << "\n";
      return;
    }
    if (stop.wait_for(kLook)) {
      bar->end();
      std::cerr << "orchestrator: operation " << operation_id << " goes on\n";
      return;
    }
  }
}

}  // namespace orchestrator::app
