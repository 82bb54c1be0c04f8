#pragma once

#include <chrono>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// What the ownership session remembers between calls: for which connection the node's hint is held.
///
/// Used by one session's thread at a time.
class OwnershipKeeper {
 public:
  /// Store::heartbeat.
  Result<HeartbeatAnswer> heartbeat(Session& session, const NodeRow& node, std::chrono::milliseconds lease);

  /// Store::take_over. A batch that holds a fence for longer than the lock time-out has its backend terminated.
  Result<std::vector<ShardLease>> take_over(Session& session, const NodeId& node, const std::vector<ShardId>& shards);

 private:
  /// Nodes whose lease runs and whose hint can be had. Empty on the first heartbeat of a connection: after a restart of
  /// the database the others are just connecting again, too.
  std::vector<NodeId> find_gone(Session& session, Transaction& transaction, const std::vector<NodeId>& alive);

  std::uint64_t hint_connection_ = 0;
  std::uint64_t seen_connection_ = 0;
};

/// Store::hand_over.
Status hand_over(Session& session, const NodeId& node, const std::vector<ShardLease>& shards);

/// Store::leave.
Status leave(Session& session, const NodeId& node);

/// Store::check_ready.
Status check_ready(Session& session);

/// The number of shards chosen at installation. precondition_failed before the first migration.
Result<std::int32_t> read_shard_count(Session& session);
/// Store::cluster_secret.
Result<std::string> read_cluster_secret(Session& session);

/// Makes the partitions of now and the next four.
Status keep_partitions(Session& session);

}  // namespace orchestrator::store::postgres
