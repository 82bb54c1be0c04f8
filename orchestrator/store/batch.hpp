#pragma once

#include <vector>

#include "orchestrator/store/audit.hpp"
#include "orchestrator/store/rows.hpp"
#include "orchestrator/store/schedule_rows.hpp"

namespace orchestrator::store {

/// Everything that the dirty shards of one committer write in one transaction: one call, one commit.
/// Rows of a shard whose epoch no longer holds are left out as a whole; the others are committed.
struct Batch {
  BatchId id;                      ///< written as the proof row when there is no journal row
  std::vector<ShardLease> leases;  ///< every shard that has rows below, each once

  std::vector<JournalRow> journal;
  std::vector<OpenRunRow> opened;  ///< new open runs (also revived ones)
  std::vector<OpenRunUpdate> updated;
  std::vector<OpenRunEdit> edited;           ///< after `updated`; nothing when the run is no longer open
  std::vector<ClosedRunRow> closed;          ///< inserted once; deletes the open row if there is one
  std::vector<RunId> revived;                ///< closed rows to delete, before `closed`; their open row is in `opened`
  std::vector<CheckpointRow> checkpoints;    ///< upserted
  std::vector<SignalRow> signals;            ///< upserted by (shard, signal_id)
  std::vector<SignalWaitRow> waits_added;    ///< upserted
  std::vector<SignalWaitRef> waits_removed;  ///< after waits_added: a wait can be opened and met in one batch
  /// Messages to any shard, also ones that other nodes own: their target's epoch is not checked. `from` decides whether
  /// the sender's fence held.
  struct Outgoing {
    ShardId from{};
    InboxRow message;
  };
  std::vector<Outgoing> outgoing;           ///< a repeated (shard, id) is ignored
  std::vector<InboxRef> inbox_done;         ///< after outgoing
  std::vector<IdempotencyRow> idempotency;  ///< upserted
  std::vector<TaskLeaseRow> task_leases;    ///< upserted, or deleted when over; of several for one step the last counts
  std::vector<ScheduleRef> schedules_removed;
  std::vector<ScheduleRow> schedules;           ///< upserted, after schedules_removed
  std::vector<ScheduleUpdate> schedules_moved;  ///< after schedules; nothing when the schedule is gone
  std::vector<ScheduleSlotRow> schedule_slots;  ///< upserted
  std::vector<ShardAuditEntry> audit;           ///< last: appended to each shard's chain

  [[nodiscard]] bool empty() const;
  [[nodiscard]] bool touches_schedules() const;
  /// Has rows of the rare kinds that take statements of their own in the same transaction.
  [[nodiscard]] bool takes_several_statements() const {
    return touches_schedules() || !edited.empty() || !audit.empty();
  }
};

/// The batch without these shards' leases and rows: what is left to commit after their fence was lost.
Batch without_shards(Batch batch, const std::vector<ShardId>& lost);

struct CommitAnswer {
  Timestamp database_now{};
  std::vector<ShardId> lost;  ///< shards whose fence no longer held: nothing of them was written
};

}  // namespace orchestrator::store
