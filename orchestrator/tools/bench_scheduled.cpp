// Jobs for later: what enqueueing them costs as their number grows, and how punctual they begin when they fall due.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <numeric>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kTenths = 10;
/// Jobs enqueued per second at the least; the first one falls due when all are there at this speed, and a little later.
constexpr std::int64_t kSlowestEnqueue = 15'000;
constexpr std::chrono::seconds kBreath{10};
/// After the last moment, for what is late.
constexpr std::chrono::seconds kMostLate{120};
constexpr std::chrono::milliseconds kPoll{50};
/// Every so many jobs are asked when they began.
constexpr std::size_t kSampleEvery = 50;
/// Jobs are enqueued in another order than that of their moments.
constexpr std::int64_t kStride = 7'919;

struct Sample {
  std::string run_id;
  std::int64_t place = 0;  ///< in the order of the moments
};

/// One measurement: its jobs, numbered in the order in which they are due.
class ScheduledJobs {
 public:
  explicit ScheduledJobs(const BenchOptions& options)
      : options_(options),
        // A stride that shares no factor with the count visits each place once.
        stride_(std::gcd(kStride, options.jobs) == 1 ? kStride : 1) {
    first_due_ = std::chrono::floor<std::chrono::milliseconds>(
        std::chrono::system_clock::now() + std::chrono::seconds{options.jobs / kSlowestEnqueue} + kBreath);
  }

  [[nodiscard]] std::chrono::system_clock::time_point due(std::int64_t place) const {
    const auto offset = std::chrono::duration<double>(static_cast<double>(place) / options_.rate_per_second);
    return first_due_ + std::chrono::duration_cast<std::chrono::microseconds>(offset);
  }

  /// Enqueues the jobs up to this one, and answers what was refused.
  std::int64_t enqueue_until(std::int64_t end) {
    end_ = end;
    on_connections([this](HttpConnection* connection) { return enqueue(connection); });
    return std::exchange(errors_, 0);
  }

  /// Asks the sampled jobs when they began; errors are those that nobody knows of.
  std::int64_t read_samples(std::vector<Latencies>& tenths, Latencies& all) {
    next_ = 0;
    on_connections([&](HttpConnection* connection) { return read(connection, &tenths, &all); });
    return errors_;
  }

 private:
  template <typename Work>
  void on_connections(Work work) {
    asio::io_context io{1};
    std::vector<HttpConnection> connections;
    for (int index = 0; index < options_.concurrency; ++index) connections.emplace_back(io, options_.server);
    for (HttpConnection& connection : connections) {
      asio::co_spawn(io, work(&connection), [](const std::exception_ptr& escaped) {
        if (escaped) std::rethrow_exception(escaped);
      });
    }
    io.run();
  }

  asio::awaitable<void> enqueue(HttpConnection* connection) {
    while (next_ < end_) {
      std::vector<std::int64_t> places;
      std::string body = "{\"jobs\":[";
      for (; next_ < end_ && places.size() < static_cast<std::size_t>(options_.batch_size); ++next_) {
        places.push_back(next_ * stride_ % options_.jobs);
        if (places.size() > 1) body += ',';
        body += R"({"handler":"clock","queue":"bench-scheduled","run_at":")";
        body += to_rfc3339(std::chrono::floor<Duration>(due(places.back()))) + "\"}";
      }
      ClientRequest request;
      request.method = "POST";
      request.target = "/v1/jobs/batch";
      request.body = body + "]}";
      const auto response = co_await connection->send(std::move(request));
      note(response, places);
    }
  }

  void note(const Result<ClientResponse>& response, const std::vector<std::int64_t>& places) {
    const auto answer = response && response->status == 201 ? parse_json(response->body) : Result<Json>(Json(nullptr));
    if (!answer || !answer->is_object()) {
      errors_ += static_cast<std::int64_t>(places.size());
      return;
    }
    const Json& items = answer->at("items");
    for (std::size_t index = 0; index < items.size(); ++index) {
      const std::string run_id = string_member(items[index], "run_id");
      if (run_id.empty()) ++errors_;
      if (!run_id.empty() && index % kSampleEvery == 0) samples_.push_back({run_id, places.at(index)});
    }
  }

  asio::awaitable<void> read(HttpConnection* connection, std::vector<Latencies>* tenths, Latencies* all) {
    while (next_ < static_cast<std::int64_t>(samples_.size())) {
      const Sample& sample = samples_[static_cast<std::size_t>(next_++)];
      ClientRequest request;
      request.target = "/v1/runs/" + sample.run_id;
      const auto response = co_await connection->send(std::move(request));
      const auto run = response && response->status == 200 ? parse_json(response->body) : Result<Json>(Json(nullptr));
      const bool has_output = run && run->is_object() && run->at("output").is_object();
      if (!has_output) {
        ++errors_;
        continue;
      }
      const std::chrono::system_clock::time_point began{
          std::chrono::microseconds{run->at("output").at("unix_us").get<std::int64_t>()}};
      const auto late = std::chrono::duration_cast<Clock::duration>(began - due(sample.place));
      all->add(late);
      tenths->at(static_cast<std::size_t>(sample.place * kTenths / options_.jobs)).add(late);
    }
  }

  const BenchOptions& options_;
  const std::int64_t stride_;
  std::chrono::system_clock::time_point first_due_;
  std::int64_t next_ = 0;
  std::int64_t end_ = 0;
  std::int64_t errors_ = 0;
  std::vector<Sample> samples_;
};

/// Costs per operation between two readings of the server.
Result<BenchFigures> stretch(const BenchOptions& options, const CostMeter& costs, std::int64_t operations) {
  const auto now = read_server(options.server);
  if (!now) return now.error();
  BenchFigures figures;
  figures.operations = operations;
  costs.finish(figures, *now);
  return figures;
}

Result<CostMeter> meter(const BenchOptions& options) {
  const auto now = read_server(options.server);
  if (!now) return now.error();
  return CostMeter::start(options, *now);
}

/// Waits until so many more than `before` have closed.
Result<ServerReading> await_closed(const BenchOptions& options, double before, std::int64_t count) {
  const auto give_up = Clock::now() + kMostLate;
  for (;;) {
    auto now = read_server(options.server);
    if (!now) return now;
    if (now->runs_closed - before >= static_cast<double>(count) || Clock::now() > give_up) return now;
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

Result<BenchFigures> bench_jobs_scheduled(const BenchOptions& options) {
  const auto before = read_server(options.server);
  if (!before) return before.error();
  BenchFigures figures;
  figures.scenario = "jobs-scheduled";
  figures.measures = "an operation is one of " + std::to_string(options.jobs) +
                     " jobs, enqueued for moments that are spread evenly; latencies are from that moment to the "
                     "handler's start, of every 50th; tenths are of the jobs enqueued, then of the time in which they "
                     "fall due";
  ScheduledJobs jobs(options);
  const CostMeter whole = CostMeter::start(options, *before);
  for (std::int64_t tenth = 1; tenth <= kTenths; ++tenth) {
    const auto costs = meter(options);
    if (!costs) return costs.error();
    const auto begun = Clock::now();
    const std::int64_t count = options.jobs * tenth / kTenths - options.jobs * (tenth - 1) / kTenths;
    figures.errors += jobs.enqueue_until(options.jobs * tenth / kTenths);
    BenchTenth& row = figures.tenths.emplace_back();
    row.enqueue_us =
        std::chrono::duration<double, std::micro>(Clock::now() - begun).count() / static_cast<double>(count);
    const auto spent = stretch(options, *costs, count);
    if (!spent) return spent.error();
    row.enqueue_server_cpu_us = spent->server_cpu_us_per_op;
    row.enqueue_postgres_cpu_us = spent->postgres_cpu_us_per_op;
  }
  if (std::chrono::system_clock::now() >= jobs.due(0))
    return fail(ErrorCode::deadline_exceeded, "the jobs could not be enqueued before the first fell due");

  std::this_thread::sleep_until(jobs.due(0));
  const auto begun = Clock::now();
  for (std::int64_t tenth = 1; tenth <= kTenths; ++tenth) {
    const auto costs = meter(options);
    if (!costs) return costs.error();
    const std::int64_t count = options.jobs * tenth / kTenths - options.jobs * (tenth - 1) / kTenths;
    std::this_thread::sleep_until(jobs.due(options.jobs * tenth / kTenths));
    const auto spent = stretch(options, *costs, count);
    if (!spent) return spent.error();
    figures.tenths[static_cast<std::size_t>(tenth - 1)].fire_server_cpu_us = spent->server_cpu_us_per_op;
    figures.tenths[static_cast<std::size_t>(tenth - 1)].fire_postgres_cpu_us = spent->postgres_cpu_us_per_op;
  }
  const auto after = await_closed(options, before->runs_closed, options.jobs - figures.errors);
  if (!after) return after.error();
  figures.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  figures.operations = static_cast<std::int64_t>(after->runs_succeeded - before->runs_succeeded);
  figures.errors += std::max<std::int64_t>(0, options.jobs - figures.errors - figures.operations);
  figures.jobs_per_second = static_cast<double>(figures.operations) / figures.seconds;
  whole.finish(figures, *after);

  std::vector<Latencies> tenths(kTenths);
  Latencies all;
  figures.errors += jobs.read_samples(tenths, all);
  all.write_to(figures);
  for (std::size_t tenth = 0; tenth < tenths.size(); ++tenth) {
    BenchFigures late;
    tenths[tenth].write_to(late);
    figures.tenths[tenth].p50_ms = late.p50_ms;
    figures.tenths[tenth].p99_ms = late.p99_ms;
    figures.tenths[tenth].max_ms = late.max_ms;
  }
  return figures;
}

}  // namespace orchestrator::tools
