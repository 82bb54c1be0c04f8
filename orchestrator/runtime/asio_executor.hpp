#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "orchestrator/runtime/executor.hpp"

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
  std::mutex mutex_;
  std::uint64_t state_;  // Guarded by mutex_.
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

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // Guarded by mutex_.
  bool stopping_ = false;                    // Guarded by mutex_.
  std::vector<std::thread> threads_;         // Fixed after construction, joined in stop().
};

}  // namespace orchestrator::runtime
