#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <optional>

#include "orchestrator/tools/bench_scenarios.hpp"

namespace orchestrator::tools {

/// Begins operations at fixed moments, whatever the earlier ones do: an operation that starts late because the server
/// was slow counts from the moment at which it should have started.
class OpenLoop {
 public:
  using Clock = std::chrono::steady_clock;

  explicit OpenLoop(const BenchOptions& options)
      : options_(options),
        gap_(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / options.rate_per_second))) {}
  virtual ~OpenLoop() = default;

  void run() {
    start_ = Clock::now();
    const auto rethrow = [](const std::exception_ptr& escaped) {
      if (escaped) std::rethrow_exception(escaped);
    };
    for (int index = 0; index < options_.concurrency; ++index) boost::asio::co_spawn(io_, work(), rethrow);
    io_.run();
    seconds_ = std::chrono::duration<double>(Clock::now() - start_).count();
  }

  void write_to(BenchFigures& figures) {
    figures.seconds = seconds_;
    figures.operations = static_cast<std::int64_t>(latencies_.count());
    figures.errors = errors_;
    if (seconds_ > 0) figures.runs_per_second = static_cast<double>(latencies_.count()) / seconds_;
    latencies_.write_to(figures);
  }

 protected:
  /// Does operations until `next_moment` says that the time is over.
  virtual boost::asio::awaitable<void> work() = 0;

  /// The moment of the next operation, or nothing when the measurement is over.
  std::optional<Clock::time_point> next_moment() {
    const auto moment = start_ + gap_ * taken_;
    if (moment >= start_ + options_.duration) return std::nullopt;
    ++taken_;
    return moment;
  }

  const BenchOptions& options_;
  boost::asio::io_context io_{1};
  Latencies latencies_;
  std::int64_t errors_ = 0;

 private:
  const Clock::duration gap_;
  Clock::time_point start_;
  std::int64_t taken_ = 0;
  double seconds_ = 0;
};

/// Runs a loop between two readings of what the server has used.
inline Result<BenchFigures> measure_open_loop(const BenchOptions& options, OpenLoop& loop, BenchFigures figures) {
  const auto before = read_server(options.server);
  if (!before) return before.error();
  const CostMeter costs = CostMeter::start(options, *before);
  loop.run();
  loop.write_to(figures);
  const auto after = read_server(options.server);
  if (!after) return after.error();
  costs.finish(figures, *after);
  return figures;
}

}  // namespace orchestrator::tools
