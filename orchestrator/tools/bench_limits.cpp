// What limits cost: the same no-op jobs drained without any, and under all of them at once.
#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kJobs = 60'000;
constexpr int kBatch = 3'000;
constexpr int kRounds = 5;
constexpr int kKeys = 500;
constexpr const char* kPlainQueue = "bench-plain";
constexpr const char* kLimitedQueue = "bench-limits";
constexpr std::array kNamespaces{"bench-limits-one", "bench-limits-two", "bench-limits-three"};
/// None of them ever holds anything back: what is measured is keeping count.
constexpr const char* kLimits =
    R"({"max_in_flight":100000,"rate":{"count":1000000,"per_seconds":1},"concurrency_per_key":100000,)"
    R"("rate_per_key":{"count":1000000,"per_seconds":1},"weight":3})";
constexpr std::chrono::seconds kMostDrainTime{120};
/// Until nearly all are done the server is left alone: telling how its queues stand is work, more with keys than
/// without.
constexpr std::chrono::milliseconds kSeldomPoll{50};
constexpr std::chrono::milliseconds kDrainPoll{5};
constexpr double kNearlyAll = 0.8;

/// One queue of one namespace, and the batches that fill it.
struct Part {
  ServerAccess server;
  std::string queue;
  std::vector<std::string> batches;

  [[nodiscard]] std::string target(const char* verb) const { return "/v1/queues/" + queue + "/" + verb; }
};

Status call(const ServerAccess& server, const std::string& method, const std::string& target, std::string body) {
  ClientRequest request;
  request.method = method;
  request.target = target;
  request.body = std::move(body);
  const auto response = send_once(server, std::move(request));
  if (!response) return response.error();
  if (response->status >= 300 || response->body.find("\"error\":") != std::string::npos)
    return fail(ErrorCode::unavailable, method + " " + target + " was answered with status " +
                                            std::to_string(response->status) + ": " + response->body.substr(0, 300));
  return {};
}

std::vector<std::string> batches_of(std::int64_t jobs, const std::string& queue, bool with_keys) {
  std::vector<std::string> batches;
  std::int64_t number = 0;
  for (std::int64_t left = jobs; left > 0; left -= kBatch) {
    std::string body = "{\"jobs\":[";
    for (int index = 0; index < std::min<std::int64_t>(kBatch, left); ++index) {
      body += std::string(index == 0 ? "" : ",") + R"({"handler":"noop","queue":")" + queue + "\"";
      if (with_keys) {
        const std::string key = std::to_string(number++ % kKeys);
        body += R"(,"concurrency_key":"k)" + key + R"(","rate_key":"k)" + key + "\"";
      }
      body += "}";
    }
    batches.push_back(body + "]}");
  }
  return batches;
}

/// The same namespaces for both: taking turns cannot be switched off, so what is compared is the limits.
Status set_up(const BenchOptions& options, std::vector<Part>& plain, std::vector<Part>& limited) {
  constexpr std::int64_t kPart = kJobs / std::ssize(kNamespaces);
  for (const char* name : kNamespaces) {
    const Json body = {{"name", name}};
    if (Status made = call(options.server, "POST", "/v1/namespaces", dump_json(body)); !made) return made;
    ServerAccess server = options.server;
    server.namespace_name = name;
    plain.push_back({server, kPlainQueue, batches_of(kPart, kPlainQueue, false)});
    limited.push_back({server, kLimitedQueue, batches_of(kPart, kLimitedQueue, true)});
    if (Status set = call(server, "PUT", plain.back().target("limits"), "{}"); !set) return set;
    if (Status set = call(server, "PUT", limited.back().target("limits"), kLimits); !set) return set;
  }
  return {};
}

/// Seconds until the last job had closed.
struct Drain {
  double from_first_batch = 0;  ///< enqueued into paused queues, then drained
  double from_resume = 0;
};

/// Fills paused queues and resumes them.
Result<Drain> drain(const BenchOptions& options, const std::vector<Part>& parts) {
  const auto first_batch = Clock::now();
  for (const Part& part : parts) {
    if (Status paused = call(part.server, "POST", part.target("pause"), ""); !paused) return paused.error();
    for (const auto& batch : part.batches) {
      if (Status added = call(part.server, "POST", "/v1/jobs/batch", batch); !added) return added.error();
    }
  }
  const auto before = read_server(options.server);
  if (!before) return before.error();
  const double enqueue_seconds = std::chrono::duration<double>(Clock::now() - first_batch).count();
  const auto begun = Clock::now();
  for (const Part& part : parts) {
    if (Status resumed = call(part.server, "POST", part.target("resume"), ""); !resumed) return resumed.error();
  }
  while (Clock::now() - begun < kMostDrainTime) {
    const auto asked = Clock::now();
    const auto now = read_server(options.server);
    if (!now) return now.error();
    const double done = (now->runs_closed - before->runs_closed) / static_cast<double>(kJobs);
    if (done >= 1) {
      const double seconds = std::chrono::duration<double>(asked - begun).count();
      return Drain{.from_first_batch = enqueue_seconds + seconds, .from_resume = seconds};
    }
    std::this_thread::sleep_for(done < kNearlyAll ? kSeldomPoll : kDrainPoll);
  }
  return fail(ErrorCode::deadline_exceeded, "the jobs were not performed within two minutes");
}

double median(std::vector<Drain> drains, double Drain::* seconds) {
  std::ranges::sort(drains, {}, seconds);
  return drains[drains.size() / 2].*seconds;
}

/// By how much fewer jobs per second the limits let through.
double cost_percent(const std::vector<Drain>& without, const std::vector<Drain>& with, double Drain::* seconds) {
  return 100 * (1 - median(without, seconds) / median(with, seconds));
}

}  // namespace

Result<BenchFigures> bench_jobs_limits(const BenchOptions& options) {
  std::vector<Part> plain;
  std::vector<Part> limited;
  if (Status ready = set_up(options, plain, limited); !ready) return ready.error();
  // Not measured: it opens the server's database sessions, and makes the queues known.
  for (const auto* parts : {&plain, &limited}) {
    if (const auto warm = drain(options, *parts); !warm) return warm.error();
  }
  std::vector<Drain> without;
  std::vector<Drain> with;
  BenchFigures figures;
  for (int round = 0; round < kRounds; ++round) {
    const auto plain_drain = drain(options, plain);
    if (!plain_drain) return plain_drain.error();
    const auto limited_drain = drain(options, limited);
    if (!limited_drain) return limited_drain.error();
    without.push_back(*plain_drain);
    with.push_back(*limited_drain);
    figures.seconds += plain_drain->from_first_batch + limited_drain->from_first_batch;
  }
  figures.scenario = "jobs-limits";
  figures.measures =
      "medians of " + std::to_string(kRounds) + " drains of " + std::to_string(kJobs) +
      " no-op jobs in three namespaces without limits, in turn with drains of as many, each job with a key, under "
      "max_in_flight, rate, concurrency_per_key, rate_per_key and a weight; the whole cost is of "
      "enqueueing them in batches as well";
  figures.operations = 2 * kRounds * kJobs;
  figures.jobs_per_second = static_cast<double>(kJobs) / median(with, &Drain::from_resume);
  figures.plain_jobs_per_second = static_cast<double>(kJobs) / median(without, &Drain::from_resume);
  figures.limits_cost_percent = cost_percent(without, with, &Drain::from_resume);
  figures.whole_limits_cost_percent = cost_percent(without, with, &Drain::from_first_batch);
  return figures;
}

}  // namespace orchestrator::tools
