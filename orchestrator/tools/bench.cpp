#include "orchestrator/tools/bench.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {
namespace {

struct Scenario {
  std::string_view name;
  Result<BenchFigures> (*run)(const BenchOptions& options);
};

constexpr std::array kScenarios = {
    Scenario{"jobs-drain", bench_jobs_drain},
    Scenario{"jobs-enqueue", bench_jobs_enqueue},
    Scenario{"jobs-scheduled", bench_jobs_scheduled},
    Scenario{"enqueue", bench_enqueue},
    Scenario{"job-pickup-latency", bench_job_pickup_latency},
    Scenario{"pickup-latency", bench_pickup_latency},
    Scenario{"workflow-5-steps", bench_workflow_5_steps},
    Scenario{"starts", bench_starts},
    Scenario{"signal-latency", bench_signal_latency},
    Scenario{"signal-storm", bench_signal_storm},
    Scenario{"waiting-runs", bench_waiting_runs},
    Scenario{"held-snapshot", bench_held_snapshot},
    Scenario{"crash-recovery", bench_crash_recovery},
    Scenario{"jobs-limits", bench_jobs_limits},
    Scenario{"webhooks", bench_webhooks},
};

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

}  // namespace

Result<BenchFigures> run_bench(const BenchOptions& options) {
  const auto found = std::ranges::find(kScenarios, options.scenario, &Scenario::name);
  if (found == kScenarios.end()) {
    std::string names;
    for (const std::string& name : bench_scenarios()) names += (names.empty() ? "" : ", ") + name;
    return fail(ErrorCode::invalid_argument,
                "there is no scenario \"" + options.scenario + "\" in this version; there are " + names);
  }
  return found->run(options);
}

std::vector<std::string> bench_scenarios() {
  std::vector<std::string> names;
  for (const Scenario& scenario : kScenarios) names.emplace_back(scenario.name);
  return names;
}

Json figures_to_json(const BenchFigures& figures) {
  Json json{{"scenario", figures.scenario},
            {"measures", figures.measures},
            {"seconds", figures.seconds},
            {"operations", figures.operations},
            {"errors", figures.errors},
            {"runs_per_second", number_or_null(figures.runs_per_second)},
            {"steps_per_second", number_or_null(figures.steps_per_second)},
            {"jobs_per_second", number_or_null(figures.jobs_per_second)},
            {"p50_ms", number_or_null(figures.p50_ms)},
            {"p95_ms", number_or_null(figures.p95_ms)},
            {"p99_ms", number_or_null(figures.p99_ms)},
            {"max_ms", number_or_null(figures.max_ms)},
            {"server_cpu_us_per_op", number_or_null(figures.server_cpu_us_per_op)},
            {"postgres_cpu_us_per_op", number_or_null(figures.postgres_cpu_us_per_op)},
            {"wal_bytes_per_op", number_or_null(figures.wal_bytes_per_op)},
            {"rows_per_op", number_or_null(figures.rows_per_op)},
            {"commits_per_op", number_or_null(figures.commits_per_op)}};
  const auto put = [&json](const char* name, const std::optional<double>& value) {
    if (value) json[name] = *value;
  };
  put("last_jobs_per_second", figures.last_jobs_per_second);
  put("first_jobs_per_second", figures.first_jobs_per_second);
  put("first_p50_ms", figures.first_p50_ms);
  put("first_p99_ms", figures.first_p99_ms);
  put("last_p50_ms", figures.last_p50_ms);
  put("last_p99_ms", figures.last_p99_ms);
  put("plain_jobs_per_second", figures.plain_jobs_per_second);
  put("limits_cost_percent", figures.limits_cost_percent);
  put("whole_limits_cost_percent", figures.whole_limits_cost_percent);
  put("webhooks_per_second", figures.webhooks_per_second);
  put("signals_sent_per_second", figures.signals_sent_per_second);
  put("signals_taken_per_second", figures.signals_taken_per_second);
  put("server_memory_bytes", figures.server_memory_bytes);
  put("idle_server_cpu_percent", figures.idle_server_cpu_percent);
  put("idle_postgres_cpu_percent", figures.idle_postgres_cpu_percent);
  put("database_bytes_per_op", figures.database_bytes_per_op);
  for (const BenchTenth& tenth : figures.tenths) {
    json["tenths"].push_back(Json{{"enqueue_us", tenth.enqueue_us},
                                  {"enqueue_server_cpu_us", number_or_null(tenth.enqueue_server_cpu_us)},
                                  {"enqueue_postgres_cpu_us", number_or_null(tenth.enqueue_postgres_cpu_us)},
                                  {"fire_server_cpu_us", number_or_null(tenth.fire_server_cpu_us)},
                                  {"fire_postgres_cpu_us", number_or_null(tenth.fire_postgres_cpu_us)},
                                  {"p50_ms", number_or_null(tenth.p50_ms)},
                                  {"p99_ms", number_or_null(tenth.p99_ms)},
                                  {"max_ms", number_or_null(tenth.max_ms)}});
  }
  return json;
}

Status deploy_for_bench(const ServerAccess& server, const std::string& name, const Json& definition) {
  ClientRequest request;
  request.method = "POST";
  request.target = "/v1/workflows/" + encode_component(name) + "/versions";
  request.body = dump_json(definition);
  const auto response = send_once(server, std::move(request));
  if (!response) return response.error();
  if (response->status != 200 && response->status != 201) {
    return fail(ErrorCode::invalid_argument, "the server refused the definition " + name + " with status " +
                                                 std::to_string(response->status) + ": " + response->body);
  }
  return {};
}

Result<ServerReading> read_server(const ServerAccess& server) {
  ClientRequest request;
  request.target = "/metrics";
  const auto response = send_once(server, std::move(request));
  if (!response) return fail(response.error().code, "reading /metrics: " + response.error().message);
  if (response->status != 200) {
    return fail(ErrorCode::unavailable, "/metrics answered status " + std::to_string(response->status));
  }
  return read_server_metrics(response->body);
}

}  // namespace orchestrator::tools
