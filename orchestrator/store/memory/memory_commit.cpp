#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {
namespace {

Unexpected data_error(const std::string& sqlstate, const std::string& what) {
  return fail(Error(ErrorCode::invalid_argument, what + " (SQLSTATE " + sqlstate + ")").with("sqlstate", sqlstate));
}

auto day_of(Timestamp moment) { return std::chrono::floor<std::chrono::days>(moment); }

Tables::RunKey run_key(const RunHeader& header) { return {header.namespace_name, header.workflow, *header.key}; }

Status check_journal(const Tables& tables, const Batch& batch) {
  std::set<std::pair<RunId, EventId>> fresh;
  for (const JournalRow& row : batch.journal) {
    const auto run = tables.journal.find(row.run_id);
    const bool exists = run != tables.journal.end() && run->second.contains(row.seq);
    if (exists || !fresh.emplace(row.run_id, row.seq).second)
      return data_error("23505", "a journal row is there already");
  }
  return {};
}

/// Invariant: one open row per run, one open run per namespace, workflow and key.
Status check_opened(const Tables& tables, const Batch& batch) {
  std::set<RunId> ended;
  for (const ClosedRunRow& row : batch.closed) ended.insert(row.header.id);
  std::set<RunId> fresh;
  std::set<Tables::RunKey> fresh_keys;
  for (const OpenRunRow& row : batch.opened) {
    const RunId& id = row.header.id;
    if (is_closed(row.progress.state)) return data_error("23514", "an open run has a closed state");
    if (!fresh.insert(id).second || (tables.open.contains(id) && !ended.contains(id))) {
      return data_error("23505", "the run is open already");
    }
    if (!row.header.key) continue;
    const auto holder = tables.open_keys.find(run_key(row.header));
    const bool is_held = holder != tables.open_keys.end() && !ended.contains(holder->second);
    if (is_held || !fresh_keys.insert(run_key(row.header)).second) {
      return data_error("23505", "another open run holds the key");
    }
  }
  for (const OpenRunUpdate& row : batch.updated) {
    if (is_closed(row.progress.state)) return data_error("23514", "an open run has a closed state");
  }
  for (const ClosedRunRow& row : batch.closed) {
    if (!is_closed(row.state)) return data_error("23514", "a closed run has an open state");
    const auto known = tables.closed.find(row.header.id);
    const bool is_revived = std::ranges::find(batch.revived, row.header.id) != batch.revived.end();
    if (known != tables.closed.end() && !is_revived && day_of(known->second.closed_at) == day_of(row.closed_at)) {
      return data_error("23505", "the run is closed already");
    }
  }
  return {};
}

Status check_signals(const Tables& tables, const Batch& batch) {
  std::map<Tables::SenderKey, SignalId> fresh;
  for (const SignalRow& row : batch.signals) {
    if (row.key.has_value() == row.addressed_run_id.has_value()) {
      return data_error("23514", "a signal has a key or a run, not both");
    }
    const auto known = tables.senders.find(sender_key(row));
    const auto [first, is_first] = fresh.emplace(sender_key(row), row.signal_id);
    if ((known != tables.senders.end() && known->second != row.signal_id) ||
        (!is_first && first->second != row.signal_id)) {
      return data_error("23505", "the sender's signal id was used already");
    }
  }
  return {};
}

void erase_open(Tables& tables, const RunId& id) {
  const auto found = tables.open.find(id);
  if (found == tables.open.end()) return;
  if (found->second.header.key) tables.open_keys.erase(run_key(found->second.header));
  tables.open.erase(found);
}

void write_runs(Tables& tables, const Batch& batch) {
  // Before the closed rows: a run can be revived and end again in one batch.
  for (const RunId& id : batch.revived) tables.closed.erase(id);
  for (const ClosedRunRow& row : batch.closed) {
    erase_open(tables, row.header.id);
    tables.closed[row.header.id] = row;
  }
  for (const OpenRunRow& row : batch.opened) {
    tables.open[row.header.id] = row;
    if (row.header.key) tables.open_keys[run_key(row.header)] = row.header.id;
  }
  for (const OpenRunUpdate& row : batch.updated) {
    const auto found = tables.open.find(row.run_id);
    if (found != tables.open.end()) found->second.progress = row.progress;
  }
  for (const OpenRunEdit& edit : batch.edited) {
    const auto found = tables.open.find(edit.run_id);
    if (found == tables.open.end()) continue;
    found->second.header.run_at = edit.run_at;
    found->second.header.priority = edit.priority;
  }
}

void write_task_leases(Tables& tables, const Batch& batch) {
  for (const TaskLeaseRow& row : batch.task_leases) {
    if (row.is_over) {
      tables.task_leases.erase({row.run_id, row.step});
    } else {
      tables.task_leases[{row.run_id, row.step}] = row;
    }
  }
}

void write_messages(Tables& tables, const Batch& batch) {
  for (const SignalRow& row : batch.signals) {
    tables.signals[row.signal_id] = row;
    tables.senders[sender_key(row)] = row.signal_id;
  }
  for (const SignalWaitRow& row : batch.waits_added) {
    tables.waits[{row.shard, row.namespace_name, row.key, row.run_id, row.step}] = row;
  }
  for (const SignalWaitRef& ref : batch.waits_removed) {
    tables.waits.erase({ref.shard, ref.namespace_name, ref.key, ref.run_id, ref.step});
  }
  for (const Batch::Outgoing& outgoing : batch.outgoing) insert_message(tables, outgoing.message);
  for (const InboxRef& ref : batch.inbox_done) tables.inbox.erase({ref.shard, ref.id});
  for (const IdempotencyRow& row : batch.idempotency) {
    tables.idempotency[{row.shard, row.namespace_name, row.scope, row.key}] = row;
  }
}

}  // namespace

MemoryDatabase::MemoryDatabase(std::int32_t shard_count) : shard_count_(shard_count) {
  for (std::int32_t shard = 0; shard < shard_count; ++shard) {
    tables.owners.push_back({.shard = ShardId{shard}, .node = std::nullopt, .epoch = Epoch{0}});
  }
}

std::vector<ShardId> lost_shards(const Tables& tables, const Batch& batch) {
  std::vector<ShardId> lost;
  for (const ShardLease& lease : batch.leases) {
    const auto at = static_cast<std::size_t>(to_int(lease.shard));
    if (at >= tables.owners.size() || tables.owners[at].epoch != lease.epoch) lost.push_back(lease.shard);
  }
  std::sort(lost.begin(), lost.end());
  return lost;
}

Tables::SenderKey sender_key(const SignalRow& signal) {
  const std::string receiver = signal.key ? "key:" + *signal.key : "run:" + signal.addressed_run_id->str();
  return {signal.shard, signal.namespace_name, receiver, signal.name, signal.id};
}

void insert_message(Tables& tables, const InboxRow& message) {
  const auto [entry, is_new] = tables.inbox.try_emplace({message.shard, message.id});
  if (is_new) entry->second = {message, tables.next_arrival++};
}

Result<CommitAnswer> commit(Tables& tables, const Batch& all, Timestamp now) {
  CommitAnswer answer{.database_now = now, .lost = lost_shards(tables, all)};
  const Batch batch = answer.lost.empty() ? all : without_shards(all, answer.lost);
  if (Status fine = check_journal(tables, batch); !fine) return std::move(fine).error();
  if (Status fine = check_opened(tables, batch); !fine) return std::move(fine).error();
  if (Status fine = check_signals(tables, batch); !fine) return std::move(fine).error();

  for (const JournalRow& row : batch.journal) tables.journal[row.run_id][row.seq] = row;
  write_runs(tables, batch);
  for (const CheckpointRow& row : batch.checkpoints) tables.checkpoints[row.run_id] = row;
  write_messages(tables, batch);
  write_task_leases(tables, batch);
  write_schedules(tables, batch);
  for (const auto& row : batch.audit) append_audit(tables, to_int(row.shard), row.entry, now);
  note_batch(tables, batch, now);
  for (const ShardLease& lease : batch.leases) tables.proofs[batch.id].insert(lease.shard);
  return answer;
}

Result<bool> was_committed(const Tables& tables, const Batch& batch) {
  const auto proof = tables.proofs.find(batch.id);
  if (proof == tables.proofs.end()) return false;
  for (const ShardLease& lease : batch.leases) {
    if (!proof->second.contains(lease.shard)) {
      return fail(ErrorCode::ownership_lost, "the batch was written without the shards that it had lost");
    }
  }
  return true;
}

}  // namespace orchestrator::store::memory
