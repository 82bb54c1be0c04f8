#pragma once

#include <chrono>
#include <memory>

namespace orchestrator::app {

/// SIGTERM and SIGINT as something to wait for. The first asks for a graceful stop; the second ends the process at
/// once. Make one before any other thread starts.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  [[nodiscard]] bool is_requested() const;
  /// Waits until a stop is requested, at most this long. True when it is.
  bool wait_for(std::chrono::milliseconds time);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace orchestrator::app
