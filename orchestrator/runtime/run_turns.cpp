#include "orchestrator/runtime/run_turns.hpp"

#include <utility>

namespace orchestrator::runtime {

bool RunTurns::take(const RunId& run, std::function<void()> go) {
  const auto [place, is_first] = waiting_.try_emplace(run);
  if (is_first) {
    go();
    return true;
  }
  if (place->second.size() >= kMostWaiting) return false;
  place->second.push_back(std::move(go));
  return true;
}

void RunTurns::end(const RunId& run) {
  const auto place = waiting_.find(run);
  if (place == waiting_.end()) return;
  if (place->second.empty()) {
    waiting_.erase(place);
    return;
  }
  auto next = std::move(place->second.front());
  place->second.pop_front();
  next();
}

}  // namespace orchestrator::runtime
