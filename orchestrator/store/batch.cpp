#include "orchestrator/store/batch.hpp"

#include <algorithm>

namespace orchestrator::store {

bool Batch::empty() const {
  return journal.empty() && opened.empty() && updated.empty() && closed.empty() && revived.empty() &&
         checkpoints.empty() && signals.empty() && waits_added.empty() && waits_removed.empty() && outgoing.empty() &&
         inbox_done.empty() && idempotency.empty() && task_leases.empty() && edited.empty() && audit.empty() &&
         !touches_schedules();
}

bool Batch::touches_schedules() const {
  return !schedules_removed.empty() || !schedules.empty() || !schedules_moved.empty() || !schedule_slots.empty();
}

Batch without_shards(Batch batch, const std::vector<ShardId>& lost) {
  const auto is_lost = [&](ShardId shard) { return std::find(lost.begin(), lost.end(), shard) != lost.end(); };
  const auto of_lost_shard = [&](const auto& row) { return is_lost(row.shard); };
  std::erase_if(batch.leases, of_lost_shard);
  std::erase_if(batch.journal, of_lost_shard);
  std::erase_if(batch.opened, of_lost_shard);
  std::erase_if(batch.updated, of_lost_shard);
  std::erase_if(batch.edited, of_lost_shard);
  std::erase_if(batch.closed, of_lost_shard);
  std::erase_if(batch.revived, [&](const RunId& run_id) { return is_lost(shard_of(run_id)); });
  std::erase_if(batch.checkpoints, of_lost_shard);
  std::erase_if(batch.signals, of_lost_shard);
  std::erase_if(batch.waits_added, of_lost_shard);
  std::erase_if(batch.waits_removed, of_lost_shard);
  // The sender's fence decides about a message, not the target's.
  std::erase_if(batch.outgoing, [&](const Batch::Outgoing& outgoing) { return is_lost(outgoing.from); });
  std::erase_if(batch.inbox_done, of_lost_shard);
  std::erase_if(batch.idempotency, of_lost_shard);
  std::erase_if(batch.task_leases, of_lost_shard);
  std::erase_if(batch.schedules_removed, of_lost_shard);
  std::erase_if(batch.schedules, of_lost_shard);
  std::erase_if(batch.schedules_moved, of_lost_shard);
  std::erase_if(batch.schedule_slots, of_lost_shard);
  std::erase_if(batch.audit, of_lost_shard);
  return batch;
}

}  // namespace orchestrator::store
