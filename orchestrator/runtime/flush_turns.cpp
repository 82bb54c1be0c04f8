#include "orchestrator/runtime/flush_turns.hpp"

#include <utility>

namespace orchestrator::runtime {

std::optional<std::uint64_t> FlushTurns::take(std::int32_t lane, Duration now, std::function<void()> again) {
  const telemetry::MutexLock lock(mutex_);
  if (taken_ && now < since_ + kLongestTurn) {
    waiting_[lane] = std::move(again);
    return std::nullopt;
  }
  taken_ = true;
  since_ = now;
  waiting_.erase(lane);
  return ++turn_;
}

void FlushTurns::give_back(std::uint64_t turn) {
  std::map<std::int32_t, std::function<void()>> waiting;
  {
    const telemetry::MutexLock lock(mutex_);
    if (turn != turn_) return;
    taken_ = false;
    waiting.swap(waiting_);
  }
  for (auto& [lane, again] : waiting) again();
}

}  // namespace orchestrator::runtime
