// Signals that come long before the runs that take them.
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

namespace asio = boost::asio;

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kWorkflow = "bench-storm";
constexpr const char* kSignalName = "bench-storm";
constexpr std::int64_t kKeys = 1'000;
/// How long the runs may need for all of them before the scenario is given up.
constexpr std::chrono::seconds kTakeTime{300};

ClientRequest post(std::string target, const Json& body) {
  ClientRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.body = dump_json(body);
  return request;
}

/// Takes one signal after the other, in the order in which they were sent, and fails when one is out of turn.
Json definition(std::int64_t each) {
  const Json take = {{"Type", "Task"},
                     {"Resource", std::string("signal:") + kSignalName},
                     {"Parameters", {{"key.$", "$.key"}}},
                     {"ResultPath", "$.signal"},
                     {"Next", "Right"}};
  const Json is_next = {{"Variable", "$.signal.payload"}, {"NumericEqualsPath", "$.n"}, {"Next", "Count"}};
  const Json count = {
      {"Type", "Pass"}, {"Parameters", {{"key.$", "$.key"}, {"n.$", "States.MathAdd($.n, 1)"}}}, {"Next", "More"}};
  const Json has_more = {{"Variable", "$.n"}, {"NumericLessThan", each}, {"Next", "Take"}};
  return {{"Comment", "Takes signals in order, for measurements."},
          {"StartAt", "Take"},
          {"States",
           {{"Take", take},
            {"Right", {{"Type", "Choice"}, {"Default", "Wrong"}, {"Choices", Json::array({is_next})}}},
            {"Wrong", {{"Type", "Fail"}, {"Error", "OutOfTurn"}}},
            {"Count", count},
            {"More", {{"Type", "Choice"}, {"Default", "Done"}, {"Choices", Json::array({has_more})}}},
            {"Done", {{"Type", "Succeed"}}}}}};
}

/// Each connection sends for keys of its own, so that the order of a key's signals is known.
class Senders {
 public:
  Senders(const BenchOptions& options, std::string prefix, std::int64_t each)
      : prefix_(std::move(prefix)), each_(each), step_(options.concurrency) {
    for (int index = 0; index < options.concurrency; ++index) connections_.emplace_back(io_, options.server);
  }

  void run() {
    const auto rethrow = [](const std::exception_ptr& escaped) {
      if (escaped) std::rethrow_exception(escaped);
    };
    std::int64_t first = 0;
    for (HttpConnection& connection : connections_) asio::co_spawn(io_, work(&connection, first++), rethrow);
    io_.run();
  }

  [[nodiscard]] std::int64_t errors() const { return errors_; }
  Latencies& latencies() { return latencies_; }

 private:
  asio::awaitable<void> work(HttpConnection* connection, std::int64_t first) {
    for (std::int64_t n = 0; n < each_; ++n) {
      for (std::int64_t key = first; key < kKeys; key += step_) {
        const Json body = {{"key", prefix_ + std::to_string(key)}, {"payload", n}, {"id", std::to_string(n)}};
        ClientRequest request = post(std::string("/v1/signals/") + kSignalName, body);
        const auto begun = Clock::now();
        const auto response = co_await connection->send(std::move(request));
        if (response && response->status == 202) {
          latencies_.add(Clock::now() - begun);
        } else {
          ++errors_;
        }
      }
    }
  }

  const std::string prefix_;
  const std::int64_t each_;
  const std::int64_t step_;
  asio::io_context io_{1};
  std::deque<HttpConnection> connections_;
  Latencies latencies_;
  std::int64_t errors_ = 0;
};

Status start_takers(const ServerAccess& server, const std::string& prefix) {
  Json runs = Json::array();
  for (std::int64_t key = 0; key < kKeys; ++key) {
    const std::string name = prefix + std::to_string(key);
    runs.push_back({{"workflow", kWorkflow}, {"key", name}, {"input", {{"key", name}, {"n", 0}}}});
  }
  const auto response = send_once(server, post("/v1/runs/batch", Json{{"runs", std::move(runs)}}));
  if (!response) return response.error();
  if (response->status != 201) return fail(ErrorCode::unavailable, "the runs were refused: " + response->body);
  return {};
}

/// Until the server has closed that many more runs; nothing when it did not in time.
Result<ServerReading> wait_for_closed(const ServerAccess& server, double closed) {
  const auto give_up = Clock::now() + kTakeTime;
  for (;;) {
    auto reading = read_server(server);
    if (!reading) return reading;
    if (reading->runs_closed >= closed) return reading;
    if (Clock::now() > give_up) return fail(ErrorCode::deadline_exceeded, "the runs did not take all signals in time");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Signals of this storm that nobody took: of a run's last one a second copy would lie there.
Result<std::int64_t> left_over(const ServerAccess& server, const std::string& prefix) {
  ClientRequest request;
  request.method = "GET";
  request.target = std::string("/v1/signals?fate=buffered&limit=500&name=") + kSignalName;
  const auto response = send_once(server, std::move(request));
  if (!response) return response.error();
  const auto body = parse_json(response->body);
  if (response->status != 200 || !body || !body->contains("items"))
    return fail(ErrorCode::unavailable, "the signals cannot be read: " + response->body);
  std::int64_t count = 0;
  for (const Json& item : (*body)["items"]) count += string_member(item, "key").starts_with(prefix) ? 1 : 0;
  return count;
}

}  // namespace

Result<BenchFigures> bench_signal_storm(const BenchOptions& options) {
  const std::int64_t each = std::max<std::int64_t>(1, options.jobs / kKeys);
  const std::int64_t sent = each * kKeys;
  if (Status deployed = deploy_for_bench(options.server, kWorkflow, definition(each)); !deployed) {
    return deployed.error();
  }
  const auto before = read_server(options.server);
  if (!before) return before.error();
  const CostMeter costs = CostMeter::start(options, *before);
  const std::string prefix = "storm-" + std::to_string(getpid()) + "-" +
                             std::to_string(std::chrono::system_clock::now().time_since_epoch().count()) + "-";

  BenchFigures figures;
  figures.scenario = "signal-storm";
  figures.measures =
      "an operation is a signal, sent before its run begins and taken by it in order: " + std::to_string(sent) +
      " for " + std::to_string(kKeys) + " keys; latency is that of sending one";
  Senders senders(options, prefix, each);
  const auto begun = Clock::now();
  senders.run();
  const double sending = std::chrono::duration<double>(Clock::now() - begun).count();
  const auto stormy = read_server(options.server);
  if (!stormy) return stormy.error();

  const auto taking_begins = Clock::now();
  if (Status started = start_takers(options.server, prefix); !started) return started.error();
  const auto after = wait_for_closed(options.server, stormy->runs_closed + static_cast<double>(kKeys));
  if (!after) return after.error();
  const double taking = std::chrono::duration<double>(Clock::now() - taking_begins).count();

  const auto doubled = left_over(options.server, prefix);
  if (!doubled) return doubled.error();
  const double failed = static_cast<double>(kKeys) - (after->runs_succeeded - stormy->runs_succeeded);
  figures.operations = sent;
  figures.errors = senders.errors() + static_cast<std::int64_t>(failed) + *doubled;
  figures.seconds = sending + taking;
  figures.signals_sent_per_second = static_cast<double>(sent) / sending;
  figures.signals_taken_per_second = static_cast<double>(sent) / taking;
  figures.server_memory_bytes = stormy->resident_bytes;
  senders.latencies().write_to(figures);
  costs.finish(figures, *after);
  return figures;
}

}  // namespace orchestrator::tools
