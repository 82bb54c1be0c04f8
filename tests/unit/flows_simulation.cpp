#include "flows_simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "handlers/sample_groups.hpp"
#include "orchestrator/tools/simulate.hpp"

namespace orchestrator::flows {

namespace {

/// How often an `always` answer is there; no test asks more often.
constexpr int kOften = 100;
constexpr const char* kStart = "2026-01-01T00:00:00.000Z";

Json settings_of(const std::string& flow, const Json& input) {
  const HandlerEntry handler = samples::config_handlers().front();
  TaskContext context;
  const Outcome outcome = handler.plain({{"flow", flow}, {"input", input}}, context);
  EXPECT_EQ(outcome.kind, Outcome::Kind::completed) << outcome.cause.value_or("");
  return json_of(outcome.output);
}

}  // namespace

int FlowEnd::times(const std::string& state) const { return static_cast<int>(std::ranges::count(states, state)); }

Json FlowEnd::input_of(const std::string& state) const {
  Json last;
  for (const Json& task : task_inputs) {
    if (task["state"] == state) last = task["input"];
  }
  return last;
}

SimulatedFlow::SimulatedFlow(std::string name, Json input) : name_(std::move(name)), input_(std::move(input)) {
  if (definition_text(name_).find("handler:flow.config") != std::string::npos) {
    answers("Configure", settings_of(name_, input_));
  }
}

SimulatedFlow& SimulatedFlow::answers(const std::string& state, Json result) {
  tasks_[state].push_back({{"return", std::move(result)}});
  return *this;
}

SimulatedFlow& SimulatedFlow::always(const std::string& state, const Json& result) {
  for (int i = 0; i < kOften; ++i) answers(state, result);
  return *this;
}

SimulatedFlow& SimulatedFlow::fails(const std::string& state, const std::string& error) {
  tasks_[state].push_back({{"error", error}, {"cause", "as the test says"}});
  return *this;
}

SimulatedFlow& SimulatedFlow::signal(std::chrono::seconds at, const std::string& name, Json payload) {
  signals_.push_back({{"at", at.count()}, {"name", name}, {"payload", std::move(payload)}});
  return *this;
}

FlowEnd SimulatedFlow::run() const {
  tools::SimulateRequest request;
  request.definition = *parse_json(definition_text(name_));
  request.input = input_;
  request.mocks = Json{{"version", 1}, {"now", kStart}, {"tasks", tasks_}, {"signals", signals_}};
  const auto report = tools::simulate(request);
  EXPECT_TRUE(report) << report.error().message;
  if (!report) return {};
  FlowEnd end{.status = (*report)["status"],
              .output = report->value("output", Json()),
              .error = string_member(*report, "error") + " " + string_member(*report, "cause"),
              .states = (*report)["states_entered"].get<std::vector<std::string>>(),
              .task_inputs = (*report)["task_inputs"],
              .took = std::chrono::seconds((*report)["virtual_seconds"].get<std::int64_t>())};
  return end;
}

std::string definition_text(const std::string& name) {
  std::ifstream file(std::string(ORC_WORKFLOWS_DIR) + "/" + name + ".asl.json");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> definition_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(ORC_WORKFLOWS_DIR)) {
    const std::string file = entry.path().filename();
    constexpr std::string_view kSuffix = ".asl.json";
    if (file.ends_with(kSuffix)) names.push_back(file.substr(0, file.size() - kSuffix.size()));
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace orchestrator::flows
