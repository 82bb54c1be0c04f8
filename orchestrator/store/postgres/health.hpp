#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "orchestrator/base/result.hpp"

namespace orchestrator::store::postgres {

class Session;
struct DatabaseFigures;

/// Counting of unmatched signals ends here; more of them look like this many.
inline constexpr std::int64_t kMaxCountedSignals = 10'000;

/// What keeps vacuum from removing dead rows: the longer it stays, the slower the hot tables get.
struct SnapshotHolder {
  std::string kind;  ///< session, prepared transaction or replication slot
  std::string name;  ///< process id, transaction name or slot name
  std::string application;
  std::string role;
  std::string state;
  std::chrono::milliseconds age{};
  std::int64_t transactions = 0;  ///< begun since
};

/// Counting of dead letters ends here; more of them look like this many.
inline constexpr std::int64_t kMaxCountedDeadLetters = 10'000;

struct DatabaseHealth {
  std::optional<SnapshotHolder> oldest_snapshot;  ///< nothing holds vacuum back
  std::int64_t unmatched_signals = 0;
  std::chrono::milliseconds oldest_unmatched_signal_age{};  ///< since it was received; zero when there is none
  std::int64_t dead_letters = 0;
  std::chrono::milliseconds oldest_dead_letter_age{};  ///< since it failed; zero when there is none
  std::int64_t open_operations = 0;
  std::chrono::milliseconds oldest_operation_age{};  ///< since it began; zero when there is none
  std::int64_t approvals_waiting = 0;
  std::int64_t audit_rows = 0;
  std::chrono::milliseconds clock_ahead{};  ///< the database's clock minus ours
};

/// Looks at a migrated database over a connection of its own. Blocks; one thread at a time.
class HealthReader {
 public:
  explicit HealthReader(std::string url);
  ~HealthReader();
  HealthReader(const HealthReader&) = delete;
  HealthReader& operator=(const HealthReader&) = delete;

  /// Errors: unavailable, precondition_failed (not migrated).
  Result<DatabaseHealth> read();
  /// What fills up or falls behind (database_figures.hpp). Errors as read().
  Result<DatabaseFigures> read_figures();

 private:
  std::unique_ptr<Session> session_;
};

}  // namespace orchestrator::store::postgres
