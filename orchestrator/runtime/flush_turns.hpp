#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// Small batches of a node's groups go one at a time: a commit costs the database several hundred microseconds of CPU
/// whatever it carries, and what waits for its turn meanwhile gathers. Large ones go side by side. Thread-safe.
class FlushTurns {
 public:
  /// Batches of more decisions than this need no turn.
  static constexpr std::size_t kSmallBatch = 24;
  /// A commit that takes longer holds nobody else up: its group's lane may hang, the others' need not.
  static constexpr Duration kLongestTurn = std::chrono::milliseconds{100};

  /// The number of the turn, for give_back(). Nothing: not now; `again` is called once, on any thread, when the turn is
  /// given back, and who hears nothing asks again after kLongestTurn.
  /// @param lane who asks; a later question replaces its earlier one
  /// @param now steady clock
  std::optional<std::uint64_t> take(std::int32_t lane, Duration now, std::function<void()> again);
  /// Nothing happens when the turn was over by its time and somebody else has the next one.
  void give_back(std::uint64_t turn);

 private:
  telemetry::Mutex mutex_;
  bool taken_ ORC_GUARDED_BY(mutex_) = false;
  std::uint64_t turn_ ORC_GUARDED_BY(mutex_) = 0;
  Duration since_ ORC_GUARDED_BY(mutex_){};
  std::map<std::int32_t, std::function<void()>> waiting_ ORC_GUARDED_BY(mutex_);
};

}  // namespace orchestrator::runtime
