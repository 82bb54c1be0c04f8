#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace orchestrator::store::postgres {

/// Counting of messages in the inbox ends here; more of them look like this many.
inline constexpr std::int64_t kMaxCountedMessages = 10'000;

/// Rows of a table that is written all the time, as PostgreSQL's statistics have them.
struct TableFigures {
  std::string name;
  std::int64_t live = 0;
  std::int64_t dead = 0;  ///< until vacuum removes them
};

/// What fills up or falls behind in a database. HealthReader reads it.
struct DatabaseFigures {
  std::int64_t bytes = 0;
  std::int64_t sessions = 0;
  std::int64_t sessions_limit = 0;
  std::int64_t transaction_id_age = 0;
  std::vector<TableFigures> tables;
  std::int64_t messages_waiting = 0;
  std::chrono::milliseconds oldest_message_age{};  ///< zero when there is none
  std::chrono::milliseconds schedule_overdue{};    ///< zero when no slot is late
};

}  // namespace orchestrator::store::postgres
