#include "orchestrator/app/stop_signal.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace orchestrator::app {

struct StopSignal::State {
  void await_first() {
    signals.async_wait([this](const boost::system::error_code& problem, int) {
      if (problem) return;
      {
        const std::lock_guard lock(mutex);
        requested = true;
      }
      changed.notify_all();
      await_second();
    });
  }
  void await_second() {
    signals.async_wait([](const boost::system::error_code& problem, int number) {
      // Whoever asks twice does not want to wait. What is committed is safe; the next start takes over.
      if (!problem) std::_Exit(128 + number);
    });
  }

  boost::asio::io_context io{1};
  boost::asio::signal_set signals{io, SIGINT, SIGTERM};
  std::mutex mutex;
  std::condition_variable changed;
  bool requested = false;  // Guarded by mutex.
  std::thread thread;      // Last: it uses all of the above.
};

StopSignal::StopSignal() : state_(std::make_unique<State>()) {
  state_->await_first();
  state_->thread = std::thread([this] { state_->io.run(); });
}

StopSignal::~StopSignal() {
  state_->io.stop();
  state_->thread.join();
}

bool StopSignal::is_requested() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requested;
}

bool StopSignal::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, time, [this] { return state_->requested; });
}

}  // namespace orchestrator::app
