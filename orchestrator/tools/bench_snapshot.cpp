// Jobs at a steady rate while somebody's forgotten transaction keeps every dead row version from being removed.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr int kJobsPerSecond = 2'000;
constexpr int kBatch = 20;
/// Connections that post the batches, and others that send single jobs whose way is timed.
constexpr int kPosters = 8;
constexpr int kProbes = 2;
constexpr std::chrono::milliseconds kProbeGap{40};
constexpr std::chrono::milliseconds kResultPoll{5};
constexpr std::chrono::seconds kResultTime{5};
constexpr std::chrono::seconds kReadGap{1};
/// The first and the last of so many parts of the time are compared.
constexpr int kParts = 5;

ClientRequest post(std::string target, std::string body) {
  ClientRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

std::string batch_of_jobs() {
  std::string body = "{\"jobs\":[";
  for (int index = 0; index < kBatch; ++index) body += index == 0 ? R"({"handler":"noop"})" : R"(,{"handler":"noop"})";
  return body + "]}";
}

/// When the job began, in microseconds since 1970 by this machine's clock; nothing when it has not ended yet.
std::optional<std::int64_t> began_at(const std::string& run) {
  const auto parsed = parse_json(run);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const auto output = parsed->find("output");
  if (output == parsed->end() || !output->is_object() || !output->contains("unix_us")) return std::nullopt;
  return (*output)["unix_us"].get<std::int64_t>();
}

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

class SnapshotLoad {
 public:
  explicit SnapshotLoad(const BenchOptions& options) : options_(options), part_(options.duration / kParts) {}

  void run() {
    start_ = Clock::now();
    end_ = start_ + options_.duration;
    const auto rethrow = [](const std::exception_ptr& escaped) {
      if (escaped) std::rethrow_exception(escaped);
    };
    for (int index = 0; index < kPosters; ++index) asio::co_spawn(io_, post_batches(index), rethrow);
    for (int index = 0; index < kProbes; ++index) asio::co_spawn(io_, probe(), rethrow);
    asio::co_spawn(io_, watch(), rethrow);
    io_.run();
  }

  void write_to(BenchFigures& figures) {
    figures.seconds = std::chrono::duration<double>(options_.duration).count();
    figures.operations = posted_;
    figures.errors = errors_;
    all_.write_to(figures);
    BenchFigures first;
    first_.write_to(first);
    figures.first_p50_ms = first.p50_ms;
    figures.first_p99_ms = first.p99_ms;
    BenchFigures last;
    last_.write_to(last);
    figures.last_p50_ms = last.p50_ms;
    figures.last_p99_ms = last.p99_ms;
    if (readings_.size() < 2) return;
    figures.jobs_per_second = rate(start_, end_);
    figures.first_jobs_per_second = rate(start_, start_ + part_);
    figures.last_jobs_per_second = rate(end_ - part_, end_);
  }

 private:
  asio::awaitable<void> post_batches(int index) {
    HttpConnection connection(io_, options_.server);
    asio::steady_timer timer(io_);
    const std::chrono::duration<double> gap(static_cast<double>(kBatch) / kJobsPerSecond);
    const std::string body = batch_of_jobs();
    for (std::int64_t turn = index;; turn += kPosters) {
      const auto moment = start_ + std::chrono::duration_cast<Clock::duration>(gap * turn);
      if (moment >= end_) co_return;
      timer.expires_at(moment);
      co_await timer.async_wait(kAwait);
      ClientRequest request = post("/v1/jobs/batch", body);
      const auto response = co_await connection.send(std::move(request));
      if (response && response->status == 201 && response->body.find("\"error\":") == std::string::npos) {
        posted_ += kBatch;
      } else {
        ++errors_;
      }
    }
  }

  asio::awaitable<void> probe() {
    HttpConnection connection(io_, options_.server);
    asio::steady_timer timer(io_);
    while (Clock::now() < end_) {
      const auto asked = Clock::now();
      const std::int64_t asked_us = now_us();
      ClientRequest request = post("/v1/jobs", R"({"handler":"clock"})");
      const auto response = co_await connection.send(std::move(request));
      const auto job = response && response->status == 201 ? parse_json(response->body) : Result<Json>(Json());
      std::optional<std::int64_t> began;
      while (job && job->is_object() && !began && Clock::now() - asked < kResultTime) {
        timer.expires_after(kResultPoll);
        co_await timer.async_wait(kAwait);
        ClientRequest look;
        look.target = "/v1/runs/" + (*job)["run_id"].get<std::string>();
        const auto run = co_await connection.send(std::move(look));
        if (run && run->status == 200) began = began_at(run->body);
      }
      if (began) {
        const auto latency = std::chrono::microseconds(*began - asked_us);
        all_.add(latency);
        if (asked < start_ + part_) first_.add(latency);
        if (asked >= end_ - part_) last_.add(latency);
      } else {
        ++errors_;
      }
      timer.expires_at(asked + kProbeGap);
      co_await timer.async_wait(kAwait);
    }
  }

  asio::awaitable<void> watch() {
    HttpConnection connection(io_, options_.server);
    asio::steady_timer timer(io_);
    for (auto moment = start_; moment <= end_; moment += kReadGap) {
      timer.expires_at(moment);
      co_await timer.async_wait(kAwait);
      ClientRequest request;
      request.target = "/metrics";
      const auto response = co_await connection.send(std::move(request));
      if (!response || response->status != 200) continue;
      const ServerReading reading = read_server_metrics(response->body);
      readings_.emplace_back(Clock::now(), reading.runs_succeeded);
    }
  }

  /// Jobs that succeeded per second between the readings nearest to these moments.
  [[nodiscard]] double rate(Clock::time_point from, Clock::time_point until) const {
    const auto nearest = [this](Clock::time_point moment) {
      return *std::ranges::min_element(readings_, {}, [moment](const auto& reading) {
        return reading.first > moment ? reading.first - moment : moment - reading.first;
      });
    };
    const auto begin = nearest(from);
    const auto finish = nearest(until);
    const double seconds = std::chrono::duration<double>(finish.first - begin.first).count();
    return seconds > 0 ? (finish.second - begin.second) / seconds : 0;
  }

  const BenchOptions& options_;
  const Clock::duration part_;
  asio::io_context io_{1};
  Clock::time_point start_;
  Clock::time_point end_;
  std::int64_t posted_ = 0;
  std::int64_t errors_ = 0;
  Latencies all_;
  Latencies first_;
  Latencies last_;
  std::vector<std::pair<Clock::time_point, double>> readings_;
};

}  // namespace

Result<BenchFigures> bench_held_snapshot(const BenchOptions& options) {
  if (!options.hold_snapshot) {
    return fail(ErrorCode::precondition_failed, "held-snapshot opens a session of its own: give --database-url");
  }
  BenchFigures figures;
  figures.scenario = "held-snapshot";
  figures.measures = "an operation is one of " + std::to_string(kJobsPerSecond) +
                     " jobs enqueued per second while another session keeps a snapshot open; latencies are from POST "
                     "/v1/jobs to the start of the handler; first and last are fifths of the time";
  const auto before = read_server(options.server);
  if (!before) return before.error();
  const auto held = options.hold_snapshot();
  if (!held) return held.error();
  const CostMeter costs = CostMeter::start(options, *before);
  SnapshotLoad load(options);
  load.run();
  load.write_to(figures);
  const auto after = read_server(options.server);
  if (!after) return after.error();
  costs.finish(figures, *after);
  return figures;
}

}  // namespace orchestrator::tools
