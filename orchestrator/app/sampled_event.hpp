#pragma once

#include <atomic>
#include <chrono>

namespace orchestrator::app {

/// Lets one of many equal events through per second: what anybody on the network can cause must not fill the log.
class SampledEvent {
 public:
  bool is_due() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    auto last = last_.load(std::memory_order_relaxed);
    return now - last >= std::chrono::steady_clock::duration(std::chrono::seconds(1)).count() &&
           last_.compare_exchange_strong(last, now, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::chrono::steady_clock::rep> last_{0};
};

}  // namespace orchestrator::app
