#include <algorithm>

#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {
namespace {

/// Adds checkpoint and later journal rows to a loaded run.
template <typename Loaded>
Loaded with_history(const Tables& tables, Loaded run) {
  const RunId id = run.row.header.id;
  EventId first = 0;
  if (const auto checkpoint = tables.checkpoints.find(id); checkpoint != tables.checkpoints.end()) {
    run.checkpoint = checkpoint->second;
    first = checkpoint->second.next_event_id;
  }
  if (const auto journal = tables.journal.find(id); journal != tables.journal.end()) {
    for (auto row = journal->second.lower_bound(first); row != journal->second.end(); ++row)
      run.journal.push_back(row->second);
  }
  return run;
}

void sort_oldest_first(std::vector<SignalRow>& signals) {
  std::sort(signals.begin(), signals.end(), [](const SignalRow& a, const SignalRow& b) {
    return std::tie(a.received_at, a.signal_id) < std::tie(b.received_at, b.signal_id);
  });
}

RunKeyAnswer find_key(const Tables& tables, const RunKeyQuery& query) {
  RunKeyAnswer answer;
  const auto open = tables.open_keys.find({query.namespace_name, query.workflow, query.key});
  if (open != tables.open_keys.end()) answer.open = open->second;
  if (answer.open) answer.state = tables.open.at(*answer.open).progress.state;
  if (!query.with_closed) return answer;
  const ClosedRunRow* newest = nullptr;
  for (const auto& [id, row] : tables.closed) {
    const RunHeader& header = row.header;
    if (header.namespace_name != query.namespace_name || header.workflow != query.workflow || header.key != query.key)
      continue;
    if (query.closed_since && row.closed_at < *query.closed_since) continue;
    if (row.error == "RunKeyConflict") continue;  // gave way to the key's holder, and never had it
    if (!newest || std::tie(newest->closed_at, newest->header.id) < std::tie(row.closed_at, header.id)) newest = &row;
  }
  if (newest) answer.closed = newest->header.id;
  if (newest && !answer.open) answer.state = newest->state;
  return answer;
}

/// Those of one receiver that wait, oldest first, by the index of the senders' ids. `anyone` tells whose: its name and
/// id do not count.
std::vector<SignalRow> find_waiting(const Tables& tables, SignalRow anyone) {
  anyone.name.clear();
  anyone.id.clear();
  const Tables::SenderKey first = sender_key(anyone);
  std::vector<SignalRow> signals;
  for (auto at = tables.senders.lower_bound(first); at != tables.senders.end(); ++at) {
    const auto& [shard, namespace_name, receiver, name, id] = at->first;
    if (shard != std::get<0>(first) || namespace_name != std::get<1>(first) || receiver != std::get<2>(first)) break;
    const SignalRow& row = tables.signals.at(at->second);
    const bool is_delivered = row.fate == SignalFate::delivered && row.key;
    if (row.fate == SignalFate::buffered || is_delivered) signals.push_back(row);
  }
  sort_oldest_first(signals);
  return signals;
}

/// The run is gone, and its namespace with it: every signal is looked at.
std::vector<SignalRow> find_addressed_to_nobody(const Tables& tables, const RunId& run_id) {
  std::vector<SignalRow> signals;
  for (const auto& [id, row] : tables.signals) {
    if (row.fate == SignalFate::buffered && row.addressed_run_id == run_id) signals.push_back(row);
  }
  sort_oldest_first(signals);
  return signals;
}

std::vector<SignalRow> find_addressed(const Tables& tables, const RunId& run_id) {
  const auto open = tables.open.find(run_id);
  const auto closed = tables.closed.find(run_id);
  if (open == tables.open.end() && closed == tables.closed.end()) return find_addressed_to_nobody(tables, run_id);
  SignalRow anyone;
  anyone.shard = shard_of(run_id);
  anyone.namespace_name = (open != tables.open.end() ? open->second.header : closed->second.header).namespace_name;
  anyone.addressed_run_id = run_id;
  return find_waiting(tables, std::move(anyone));
}

std::optional<std::vector<std::pair<std::string, std::string>>> find_sender_ids(const Tables& tables,
                                                                                const SignalRow& anyone) {
  const Tables::SenderKey first = sender_key(anyone);
  std::vector<std::pair<std::string, std::string>> ids;
  for (auto at = tables.senders.lower_bound(first); at != tables.senders.end(); ++at) {
    const auto& [shard, namespace_name, receiver, name, id] = at->first;
    if (shard != std::get<0>(first) || namespace_name != std::get<1>(first) || receiver != std::get<2>(first)) break;
    if (ids.size() == kMaxSenderIds) return std::nullopt;
    ids.emplace_back(name, id);
  }
  return ids;
}

MailboxAnswer find_mailbox(const Tables& tables, const MailboxQuery& query) {
  MailboxAnswer answer;
  const Tables::WaitKey first{query.shard, query.namespace_name, query.key, RunId{}, 0};
  for (auto at = tables.waits.lower_bound(first); at != tables.waits.end(); ++at) {
    const SignalWaitRow& row = at->second;
    if (row.shard != query.shard || row.namespace_name != query.namespace_name || row.key != query.key) break;
    answer.waits.push_back(row);
  }
  std::sort(answer.waits.begin(), answer.waits.end(), [](const SignalWaitRow& a, const SignalWaitRow& b) {
    return std::tie(a.since, a.run_id, a.step) < std::tie(b.since, b.run_id, b.step);
  });
  SignalRow anyone;
  anyone.shard = query.shard;
  anyone.namespace_name = query.namespace_name;
  anyone.key = query.key;
  answer.sender_ids = find_sender_ids(tables, anyone);
  answer.pending = find_waiting(tables, std::move(anyone));
  if (answer.waits.empty() || shard_of(answer.waits.front().run_id) != query.shard) return answer;
  const RunId next = answer.waits.front().run_id;
  const auto row = tables.open.find(next);
  if (row != tables.open.end() && find_addressed(tables, next).empty()) {
    answer.next_run = with_history(tables, LoadedRun{.row = row->second});
  }
  return answer;
}

std::optional<SignalRow> find_sender_id(const Tables& tables, const SignalIdQuery& query) {
  SignalRow asked;
  asked.shard = query.shard;
  asked.namespace_name = query.namespace_name;
  asked.name = query.name;
  asked.key = query.key;
  asked.addressed_run_id = query.addressed_run_id;
  asked.id = query.id;
  if (!asked.key && !asked.addressed_run_id) return std::nullopt;
  const auto found = tables.senders.find(sender_key(asked));
  if (found == tables.senders.end()) return std::nullopt;
  return tables.signals.at(found->second);
}

template <typename Map, typename Key>
auto find_value(const Map& map, const Key& key) -> std::optional<typename Map::mapped_type> {
  const auto found = map.find(key);
  if (found == map.end()) return std::nullopt;
  return found->second;
}

}  // namespace

LoadAnswer load(const Tables& tables, const LoadRequest& request) {
  LoadAnswer answer;
  for (const RunId& id : request.runs) {
    const auto row = find_value(tables.open, id);
    answer.runs.push_back(row ? std::optional(with_history(tables, LoadedRun{.row = *row})) : std::nullopt);
  }
  for (const RunId& id : request.closed_runs) {
    const auto row = find_value(tables.closed, id);
    answer.closed_runs.push_back(row ? std::optional(with_history(tables, LoadedClosedRun{.row = *row}))
                                     : std::nullopt);
  }
  for (const auto& query : request.run_keys) answer.run_keys.push_back(find_key(tables, query));
  for (const auto& query : request.mailboxes) answer.mailboxes.push_back(find_mailbox(tables, query));
  for (const RunId& id : request.addressed_signals) answer.addressed_signals.push_back(find_addressed(tables, id));
  for (const auto& query : request.signal_ids) answer.signal_ids.push_back(find_sender_id(tables, query));
  for (const SignalId& id : request.signals) answer.signals.push_back(find_value(tables.signals, id));
  for (const auto& query : request.idempotency) {
    const Tables::IdempotencyKey key{query.shard, query.namespace_name, query.scope, query.key};
    answer.idempotency.push_back(find_value(tables.idempotency, key));
  }
  return answer;
}

Result<Recovery> recover(const Tables& tables, ShardLease lease, Timestamp horizon) {
  const auto at = static_cast<std::size_t>(to_int(lease.shard));
  if (at >= tables.owners.size() || tables.owners[at].epoch != lease.epoch) {
    return fail(ErrorCode::ownership_lost, "the shard was taken over before it was recovered");
  }
  Recovery recovery;
  for (const auto& [id, row] : tables.open) {
    if (row.shard == lease.shard && !row.progress.at_rest) {
      recovery.running.push_back(with_history(tables, LoadedRun{.row = row}));
    }
  }
  recovery.due = due_runs(tables, {lease.shard}, horizon, 100'000);
  recovery.schedules = load_schedules(tables, lease.shard);
  std::map<std::uint64_t, InboxRow> by_arrival;
  for (const auto& [key, message] : tables.inbox) {
    if (key.first == lease.shard) by_arrival[message.arrival] = message.row;
  }
  for (auto& [arrival, row] : by_arrival) recovery.inbox.push_back(std::move(row));
  for (const auto& [key, row] : tables.task_leases) {
    if (row.shard == lease.shard) recovery.task_leases.push_back(row);
  }
  return recovery;
}

std::vector<DueRun> due_runs(const Tables& tables, const std::vector<ShardId>& shards, Timestamp until,
                             std::int32_t limit) {
  std::vector<DueRun> due;
  for (const auto& [id, row] : tables.open) {
    if (!row.progress.wake_at || *row.progress.wake_at >= until) continue;
    if (std::find(shards.begin(), shards.end(), row.shard) == shards.end()) continue;
    due.push_back({id, *row.progress.wake_at});
  }
  std::sort(due.begin(), due.end(), [](const DueRun& a, const DueRun& b) {
    return std::tie(a.wake_at, a.run_id) < std::tie(b.wake_at, b.run_id);
  });
  if (due.size() > static_cast<std::size_t>(limit)) due.resize(static_cast<std::size_t>(limit));
  return due;
}

std::vector<SignalRow> expired_signals(const Tables& tables, const std::vector<ShardId>& shards, Timestamp now,
                                       std::int32_t limit) {
  std::vector<SignalRow> expired;
  for (const auto& [id, row] : tables.signals) {
    if (row.fate != SignalFate::buffered || row.expires_at > now) continue;
    if (std::find(shards.begin(), shards.end(), row.shard) != shards.end()) expired.push_back(row);
  }
  std::sort(expired.begin(), expired.end(), [](const SignalRow& a, const SignalRow& b) {
    return std::tie(a.expires_at, a.signal_id) < std::tie(b.expires_at, b.signal_id);
  });
  if (expired.size() > static_cast<std::size_t>(limit)) expired.resize(static_cast<std::size_t>(limit));
  return expired;
}

}  // namespace orchestrator::store::memory
