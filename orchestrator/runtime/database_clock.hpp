#pragma once

#include <algorithm>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/runtime/executor.hpp"

namespace orchestrator::runtime {

/// Database time as an owner sees it: the steady clock plus an offset that every commit and heartbeat corrects.
/// Never goes back, so that history is in order even when the database's clock is stepped. Lives on one strand.
class DatabaseClock {
 public:
  explicit DatabaseClock(const Clock& clock) : clock_(clock) {}

  [[nodiscard]] Timestamp now() {
    last_ = std::max(last_, Timestamp{clock_.steady_now() + offset_});
    return last_;
  }

  /// The database said `database_now` in an answer that arrived just now.
  void learn(Timestamp database_now) { offset_ = database_now.time_since_epoch() - clock_.steady_now(); }

  /// A journalled time: now must not be before it.
  void not_before(Timestamp journalled) { last_ = std::max(last_, journalled); }

 private:
  const Clock& clock_;  // Fixed after construction.
  Duration offset_{0};  // Only on the owner's strand.
  Timestamp last_{};    // Only on the owner's strand.
};

}  // namespace orchestrator::runtime
