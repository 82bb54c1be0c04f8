#pragma once

#include <map>
#include <string>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Reads the inboxes of many shards without skipping late committers and without walking what was deleted long ago.
///
/// Rows carry the id of the transaction that inserted them. Everything before the oldest transaction that ran during a
/// read is final, so the next read of that shard begins there; rows behind it may come again until they are deleted.
/// Used by one session's thread at a time.
class InboxReader {
 public:
  Result<InboxRead> read(Session& session, std::vector<ShardId> shards, std::int32_t limit);

 private:
  /// Where a shard's next read begins.
  struct Position {
    std::string xid = "0";
    MessageId id;
  };

  std::map<ShardId, Position> positions_;
  std::size_t turn_ = 0;  // Which shard comes first, so that busy ones at the front cannot starve the others.
};

/// Store::send.
Status send(Session& session, const std::vector<InboxRow>& messages);

/// All messages of a shard in order of arrival.
std::vector<InboxRow> read_whole_inbox(Transaction& transaction, ShardId shard);

/// The statement behind Store::due_runs and recovery.
std::vector<DueRun> read_due_runs(Transaction& transaction, const std::vector<ShardId>& shards, Timestamp until,
                                  std::int32_t limit);

}  // namespace orchestrator::store::postgres
