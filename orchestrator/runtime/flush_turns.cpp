#include "orchestrator/runtime/flush_turns.hpp"

#include <utility>

namespace orchestrator::runtime {

bool FlushTurns::take(std::function<void()> again) {
  const telemetry::MutexLock lock(mutex_);
  if (taken_) {
    waiting_.push_back(std::move(again));
    return false;
  }
  taken_ = true;
  return true;
}

void FlushTurns::give_back() {
  std::vector<std::function<void()>> waiting;
  {
    const telemetry::MutexLock lock(mutex_);
    taken_ = false;
    waiting.swap(waiting_);
  }
  for (auto& again : waiting) again();
}

}  // namespace orchestrator::runtime
