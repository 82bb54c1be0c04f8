#pragma once

#include <functional>
#include <vector>

#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// Small batches of a node's groups go one at a time: a commit costs the database several hundred microseconds of CPU
/// whatever it carries, and what waits for its turn meanwhile gathers. Large ones go side by side. Thread-safe.
class FlushTurns {
 public:
  /// Batches of more decisions than this need no turn.
  static constexpr std::size_t kSmallBatch = 24;

  /// True: the turn is the caller's until give_back(). False: `again` is called once, on any thread, when it is worth
  /// asking again.
  bool take(std::function<void()> again);
  void give_back();

 private:
  telemetry::Mutex mutex_;
  bool taken_ ORC_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> waiting_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::runtime
