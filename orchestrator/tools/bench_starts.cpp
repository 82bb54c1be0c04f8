// Single starts and jobs, and many runs that only wait.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <functional>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kOneStep = "bench-one-step";
constexpr const char* kWaiting = "bench-waiting";
constexpr int kWaitingRuns = 100'000;
constexpr int kWaitDays = 30;
/// How long the last runs may take to come to rest.
constexpr std::chrono::seconds kRestTime{120};
/// After the last run rests: what the load left behind (flushes, vacuum, freed memory) is not idling.
constexpr std::chrono::seconds kSettleTime{5};

Json one_step() {
  return Json{{"Comment", "One step that does nothing, for measurements."},
              {"StartAt", "Step"},
              {"States", {{"Step", {{"Type", "Task"}, {"Resource", "handler:noop"}, {"End", true}}}}}};
}

Json long_wait() {
  return Json{{"Comment", "Waits for weeks, for measurements."},
              {"StartAt", "Wait"},
              {"States", {{"Wait", {{"Type", "Wait"}, {"Seconds", kWaitDays * 86'400}, {"End", true}}}}}};
}

ClientRequest post(std::string target, std::string body) {
  ClientRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

/// The same request again and again on every connection, the next when the last was answered.
class ClosedLoop {
 public:
  ClosedLoop(const BenchOptions& options, std::string target, std::string body)
      : target_(std::move(target)), body_(std::move(body)) {
    for (int index = 0; index < options.concurrency; ++index) connections_.emplace_back(io_, options.server);
  }

  /// Until `may_go_on` says no; it is asked before each request.
  void run(std::function<bool()> may_go_on) {
    may_go_on_ = std::move(may_go_on);
    const auto start = Clock::now();
    const auto rethrow = [](const std::exception_ptr& escaped) {
      if (escaped) std::rethrow_exception(escaped);
    };
    for (HttpConnection& connection : connections_) asio::co_spawn(io_, work(&connection), rethrow);
    io_.run();
    seconds_ = std::chrono::duration<double>(Clock::now() - start).count();
  }

  [[nodiscard]] std::int64_t answered() const { return static_cast<std::int64_t>(latencies_.count()); }
  [[nodiscard]] std::int64_t errors() const { return errors_; }
  [[nodiscard]] double seconds() const { return seconds_; }
  Latencies& latencies() { return latencies_; }

 private:
  asio::awaitable<void> work(HttpConnection* connection) {
    while (may_go_on_()) {
      ClientRequest request = post(target_, body_);
      const auto begun = Clock::now();
      const auto response = co_await connection->send(std::move(request));
      if (response && response->status == 201) {
        latencies_.add(Clock::now() - begun);
      } else {
        ++errors_;
      }
    }
  }

  const std::string target_;
  const std::string body_;
  std::function<bool()> may_go_on_;
  asio::io_context io_{1};
  std::deque<HttpConnection> connections_;
  Latencies latencies_;
  std::int64_t errors_ = 0;
  double seconds_ = 0;
};

std::string batch_of_waiting(std::int64_t count) {
  std::string body = "{\"runs\":[";
  for (std::int64_t index = 0; index < count; ++index) {
    body += index == 0 ? "{\"workflow\":\"" : ",{\"workflow\":\"";
    body += kWaiting;
    body += R"(","input":{"customer":"c-000001","amount":1250}})";
  }
  return body + "]}";
}

/// Until the list of runs in hand is empty.
Status wait_for_rest(const ServerAccess& server) {
  const auto give_up = Clock::now() + kRestTime;
  for (const char* state : {"ready", "running"}) {
    for (;;) {
      ClientRequest request;
      request.target = std::string("/v1/runs?limit=1&workflow=") + kWaiting + "&state=" + state;
      const auto response = send_once(server, std::move(request));
      if (!response) return response.error();
      if (response->status == 200 && response->body.find("\"run_id\"") == std::string::npos) break;
      if (Clock::now() > give_up) return fail(ErrorCode::deadline_exceeded, "the runs did not come to rest in time");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  return {};
}

Result<BenchFigures> measure_single_calls(const BenchOptions& options, std::string target, std::string body,
                                          BenchFigures figures) {
  const auto before = read_server(options.server);
  if (!before) return before.error();
  const CostMeter costs = CostMeter::start(options, *before);
  ClosedLoop loop(options, std::move(target), std::move(body));
  const auto end = Clock::now() + options.duration;
  loop.run([end] { return Clock::now() < end; });
  figures.seconds = loop.seconds();
  figures.operations = loop.answered();
  figures.errors = loop.errors();
  figures.runs_per_second = static_cast<double>(loop.answered()) / loop.seconds();
  loop.latencies().write_to(figures);
  const auto after = read_server(options.server);
  if (!after) return after.error();
  costs.finish(figures, *after);
  return figures;
}

}  // namespace

Result<BenchFigures> bench_starts(const BenchOptions& options) {
  if (Status deployed = deploy_for_bench(options.server, kOneStep, one_step()); !deployed) return deployed.error();
  BenchFigures figures;
  figures.scenario = "starts";
  figures.measures =
      "an operation is one POST /v1/runs, answered when its run is durable; the run's one step is done beside";
  return measure_single_calls(options, "/v1/runs", std::string("{\"workflow\":\"") + kOneStep + "\"}",
                              std::move(figures));
}

Result<BenchFigures> bench_enqueue(const BenchOptions& options) {
  BenchFigures figures;
  figures.scenario = "enqueue";
  figures.measures = "an operation is one POST /v1/jobs, answered when its job is durable; the job is done beside";
  return measure_single_calls(options, "/v1/jobs", R"({"handler":"noop"})", std::move(figures));
}

Result<BenchFigures> bench_waiting_runs(const BenchOptions& options) {
  if (Status deployed = deploy_for_bench(options.server, kWaiting, long_wait()); !deployed) return deployed.error();
  const auto database_before =
      options.read_database ? options.read_database() : Result<DatabaseReading>(Error(ErrorCode::unavailable, "none"));

  BenchFigures figures;
  figures.scenario = "waiting-runs";
  figures.measures =
      "an operation is a run that waits for " + std::to_string(kWaitDays) +
      " days; then the server idles for the seconds given: its memory in all, its and PostgreSQL's share "
      "of one processor, and what the database grew by for each run";
  const std::int64_t wanted = options.runs_in_flight.value_or(kWaitingRuns);
  const std::int64_t batch = std::min<std::int64_t>(options.batch_size, wanted);
  std::int64_t asked = 0;
  ClosedLoop loop(options, "/v1/runs/batch", batch_of_waiting(batch));
  loop.run([&] {
    if (asked >= wanted) return false;
    asked += batch;
    return true;
  });
  if (Status rested = wait_for_rest(options.server); !rested) return rested.error();
  std::this_thread::sleep_for(kSettleTime);

  figures.operations = loop.answered() * batch;
  figures.errors = loop.errors();
  figures.runs_per_second = static_cast<double>(figures.operations) / loop.seconds();
  const auto idle_begins = read_server(options.server);
  if (!idle_begins) return idle_begins.error();
  const auto database_idle = options.read_database ? options.read_database() : database_before;
  const std::int64_t postmaster = database_idle ? database_idle->postmaster_pid : 0;
  const auto postgres_begins = read_postgres_cpu_seconds(postmaster);
  const auto begun = Clock::now();
  std::this_thread::sleep_for(options.duration);
  const auto idle_ends = read_server(options.server);
  if (!idle_ends) return idle_ends.error();
  const auto postgres_ends = read_postgres_cpu_seconds(postmaster);
  figures.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  if (idle_begins->cpu_seconds && idle_ends->cpu_seconds) {
    figures.idle_server_cpu_percent = (*idle_ends->cpu_seconds - *idle_begins->cpu_seconds) / figures.seconds * 100;
  }
  if (postgres_begins && postgres_ends) {
    figures.idle_postgres_cpu_percent = (*postgres_ends - *postgres_begins) / figures.seconds * 100;
  }
  figures.server_memory_bytes = idle_ends->resident_bytes;
  if (database_before && database_idle && figures.operations > 0) {
    figures.database_bytes_per_op = static_cast<double>(database_idle->size_bytes - database_before->size_bytes) /
                                    static_cast<double>(figures.operations);
  }
  return figures;
}

}  // namespace orchestrator::tools
