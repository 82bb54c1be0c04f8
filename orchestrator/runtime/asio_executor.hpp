#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <deque>
#include <thread>
#include <vector>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// A strand on an I/O context.
class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(boost::asio::io_context& context);
  void post(std::function<void()> work) override;
  void post_after(Duration delay, std::function<void()> work) override;

 private:
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;  // Fixed after construction.
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Duration steady_now() const override;
};

class SystemRandom final : public Random {
 public:
  SystemRandom();
  std::uint64_t next() override;

 private:
  telemetry::Mutex mutex_;
  std::uint64_t state_ ORC_GUARDED_BY(mutex_);
};

/// A fixed number of threads that may block, with one queue.
class HandlerThreadPool final : public HandlerThreads {
 public:
  explicit HandlerThreadPool(int threads);
  ~HandlerThreadPool() override;
  void run(std::function<void()> work) override;
  /// Runs what is queued, then ends and joins every thread. Idempotent.
  void stop();

 private:
  void work();

  telemetry::Mutex mutex_;
  telemetry::Condition wake_;
  std::deque<std::function<void()>> queue_ ORC_GUARDED_BY(mutex_);
  bool stopping_ ORC_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // Fixed after construction, joined in stop().
};

}  // namespace orchestrator::runtime
