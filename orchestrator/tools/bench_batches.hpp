#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/tools/bench.hpp"
#include "orchestrator/tools/bench_measure.hpp"
#include "orchestrator/tools/http_client.hpp"

namespace orchestrator::tools {

/// The closed loop: starters post batches while fewer than the wanted number of runs are open; a watcher asks the
/// server what has closed. All on one thread.
class BatchLoad {
 public:
  /// @param target the batch call
  /// @param body one batch of `options.batch_size` items, sent again and again
  /// @param in_flight open runs kept where the options name no number
  BatchLoad(const BenchOptions& options, const ServerReading& before, std::string target, std::string body,
            int in_flight);

  /// Blocks for the duration and until what was started has closed, at most a minute.
  void run();
  /// An operation is a finished step.
  void write_to(BenchFigures& figures);
  [[nodiscard]] const ServerReading& last_reading() const { return now_; }
  /// Runs closed per second in the last ten seconds of the load; after write_to.
  [[nodiscard]] double last_per_second() const { return last_per_second_; }

 private:
  boost::asio::awaitable<void> post_batches(HttpConnection* connection);
  boost::asio::awaitable<void> watch();

  [[nodiscard]] double open_runs() const {
    return static_cast<double>(started_ + posting_) - (now_.runs_closed - before_.runs_closed);
  }
  [[nodiscard]] bool has_room() const {
    return open_runs() + options_.batch_size <= std::max(in_flight_, options_.batch_size);
  }

  // Fixed after construction.
  const BenchOptions& options_;
  const ServerReading before_;
  const std::string target_;
  const std::string body_;
  const int in_flight_;
  // Only on the thread of run().
  ServerReading now_;
  boost::asio::io_context io_{1};
  HttpConnection watcher_;
  std::vector<HttpConnection> connections_;
  std::chrono::steady_clock::time_point stop_posting_at_;
  std::chrono::steady_clock::time_point give_up_at_;
  std::chrono::steady_clock::time_point last_close_;
  std::int64_t started_ = 0;
  std::int64_t posting_ = 0;
  std::int64_t errors_ = 0;
  int posters_ = 0;
  double seconds_ = 0;
  double last_per_second_ = 0;
  Latencies latencies_;
  /// What had closed by when, for the rate at the end of the load.
  std::vector<std::pair<std::chrono::steady_clock::time_point, double>> closed_by_;
};

}  // namespace orchestrator::tools
