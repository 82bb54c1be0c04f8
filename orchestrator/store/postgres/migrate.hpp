#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace orchestrator::store::postgres {

/// One file of migrations/, packed into the binary.
struct Migration {
  std::int32_t version = 0;
  std::string name;      ///< file name without number and suffix
  std::string checksum;  ///< SHA-256 hex over its text
  std::string text;
};

/// All migrations in order of version.
const std::vector<Migration>& migrations();

struct MigrationState {
  std::int32_t version = 0;
  std::string name;
  bool applied = false;
};

struct MigrationStatus {
  std::vector<MigrationState> migrations;
  std::int32_t shard_count = 0;  ///< 0 before the first migration
  bool newer = false;            ///< the database has migrations that this binary does not know

  /// Whether everything that this binary knows is applied.
  [[nodiscard]] bool complete() const;
};

/// Applies what is missing, each migration in a transaction of its own, and makes partitions and shards. Two servers
/// may call it at once. Blocking.
/// @param shard_count 1 to 65536; used by the very first migration only, fixed for ever afterwards.
/// Errors: precondition_failed (a merged migration was changed; the message names it), unavailable, internal.
Result<MigrationStatus> migrate_up(const std::string& url, std::int32_t shard_count);

/// What is applied and what is missing; changes nothing. Blocking.
Result<MigrationStatus> migrate_status(const std::string& url);

}  // namespace orchestrator::store::postgres
