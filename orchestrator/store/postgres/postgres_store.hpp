#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/store.hpp"

namespace orchestrator::store::postgres {

/// Connections and patience of the store. Each connection has a thread, except those of transactional handlers.
struct PostgresOptions {
  std::string url;           ///< libpq connection string or URI, of a migrated database
  int lanes = 2;             ///< committers, 1 to 8; each flushes its own shards
  int load_connections = 1;  ///< look-ups of owners, 1 to 8
  int page_connections = 2;  ///< people's reads and definitions, 1 to 32
  int step_connections = 8;  ///< transactional handlers at a time, 1 to 64

  /// Longest statement of the engine; a flush takes milliseconds.
  std::chrono::milliseconds statement_timeout{30'000};
  /// Longest read for people.
  std::chrono::milliseconds page_timeout{10'000};
  /// How long a frozen process may hold a fence. At most half the node lease.
  std::chrono::milliseconds idle_in_transaction_timeout{5'000};
  /// How long a transactional handler may sit between two statements, and waits for a free connection.
  std::chrono::milliseconds step_idle_timeout{60'000};

  /// Told about each connection that broke, by what it is for: committer, loader, inbox, ownership, page, webhook or
  /// step. Any thread of the store. Empty: nobody asks.
  std::function<void(std::string_view use)> on_connection_lost;
};

/// Everything that `on_connection_lost` may say.
inline constexpr std::array<std::string_view, 7> kConnectionUses{"committer", "loader",  "inbox", "ownership",
                                                                 "page",      "webhook", "step"};

/// Connects once, reads what was fixed at installation, and starts the threads. Blocking.
/// Errors: unavailable, precondition_failed (migrations are missing), invalid_argument (an option out of range).
Result<std::unique_ptr<Store>> open_postgres(PostgresOptions options);

}  // namespace orchestrator::store::postgres
