#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "orchestrator/base/result.hpp"

namespace orchestrator::store::postgres {

class Session;

/// How long what is finished stays. Database time.
struct RetentionLimits {
  std::chrono::days runs{30};        ///< closed runs and their history; 0 keeps them for ever
  std::chrono::days deliveries{30};  ///< webhooks as received; 0 keeps them for ever
  std::chrono::days signals{30};     ///< settled signals, and so the sender's ids that count once
  std::chrono::hours answers{24};    ///< answers kept under an Idempotency-Key
};

/// What one sweep did.
struct RetentionReport {
  bool swept = false;  ///< false: another node was at it
  std::int64_t partitions_dropped = 0;
  std::int64_t partitions_kept = 0;  ///< old enough, but too much in them must stay, or the table was too busy
  std::int64_t runs_moved = 0;       ///< that outlive their partition
  std::int64_t signals_deleted = 0;
  std::int64_t deliveries_deleted = 0;
  std::int64_t answers_deleted = 0;
  std::int64_t leftovers_deleted = 0;  ///< rows outside of dropped partitions that nothing tells of any more
};

/// Runs that may outlive their partition and be moved; more of them keep it. Source: docs/operations/limits.md.
inline constexpr std::int64_t kMaxMovedRuns = 1'000;
/// Rows that one statement of a sweep looks at.
inline constexpr std::int64_t kRetentionChunk = 1'000;

/// Lets finished work go, over a connection of its own. A dead letter that nobody dealt with stays, however old, and so
/// does whatever an open run needs. Blocks; one thread at a time. On several nodes, one sweeps and the others pass.
class RetentionSweeper {
 public:
  explicit RetentionSweeper(std::string url);
  ~RetentionSweeper();
  RetentionSweeper(const RetentionSweeper&) = delete;
  RetentionSweeper& operator=(const RetentionSweeper&) = delete;

  /// @param goes_on asked between two chunks; false ends the sweep with what is done
  /// Errors: unavailable, precondition_failed (not migrated).
  Result<RetentionReport> sweep(const RetentionLimits& limits, const std::function<bool()>& goes_on);

 private:
  std::unique_ptr<Session> session_;
};

}  // namespace orchestrator::store::postgres
