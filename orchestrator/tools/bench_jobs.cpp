// Jobs that do nothing: drained from a full queue, and enqueued while they are performed.
#include <algorithm>
#include <chrono>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/tools/bench_batches.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kQueue = "bench-drain";
constexpr std::int64_t kDrained = 50'000;
constexpr int kDrainBatch = 5'000;
/// Kept open: what is done between two looks at the server's counters must not run out.
constexpr int kOpenJobs = 16'000;
/// By when all must have been enqueued, where the queue cannot be paused: then they fall due together.
constexpr std::chrono::seconds kDueAfter{20};
constexpr std::chrono::seconds kMostDrainTime{120};
constexpr std::chrono::milliseconds kDrainPoll{10};

ClientRequest post(std::string target, std::string body) {
  ClientRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

std::string batch_of_jobs(int count, const std::string& members) {
  std::string body = "{\"jobs\":[";
  for (int index = 0; index < count; ++index) {
    body += index == 0 ? "{\"handler\":\"noop\"" : ",{\"handler\":\"noop\"";
    body += members + "}";
  }
  return body + "]}";
}

/// One batch that is not measured: it opens the server's database sessions.
Status warm_up(const BenchOptions& options) {
  const auto response = send_once(options.server, post("/v1/jobs/batch", batch_of_jobs(100, "")));
  if (!response) return response.error();
  if (response->status != 201) {
    return fail(ErrorCode::unavailable, "a first batch of jobs was answered with status " +
                                            std::to_string(response->status) + ": " + response->body);
  }
  return {};
}

/// Whether the queue now takes jobs without handing them out.
bool pause_queue(const BenchOptions& options) {
  const auto response = send_once(options.server, post(std::string("/v1/queues/") + kQueue + "/pause", ""));
  return response && response->status < 300;
}

Status enqueue_all(const BenchOptions& options, const std::string& members) {
  const std::string body = batch_of_jobs(kDrainBatch, members);
  for (std::int64_t enqueued = 0; enqueued < kDrained; enqueued += kDrainBatch) {
    const auto response = send_once(options.server, post("/v1/jobs/batch", body));
    if (!response) return response.error();
    if (response->status != 201 || response->body.find("\"error\":") != std::string::npos)
      return fail(ErrorCode::unavailable, "a batch of jobs was refused: " + response->body.substr(0, 500));
  }
  return {};
}

}  // namespace

Result<BenchFigures> bench_jobs_drain(const BenchOptions& options) {
  if (Status warm = warm_up(options); !warm) return warm.error();
  const bool is_paused = pause_queue(options);
  std::string members = std::string(",\"queue\":\"") + kQueue + "\"";
  const auto due = std::chrono::floor<Duration>(std::chrono::system_clock::now() + kDueAfter);
  if (!is_paused) members += ",\"run_at\":\"" + to_rfc3339(due) + "\"";
  if (Status enqueued = enqueue_all(options, members); !enqueued) return enqueued.error();
  if (!is_paused && std::chrono::system_clock::now() >= due)
    return fail(ErrorCode::deadline_exceeded, "the jobs could not be enqueued before they fell due");

  BenchFigures figures;
  figures.scenario = "jobs-drain";
  figures.measures = "an operation is one of " + std::to_string(kDrained) + " jobs that were enqueued before, " +
                     (is_paused ? "in a queue that is resumed" : "all due in one moment") +
                     "; seconds from then until the last one has closed";
  const auto before = read_server(options.server);
  if (!before) return before.error();
  const CostMeter costs = CostMeter::start(options, *before);
  if (is_paused) {
    const auto resumed = send_once(options.server, post(std::string("/v1/queues/") + kQueue + "/resume", ""));
    if (!resumed) return resumed.error();
  } else {
    std::this_thread::sleep_until(due);
  }
  const auto begun = Clock::now();
  auto after = before;
  for (;;) {
    const auto asked = Clock::now();
    after = read_server(options.server);
    if (!after) return after.error();
    figures.seconds = std::chrono::duration<double>(asked - begun).count();
    if (after->runs_closed - before->runs_closed >= static_cast<double>(kDrained)) break;
    if (asked - begun > kMostDrainTime) break;
    std::this_thread::sleep_for(kDrainPoll);
  }
  figures.operations = static_cast<std::int64_t>(after->runs_succeeded - before->runs_succeeded);
  figures.errors = std::max<std::int64_t>(0, kDrained - figures.operations);
  if (figures.seconds > 0) figures.jobs_per_second = static_cast<double>(figures.operations) / figures.seconds;
  costs.finish(figures, *after);
  return figures;
}

Result<BenchFigures> bench_jobs_enqueue(const BenchOptions& options) {
  if (Status warm = warm_up(options); !warm) return warm.error();
  const auto before = read_server(options.server);
  if (!before) return before.error();

  BenchFigures figures;
  figures.scenario = "jobs-enqueue";
  figures.measures = "an operation is a job, enqueued and performed; latencies are those of a batch call of " +
                     std::to_string(options.batch_size) + " jobs; seconds until every job ended";
  const CostMeter costs = CostMeter::start(options, *before);
  BatchLoad load(options, *before, "/v1/jobs/batch", batch_of_jobs(options.batch_size, ""), kOpenJobs);
  load.run();
  load.write_to(figures);
  figures.jobs_per_second = std::exchange(figures.runs_per_second, std::nullopt);
  figures.steps_per_second.reset();
  figures.last_jobs_per_second = load.last_per_second();
  costs.finish(figures, load.last_reading());
  return figures;
}

}  // namespace orchestrator::tools
