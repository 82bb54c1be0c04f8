#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <vector>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr const char* kWorkflow = "bench-5-steps";
constexpr int kSteps = 5;
/// How often the server is asked what has closed; in between, batches fill up what was open.
constexpr std::chrono::milliseconds kPollInterval{100};
/// How long after the last batch the runs may take to finish before the rest counts as errors.
constexpr std::chrono::seconds kDrainTime{60};

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

/// Errors inside a 201 answer: each failed item carries an `error` where the others have a `run_id`.
std::int64_t failed_items(std::string_view body) {
  std::int64_t count = 0;
  constexpr std::string_view kMember = "\"error\":";
  for (auto at = body.find(kMember); at != std::string_view::npos; at = body.find(kMember, at + kMember.size()))
    ++count;
  return count;
}

/// The closed loop: starters post batches while fewer than the wanted number of runs are open; a watcher asks the
/// server what has closed. All on one thread.
class Load {
 public:
  Load(const BenchOptions& options, ServerReading before)
      : options_(options),
        before_(before),
        now_(before),
        body_(batch_body(options.batch_size)),
        watcher_(io_, options.server) {
    for (int index = 0; index < options.concurrency; ++index) connections_.emplace_back(io_, options.server);
  }

  void run() {
    const auto start = Clock::now();
    stop_posting_at_ = start + options_.duration;
    give_up_at_ = stop_posting_at_ + kDrainTime;
    last_close_ = start;
    // What escapes a coroutine here is a defect of this tool: it ends the process through io_.run().
    const auto rethrow = [](const std::exception_ptr& escaped) {
      if (escaped) std::rethrow_exception(escaped);
    };
    for (HttpConnection& connection : connections_) asio::co_spawn(io_, post_batches(&connection), rethrow);
    asio::co_spawn(io_, watch(), rethrow);
    io_.run();
    seconds_ = std::chrono::duration<double>(last_close_ - start).count();
  }

  void write_to(BenchFigures& figures) {
    const double closed = now_.runs_closed - before_.runs_closed;
    const double succeeded = now_.runs_succeeded - before_.runs_succeeded;
    figures.seconds = seconds_;
    figures.operations = static_cast<std::int64_t>(now_.steps - before_.steps);
    const auto unfinished = static_cast<std::int64_t>(static_cast<double>(started_) - succeeded);
    figures.errors = errors_ + std::max<std::int64_t>(0, unfinished);
    if (seconds_ > 0) {
      figures.runs_per_second = closed / seconds_;
      figures.steps_per_second = static_cast<double>(figures.operations) / seconds_;
    }
    latencies_.write_to(figures);
  }
  [[nodiscard]] const ServerReading& last_reading() const { return now_; }

 private:
  asio::awaitable<void> post_batches(HttpConnection* connection);
  asio::awaitable<void> watch();

  [[nodiscard]] double open_runs() const {
    return static_cast<double>(started_ + posting_) - (now_.runs_closed - before_.runs_closed);
  }
  [[nodiscard]] bool has_room() const {
    return open_runs() + options_.batch_size <= std::max(options_.runs_in_flight, options_.batch_size);
  }

  // Fixed after construction.
  const BenchOptions& options_;
  const ServerReading before_;
  // Only on the thread of run().
  ServerReading now_;
  std::string body_;
  asio::io_context io_{1};
  HttpConnection watcher_;
  std::vector<HttpConnection> connections_;
  Clock::time_point stop_posting_at_;
  Clock::time_point give_up_at_;
  Clock::time_point last_close_;
  std::int64_t started_ = 0;
  std::int64_t posting_ = 0;
  std::int64_t errors_ = 0;
  int posters_ = 0;
  double seconds_ = 0;
  Latencies latencies_;
};

asio::awaitable<void> Load::post_batches(HttpConnection* connection) {
  ++posters_;
  asio::steady_timer pause(io_);
  while (Clock::now() < stop_posting_at_) {
    if (!has_room()) {
      pause.expires_after(std::chrono::milliseconds(1));
      co_await pause.async_wait(kAwait);
      continue;
    }
    posting_ += options_.batch_size;
    ClientRequest request;
    request.method = "POST";
    request.target = "/v1/runs/batch";
    request.body = body_;
    const auto begun = Clock::now();
    const auto response = co_await connection->send(std::move(request));
    posting_ -= options_.batch_size;
    if (!response || response->status != 201) {
      ++errors_;
      // A server that refuses everything is not asked in a tight loop.
      pause.expires_after(std::chrono::milliseconds(50));
      co_await pause.async_wait(kAwait);
      continue;
    }
    latencies_.add(Clock::now() - begun);
    const std::int64_t failed = failed_items(response->body);
    errors_ += failed;
    started_ += options_.batch_size - failed;
  }
  --posters_;
}

asio::awaitable<void> Load::watch() {
  asio::steady_timer pause(io_);
  for (;;) {
    pause.expires_after(kPollInterval);
    co_await pause.async_wait(kAwait);
    ClientRequest request;
    request.target = "/metrics";
    const auto asked = Clock::now();
    const auto response = co_await watcher_.send(std::move(request));
    if (response && response->status == 200) {
      const double closed_before = now_.runs_closed;
      now_ = read_server_metrics(response->body);
      if (now_.runs_closed != closed_before) last_close_ = asked;
    }
    const bool all_closed = now_.runs_closed - before_.runs_closed >= static_cast<double>(started_);
    if (posters_ == 0 && (all_closed || Clock::now() > give_up_at_)) co_return;
  }
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
  Load load(options, *before);
  load.run();
  load.write_to(figures);
  costs.finish(figures, load.last_reading());
  return figures;
}

}  // namespace orchestrator::tools
