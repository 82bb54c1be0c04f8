#pragma once

#include <map>
#include <string>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Reads the inboxes of many shards without skipping late committers and without walking what was deleted long ago.
///
/// Rows carry the id of the transaction that inserted them. A shard is read in rounds: a round begins where everything
/// before is final (the oldest transaction that ran when the round before it began) and goes on from read to read until
/// the end of the inbox. So rows may come again until they are deleted, and a transaction that runs for long hides
/// none. Used by one session's thread at a time.
class InboxReader {
 public:
  Result<InboxRead> read(Session& session, std::vector<ShardId> shards, std::int32_t limit);

 private:
  /// Where a shard's next read begins.
  struct Position {
    std::string round_begin = "0";       ///< transaction id
    std::string next_round_begin = "0";  ///< the oldest transaction that ran at the first read of this round
    bool midway = false;                 ///< the limit cut this round: it goes on behind the following row
    std::string xid;
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
