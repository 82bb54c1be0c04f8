#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "orchestrator/base/result.hpp"

namespace orchestrator::store::postgres {

/// What a database has done since its statistics began; differences between two readings are the cost of a workload.
/// PostgreSQL publishes a session's share up to a second late.
struct DatabaseCounters {
  std::int64_t wal_bytes = 0;
  std::int64_t commits = 0;
  std::int64_t rows_written = 0;    ///< inserted, updated and deleted
  std::int64_t size_bytes = 0;      ///< of its files
  std::int64_t postmaster_pid = 0;  ///< 0 when the database server is not on this machine
};

/// Reads the counters over a connection of its own. Blocks. Errors: unavailable.
Result<DatabaseCounters> read_database_counters(const std::string& url);

/// A transaction that sees the database as it is now, in a session of its own, until the answer is destroyed: what a
/// forgotten report does to a database. Blocks. Errors: unavailable.
Result<std::shared_ptr<void>> hold_snapshot(const std::string& url);

}  // namespace orchestrator::store::postgres
