#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <string>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_open_loop.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr const char* kPickupWorkflow = "bench-pickup";
constexpr const char* kSignalWorkflow = "bench-signal";
constexpr const char* kSignalName = "bench-go";
/// How long the runs may take to begin their wait before the scenario is given up.
constexpr std::chrono::seconds kArmTime{60};
constexpr std::int64_t kArmBatch = 500;
/// Most runs that are made ready for signals beforehand.
constexpr double kMaxArmed = 100'000;
/// A job's result is looked for this often and this long.
constexpr std::chrono::milliseconds kResultPoll{5};
constexpr std::chrono::seconds kResultTime{5};
/// The long poll begins this long before the signal, so that it is there when the run ends.
constexpr std::chrono::milliseconds kPollLead{10};

ClientRequest post(std::string target, const Json& body) {
  ClientRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = dump_json(body);
  return request;
}

/// When the run's step began, by the machine's clock that handler:clock answered; only true on the server's machine.
std::optional<Clock::time_point> step_began(const std::string& run) {
  const auto parsed = parse_json(run);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  const auto output = parsed->find("output");
  if (output == parsed->end() || !output->is_object() || !output->contains("unix_us")) return std::nullopt;
  const std::chrono::system_clock::time_point at{std::chrono::microseconds{(*output)["unix_us"].get<std::int64_t>()}};
  return Clock::now() - (std::chrono::system_clock::now() - at);
}

class PickupLoop final : public OpenLoop {
 public:
  using OpenLoop::OpenLoop;

 private:
  asio::awaitable<void> work() override {
    HttpConnection connection(io_, options_.server);
    asio::steady_timer timer(io_);
    const Json body = {{"workflow", kPickupWorkflow}};
    while (const auto moment = next_moment()) {
      timer.expires_at(*moment);
      co_await timer.async_wait(kAwait);
      ClientRequest request = post("/v1/runs?wait=30", body);
      const auto response = co_await connection.send(std::move(request));
      const auto began = response && response->status == 200 ? step_began(response->body) : std::nullopt;
      if (began) {
        latencies_.add(*began - *moment);
      } else {
        ++errors_;
      }
    }
  }
};

/// Jobs, whose call answers when they are durable: their result is asked for afterwards.
class JobPickupLoop final : public OpenLoop {
 public:
  using OpenLoop::OpenLoop;

 private:
  asio::awaitable<void> work() override {
    HttpConnection connection(io_, options_.server);
    asio::steady_timer timer(io_);
    const Json body = {{"handler", "clock"}};
    while (const auto moment = next_moment()) {
      timer.expires_at(*moment);
      co_await timer.async_wait(kAwait);
      ClientRequest request = post("/v1/jobs", body);
      const auto response = co_await connection.send(std::move(request));
      const auto job = response && response->status == 201 ? parse_json(response->body) : Result<Json>(Json());
      const auto give_up = Clock::now() + kResultTime;
      std::optional<Clock::time_point> began;
      while (job && job->is_object() && !began && Clock::now() < give_up) {
        timer.expires_after(kResultPoll);
        co_await timer.async_wait(kAwait);
        ClientRequest look;
        look.target = "/v1/runs/" + (*job)["run_id"].get<std::string>();
        const auto run = co_await connection.send(std::move(look));
        if (run && run->status == 200) began = step_began(run->body);
      }
      if (began) {
        latencies_.add(*began - *moment);
      } else {
        ++errors_;
      }
    }
  }
};

class SignalLoop final : public OpenLoop {
 public:
  SignalLoop(const BenchOptions& options, std::string key_prefix)
      : OpenLoop(options), key_prefix_(std::move(key_prefix)) {}

 private:
  /// One run as seen from its long poll.
  struct Watched {
    explicit Watched(asio::io_context& io) : ended(io) { ended.expires_at(Clock::time_point::max()); }
    asio::steady_timer ended;  ///< cancelled when the long poll was answered
    bool answered = false;
    std::optional<Clock::time_point> step_began;
  };

  asio::awaitable<void> work() override {
    HttpConnection polls(io_, options_.server);
    HttpConnection calls(io_, options_.server);
    asio::steady_timer timer(io_);
    while (const auto moment = next_moment()) {
      const std::string key = key_prefix_ + std::to_string(next_key_++);
      timer.expires_at(*moment - kPollLead);
      co_await timer.async_wait(kAwait);
      Watched watched(io_);
      asio::co_spawn(io_, watch(&polls, key, &watched), [](const std::exception_ptr& escaped) {
        if (escaped) std::rethrow_exception(escaped);
      });
      timer.expires_at(*moment);
      co_await timer.async_wait(kAwait);
      const Json envelope = {{"key", key}};
      ClientRequest request = post(std::string("/v1/signals/") + kSignalName, envelope);
      const auto response = co_await calls.send(std::move(request));
      if (!watched.answered) co_await watched.ended.async_wait(kAwait);
      if (response && response->status == 202 && watched.step_began) {
        latencies_.add(*watched.step_began - *moment);
      } else {
        ++errors_;
      }
    }
  }

  /// A long poll on a run that is there already: the start that finds it waits for its end.
  asio::awaitable<void> watch(HttpConnection* connection, std::string key, Watched* watched) {
    const Json body = {{"workflow", kSignalWorkflow},
                       {"key", key},
                       {"input", {{"key", key}}},
                       {"on_conflict", "return_existing"},
                       {"on_closed", "return_existing"}};
    ClientRequest request = post("/v1/runs?wait=60", body);
    const auto response = co_await connection->send(std::move(request));
    if (response && response->status == 200) watched->step_began = step_began(response->body);
    watched->answered = true;
    watched->ended.cancel();
  }

  const std::string key_prefix_;
  std::int64_t next_key_ = 0;
};

/// Starts `count` runs with keys `prefix`0, `prefix`1, ... and waits until all of them rest in their wait.
Status arm(const ServerAccess& server, const std::string& prefix, std::int64_t count) {
  for (std::int64_t first = 0; first < count; first += kArmBatch) {
    Json runs = Json::array();
    for (std::int64_t index = first; index < std::min(count, first + kArmBatch); ++index) {
      const std::string key = prefix + std::to_string(index);
      runs.push_back(Json{{"workflow", kSignalWorkflow}, {"key", key}, {"input", {{"key", key}}}});
    }
    const auto response = send_once(server, post("/v1/runs/batch", Json{{"runs", std::move(runs)}}));
    if (!response) return response.error();
    if (response->status != 201) {
      return fail(ErrorCode::unavailable, "the runs to be signalled were refused: " + response->body);
    }
  }
  const auto give_up = Clock::now() + kArmTime;
  for (const char* state : {"ready", "running"}) {
    for (;;) {
      ClientRequest request;
      request.target = std::string("/v1/runs?limit=1&workflow=") + kSignalWorkflow + "&state=" + state;
      const auto response = send_once(server, std::move(request));
      if (!response) return response.error();
      if (response->status == 200 && response->body.find("\"run_id\"") == std::string::npos) break;
      if (Clock::now() > give_up) return fail(ErrorCode::deadline_exceeded, "the runs did not begin to wait in time");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  return {};
}

Json pickup_definition() {
  return Json{{"Comment", "One step that does nothing, for measurements."},
              {"StartAt", "Step"},
              {"States", {{"Step", {{"Type", "Task"}, {"Resource", "handler:clock"}, {"End", true}}}}}};
}

Json signal_definition() {
  const Json wait = {{"Type", "Task"},
                     {"Resource", std::string("signal:") + kSignalName},
                     {"Parameters", {{"key.$", "$.key"}}},
                     {"TimeoutSeconds", 7200},
                     {"Next", "Step"}};
  const Json step = {{"Type", "Task"}, {"Resource", "handler:clock"}, {"End", true}};
  return Json{{"Comment", "Waits for a signal, then does one step, for measurements."},
              {"StartAt", "Wait"},
              {"States", {{"Wait", wait}, {"Step", step}}}};
}

}  // namespace

Result<BenchFigures> bench_pickup_latency(const BenchOptions& options) {
  if (Status deployed = deploy_for_bench(options.server, kPickupWorkflow, pickup_definition()); !deployed) {
    return deployed.error();
  }
  BenchFigures figures;
  figures.scenario = "pickup-latency";
  figures.measures =
      "from POST /v1/runs to the start of its one step's handler, by the clock of this machine, which must be the "
      "server's";
  PickupLoop loop(options);
  return measure_open_loop(options, loop, std::move(figures));
}

Result<BenchFigures> bench_job_pickup_latency(const BenchOptions& options) {
  BenchFigures figures;
  figures.scenario = "job-pickup-latency";
  figures.measures =
      "from POST /v1/jobs to the start of the job's handler, by the clock of this machine, which must be the server's";
  JobPickupLoop loop(options);
  return measure_open_loop(options, loop, std::move(figures));
}

Result<BenchFigures> bench_signal_latency(const BenchOptions& options) {
  if (Status deployed = deploy_for_bench(options.server, kSignalWorkflow, signal_definition()); !deployed) {
    return deployed.error();
  }
  BenchFigures figures;
  figures.scenario = "signal-latency";
  figures.measures =
      "from POST /v1/signals to the start of the handler of the run's next step, by the clock of this machine, which "
      "must be the server's";
  const double wanted = options.rate_per_second * static_cast<double>(options.duration.count());
  if (wanted > kMaxArmed) {
    return fail(ErrorCode::invalid_argument, "rate times duration may be at most 100000 runs");
  }
  const auto moment = std::chrono::system_clock::now().time_since_epoch().count();
  const std::string prefix = "bench-" + std::to_string(getpid()) + "-" + std::to_string(moment) + "-";
  if (Status armed = arm(options.server, prefix, static_cast<std::int64_t>(wanted) + 1); !armed) return armed.error();
  SignalLoop loop(options, prefix);
  return measure_open_loop(options, loop, std::move(figures));
}

}  // namespace orchestrator::tools
