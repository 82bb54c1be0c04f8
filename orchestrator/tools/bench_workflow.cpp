#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_batches.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

namespace {

constexpr int kOpenRuns = 4'000;

constexpr const char* kWorkflow = "bench-5-steps";
constexpr int kSteps = 5;

Json definition() {
  Json states = Json::object();
  for (int step = 1; step <= kSteps; ++step) {
    Json state = {{"Type", "Task"}, {"Resource", "handler:noop"}};
    if (step < kSteps) {
      state["Next"] = "Step" + std::to_string(step + 1);
    } else {
      state["End"] = true;
    }
    states["Step" + std::to_string(step)] = std::move(state);
  }
  return Json{{"Comment", "Five steps that do nothing, for measurements."}, {"StartAt", "Step1"}, {"States", states}};
}

std::string batch_body(int size) {
  std::string body = "{\"runs\":[";
  for (int index = 0; index < size; ++index) {
    body += index == 0 ? "{\"workflow\":\"" : ",{\"workflow\":\"";
    body += kWorkflow;
    body += "\"}";
  }
  return body + "]}";
}

/// One batch that is not measured: it compiles the definition and opens the server's database sessions.
Status warm_up(const BenchOptions& options) {
  ClientRequest request;
  request.method = "POST";
  request.target = "/v1/runs?wait=30";
  request.body = std::string("{\"workflow\":\"") + kWorkflow + "\"}";
  const auto response = send_once(options.server, std::move(request));
  if (!response) return response.error();
  if (response->status != 200) {
    return fail(ErrorCode::unavailable, "a first run did not end within 30 s; the server answered status " +
                                            std::to_string(response->status) + ": " + response->body);
  }
  return {};
}

}  // namespace

Result<BenchFigures> bench_workflow_5_steps(const BenchOptions& options) {
  if (Status deployed = deploy_for_bench(options.server, kWorkflow, definition()); !deployed) return deployed.error();
  if (Status warm = warm_up(options); !warm) return warm.error();
  const auto before = read_server(options.server);
  if (!before) return before.error();

  BenchFigures figures;
  figures.scenario = "workflow-5-steps";
  figures.measures = "an operation is a finished step; latencies are those of a batch call of " +
                     std::to_string(options.batch_size) + " runs; seconds until every run ended";
  const CostMeter costs = CostMeter::start(options, *before);
  BatchLoad load(options, *before, "/v1/runs/batch", batch_body(options.batch_size), kOpenRuns);
  load.run();
  load.write_to(figures);
  costs.finish(figures, load.last_reading());
  return figures;
}

}  // namespace orchestrator::tools
