#pragma once

#include <csignal>
#include <thread>

#include "orchestrator_client/worker.hpp"

namespace orchestrator_client {

/// Stops a worker at SIGTERM or SIGINT. Make it before any other thread, so that all of them leave the signals to it.
class StopOnSignal {
 public:
  explicit StopOnSignal(Worker& worker) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    waiting_ = std::thread([this, &worker] {
      int number = 0;
      sigwait(&signals_, &number);
      worker.stop();
    });
  }
  /// After `run` returned.
  ~StopOnSignal() {
    pthread_kill(waiting_.native_handle(), SIGTERM);
    waiting_.join();
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

 private:
  sigset_t signals_{};
  std::thread waiting_;
};

}  // namespace orchestrator_client
