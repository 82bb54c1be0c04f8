#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/audit_entry.hpp"

/// The audit as rows: chains whose rows each cover the one before. docs/audit.md tells it for people.
namespace orchestrator::store {

/// The chain of what belongs to no shard: queues, definitions, deliveries, keys. Every other chain is a shard's number.
inline constexpr std::int32_t kClusterChain = -1;

/// What the first row of a chain names as the hash before it.
inline constexpr std::string_view kChainStart = "0000000000000000000000000000000000000000000000000000000000000000";

/// One row. Columns as in migrations/0019_audit.sql.
struct AuditRow {
  std::int32_t chain = kClusterChain;
  std::int64_t seq = 0;  ///< dense, from 1
  Timestamp at{};        ///< whole milliseconds
  AuditEntry entry;
  std::string previous_hash;
  std::string hash;
};

/// An action that a batch carries: in the chain of the shard that performs it.
struct ShardAuditEntry {
  ShardId shard{};
  AuditEntry entry;
};

/// SHA-256 hex of what an action found or left: `before_hash` and `after_hash`. Members sorted, without spaces.
std::string audit_digest(const Json& what);

/// What `hash` of a row must be. Source: docs/audit.md; orchestrator.append_audit computes the same.
std::string audit_hash(const AuditRow& row);

/// The row with its chain's next place, moment and hashes. Zero bytes, which no column takes, become U+FFFD.
AuditRow chained(AuditEntry entry, std::int32_t chain, std::int64_t last_seq, const std::string& last_hash,
                 Timestamp now);
/// The entry as columns take it.
AuditEntry storable(AuditEntry entry);

/// Where a chain ends.
struct AuditHead {
  std::int32_t chain = kClusterChain;
  std::int64_t seq = 0;
  std::string hash;
};

/// Filters of GET /v1/audit; empty members do not filter.
struct AuditFilter {
  std::string namespace_name;  ///< empty: all namespaces
  std::string actor;
  std::string action;  ///< exactly, or all of a noun: "run."
  std::string target;
  std::optional<std::int32_t> chain;
  std::optional<Timestamp> after;   ///< inclusive
  std::optional<Timestamp> before;  ///< exclusive
  std::int32_t limit = 50;
  std::string cursor;  ///< opaque, from the page before
};
struct AuditPage {
  std::vector<AuditRow> items;  ///< latest first
  std::optional<std::string> next_cursor;
};

/// A place in the order of the list: moment, chain, number.
struct AuditPlace {
  Timestamp at{};
  std::int32_t chain = 0;
  std::int64_t seq = 0;
  auto operator<=>(const AuditPlace&) const = default;
};
std::string audit_cursor(const AuditRow& row);
/// Nothing for "". invalid_argument (invalid-parameter) when it is no cursor of ours.
Result<std::optional<AuditPlace>> parse_audit_cursor(const std::string& text);

/// The first row of a chain that is not as it was written.
struct AuditBreak {
  std::int32_t chain = kClusterChain;
  std::int64_t seq = 0;
  std::string what;  ///< one sentence
};

/// Recomputes chains row by row. Each chain stops at its first break: what follows it says nothing.
class AuditVerifier {
 public:
  /// Rows of a chain come in the order of their numbers; chains may be mixed.
  void take(const AuditRow& row);
  /// A chain must end, or have passed through, where somebody wrote down that it did: its head, or an anchor kept
  /// elsewhere. Call before the rows.
  void expect(const AuditHead& place);

  /// After the last row: also what is missing at the ends. By chain.
  [[nodiscard]] std::vector<AuditBreak> finish() const;
  /// Where the chains end, for an anchor. By chain.
  [[nodiscard]] std::vector<AuditHead> heads() const;
  [[nodiscard]] std::int64_t rows() const { return rows_; }

 private:
  struct Chain {
    AuditHead end;
    std::map<std::int64_t, std::string> expected;  ///< by seq, hashes that are still to come
    std::optional<AuditBreak> first;
  };
  Chain& chain_of(std::int32_t chain);

  std::map<std::int32_t, Chain> chains_;
  std::int64_t rows_ = 0;
};

}  // namespace orchestrator::store
