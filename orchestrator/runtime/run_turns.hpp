#pragma once

#include <deque>
#include <functional>
#include <unordered_map>

#include "orchestrator/base/ids.hpp"

namespace orchestrator::runtime {

/// What must be done about one run from a look at its rows to the commit, and by nobody else meanwhile: one after the
/// other, each when the one before has ended its turn. Different runs do not wait for each other. Not thread-safe.
class RunTurns {
 public:
  /// Those that may wait for one run.
  static constexpr std::size_t kMostWaiting = 16;

  /// Calls `go` now or when it is its turn; the callee calls end() exactly once for it.
  /// @return false: too many wait for this run already, `go` is dropped
  bool take(const RunId& run, std::function<void()> go);
  void end(const RunId& run);

 private:
  std::unordered_map<RunId, std::deque<std::function<void()>>> waiting_;  ///< an entry while somebody has the turn
};

}  // namespace orchestrator::runtime
