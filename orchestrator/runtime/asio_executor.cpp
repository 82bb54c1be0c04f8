#include "orchestrator/runtime/asio_executor.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <random>
#include <utility>

namespace orchestrator::runtime {

AsioExecutor::AsioExecutor(boost::asio::io_context& context) : strand_(boost::asio::make_strand(context)) {}

void AsioExecutor::post(std::function<void()> work) { boost::asio::post(strand_, std::move(work)); }

void AsioExecutor::post_after(Duration delay, std::function<void()> work) {
  // Shared: the timer must live until its own completion, which is the only one that knows it.
  auto timer = std::make_shared<boost::asio::steady_timer>(strand_, delay);
  timer->async_wait([timer, work = std::move(work)](const boost::system::error_code& error) {
    if (!error) work();
  });
}

Duration SystemClock::steady_now() const {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

SystemRandom::SystemRandom() {
  std::random_device device;
  state_ = static_cast<std::uint64_t>(device()) << 32 | device();
}

std::uint64_t SystemRandom::next() {
  const telemetry::MutexLock lock(mutex_);
  // splitmix64: uniqueness of ids needs spread, not secrecy.
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

HandlerThreadPool::HandlerThreadPool(int threads) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

HandlerThreadPool::~HandlerThreadPool() { stop(); }

void HandlerThreadPool::run(std::function<void()> work) {
  {
    const telemetry::MutexLock lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void HandlerThreadPool::stop() {
  {
    const telemetry::MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void HandlerThreadPool::work() {
  for (;;) {
    std::function<void()> work;
    {
      const telemetry::MutexLock lock(mutex_);
      while (!stopping_ && queue_.empty()) wake_.wait(mutex_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace orchestrator::runtime
