// The flush: what gathers while one commit is in flight is the next batch. Nothing leaves the process before its
// commit returned.
#include <algorithm>
#include <utility>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

constexpr std::string_view kUniqueViolation = "23505";

}  // namespace

void ShardGroup::flush_soon() {
  if (flushing_ || flush_posted_ || pending_.empty()) return;
  flush_posted_ = true;
  // Posted, not called: what is already queued on the strand joins this batch.
  parts_.executor.post([this] {
    flush_posted_ = false;
    flush();
  });
}

void ShardGroup::fill_leases(Pending& pending) {
  // Rows without a lease would be rows without a fence.
  std::set<ShardId> gone;
  for (const ShardId shard : pending.shards) {
    if (find_shard(shard) == nullptr) gone.insert(shard);
  }
  if (!gone.empty()) strip(pending, gone, fail(ErrorCode::unavailable, "this shard has a new owner; try again"));
  for (const ShardId shard : pending.shards) {
    const Shard* owned = find_shard(shard);
    pending.batch.leases.push_back(owned->lease);
    pending.generations[shard] = owned->generation;
  }
  pending.batch.id = BatchId{make_uuid7(clock_.now(), ShardId{0}, random())};
}

void ShardGroup::flush() {
  if (flushing_ || pending_.empty()) return;
  std::optional<std::uint64_t> turn;
  if (pending_.touched.size() <= FlushTurns::kSmallBatch) {
    turn = parts_.turns.take(parts_.lane, parts_.clock.steady_now(),
                             [this] { parts_.executor.post([this] { flush(); }); });
    if (!turn) return;
  }
  flushing_ = true;
  // Shared: the batch travels to the committer thread while the rest waits here for its answer.
  auto done = std::make_shared<Pending>(std::exchange(pending_, {}));
  fill_leases(*done);
  if (done->shards.empty()) {
    if (turn) parts_.turns.give_back(*turn);
    committed(done, std::make_shared<const store::Batch>(), store::CommitAnswer{clock_.now(), {}});
    return;
  }
  auto batch = std::make_shared<const store::Batch>(std::move(done->batch));
  const auto sent_at = parts_.clock.steady_now();
  parts_.store.commit(parts_.lane, batch, [this, done, batch, sent_at, turn](Result<store::CommitAnswer> answer) {
    if (turn) parts_.turns.give_back(*turn);
    parts_.executor.post([this, done, batch, sent_at, answer = std::move(answer)]() mutable {
      parts_.metrics.commit_seconds.observe(std::chrono::duration<double>(parts_.clock.steady_now() - sent_at).count());
      committed(done, batch, std::move(answer));
    });
  });
}

void ShardGroup::committed(std::shared_ptr<Pending> done, std::shared_ptr<const store::Batch> batch,
                           Result<store::CommitAnswer> answer) {
  if (!answer && answer.error().code == ErrorCode::outcome_unknown) {
    parts_.metrics.commits_in_doubt.add();
    parts_.logger.warn("batch_in_doubt", {{"shards", done->shards.size()}});
    // Still flushing: nothing of this group is sent until the doubt is settled.
    settling_.insert(done->shards.begin(), done->shards.end());
    parts_.headquarters.settle(batch, [this, done, batch](std::vector<store::ShardLease> leases, bool was_committed) {
      parts_.executor.post([this, done, batch, leases = std::move(leases), was_committed] {
        store::CommitAnswer settled{clock_.now(), {}};
        for (const ShardId shard : done->shards) {
          settling_.extract(shard);
          Shard* owned = find_shard(shard);
          const auto lease =
              std::find_if(leases.begin(), leases.end(), [&](const auto& l) { return l.shard == shard; });
          if (lease == leases.end()) {
            settled.lost.push_back(shard);
          } else if (owned != nullptr && lease->epoch > owned->lease.epoch) {
            owned->lease = *lease;
          }
        }
        parts_.logger.info("batch_settled", {{"committed", was_committed}, {"lost_shards", settled.lost.size()}});
        if (was_committed) {
          committed(done, batch, std::move(settled));
        } else {
          committed(done, batch, fail(ErrorCode::unavailable, "the commit did not happen"));
        }
      });
    });
    return;
  }

  if (!answer && answer.error().code == ErrorCode::invalid_argument) {
    // Still flushing. One bad row must not stop a shard for ever: whose is it?
    parts_.store.find_data_error(batch, [this, done, batch, why = answer.error()](Result<store::DataError> found) {
      parts_.executor.post([this, done, batch, why, found = std::move(found)] {
        remember_refusal(*batch, found ? *found : store::DataError{}, why);
        committed(done, batch, fail(ErrorCode::unavailable, why.message));
      });
    });
    return;
  }

  flushing_ = false;
  if (!answer) {
    parts_.metrics.commits_failed.add();
    parts_.logger.warn("batch_failed", {{"shards", done->shards.size()}, {"reason", answer.error().message}});
    const Status why = fail(ErrorCode::unavailable, "the database did not take the write; try again");
    complete(*done, *batch, done->shards, why);
    fail_shards(current_shards(*done, done->shards), why);
  } else {
    parts_.metrics.commits.add();
    parts_.metrics.count_rows(answer->lost.empty() ? *batch : store::without_shards(*batch, answer->lost));
    clock_.learn(answer->database_now);
    const std::set<ShardId> lost(answer->lost.begin(), answer->lost.end());
    const Status why = fail(ErrorCode::unavailable, "the owner of this shard changed; try again");
    complete(*done, *batch, lost, why);
    if (!lost.empty()) give_up_lost(*batch, current_shards(*done, lost), why);
  }
  flush_soon();
  if (leaving_ && pending_.empty() && !flushing_ && left_) {
    std::vector<store::ShardLease> leases;
    for (const auto& [id, shard] : shards_) {
      if (!has_work_in_hand(*shard) && !is_suspect(*shard)) leases.push_back(shard->lease);
    }
    std::exchange(left_, nullptr)(std::move(leases));
  }
}

/// A fence that did not hold: either another node took the shard, or we took it again ourselves to settle a doubt, and
/// perhaps have not heard of it yet. What was in hand then is still known.
void ShardGroup::give_up_lost(const store::Batch& batch, const std::set<ShardId>& lost, const Status& why) {
  std::vector<ShardId> gone;
  std::set<ShardId> ours;
  for (const auto& lease : batch.leases) {
    if (!lost.contains(lease.shard)) continue;
    const Shard* shard = find_shard(lease.shard);
    if (shard != nullptr && (shard->lease.epoch != lease.epoch || settling_.contains(lease.shard))) {
      ours.insert(lease.shard);
    } else {
      gone.push_back(lease.shard);
    }
  }
  fail_shards(ours, why);
  if (gone.empty()) return;
  parts_.metrics.ownership_lost.add();
  for (const ShardId shard : gone) forget_shard(shard);
  parts_.headquarters.lost(std::move(gone));
}

/// The refused batch changed nothing, and its shards reload as after any failure. What was refused is remembered: the
/// recovery sets that run aside, and its caller is told.
void ShardGroup::remember_refusal(const store::Batch& batch, const store::DataError& found, const Error& why) {
  parts_.metrics.batches_refused.add();
  if (!found.subject) {
    parts_.logger.error("batch_refused", {{"reason", why.message}});
    return;
  }
  ShardId shard_id{};
  std::string field = "run_id";
  std::string name;
  if (const auto* run_id = std::get_if<RunId>(&*found.subject)) {
    shard_id = shard_of(*run_id);
    name = run_id->str();
  } else {
    const SignalId signal_id = std::get<SignalId>(*found.subject);
    for (const auto& row : batch.signals) {
      if (row.signal_id == signal_id) shard_id = row.shard;
    }
    field = "signal_id";
    name = signal_id.str();
  }
  parts_.logger.error("data_refused", {{field, name}, {"sqlstate", found.sqlstate}, {"reason", found.message}});
  Shard* shard = find_shard(shard_id);
  if (shard == nullptr) return;
  const auto [known, is_new] = shard->refused.try_emplace(*found.subject);
  Refusal& refusal = known->second;
  refusal.sqlstate = found.sqlstate;
  refusal.message = found.message;
  refusal.since = parts_.clock.steady_now();
  if (!is_new) {
    refusal.phase = refusal.phase == Refusal::Phase::doubted ? Refusal::Phase::refused : Refusal::Phase::unwritable;
  } else if (found.sqlstate != kUniqueViolation) {
    refusal.phase = Refusal::Phase::refused;
  }
  if (shard->refused.size() > kMaxRefusals) shard->refused.erase(shard->refused.begin());
}

const Refusal* ShardGroup::refusal_of(ShardId shard_id, const store::Subject& subject) {
  const Shard* shard = find_shard(shard_id);
  if (shard == nullptr) return nullptr;
  const auto found = shard->refused.find(subject);
  const bool is_refused = found != shard->refused.end() && found->second.phase != Refusal::Phase::doubted;
  return is_refused ? &found->second : nullptr;
}

/// Those of `shards` whose memory is still the one that the batch came from; the others were reloaded since.
std::set<ShardId> ShardGroup::current_shards(const Pending& done, const std::set<ShardId>& shards) {
  std::set<ShardId> current;
  for (const ShardId shard : shards) {
    const auto sent = done.generations.find(shard);
    if (sent != done.generations.end() && !is_stale(shard, sent->second)) current.insert(shard);
  }
  return current;
}

void ShardGroup::complete(Pending& done, const store::Batch& batch, const std::set<ShardId>& failed,
                          const Status& why) {
  const std::set<ShardId> current = current_shards(done, done.shards);
  // A shard that was reloaded meanwhile has read what this batch wrote: nothing here applies to its new memory.
  const auto is_failed = [&](ShardId shard) { return failed.contains(shard) || !current.contains(shard); };
  for (auto& after : done.after) {
    const Refusal* refusal = after.subject ? refusal_of(after.shard, *after.subject) : nullptr;
    if (!failed.contains(after.shard)) {
      after.run({});
    } else {
      after.run(refusal != nullptr ? Status(fail(refusal->error())) : why);
    }
  }
  for (const auto& ref : batch.inbox_done) {
    Shard* shard = failed.contains(ref.shard) ? nullptr : find_shard(ref.shard);
    if (shard != nullptr) shard->seen_messages[ref.id] = {parts_.clock.steady_now(), true};
  }
  for (const RunId run_id : done.touched) {
    if (!is_failed(shard_of(run_id))) settle_run(run_id);
  }
  for (const auto& [shard, key] : done.touched_mailboxes) {
    if (!is_failed(shard)) settle_mailbox(shard, key);
  }
  for (auto& ready : done.ready) {
    if (!is_failed(shard_of(ready.run_id))) hand_out(ready.run_id, std::move(ready.command));
  }
  std::vector<store::InboxRow> messages;
  for (auto& outgoing : done.messages) {
    if (!failed.contains(outgoing.from)) messages.push_back(std::move(outgoing.message));
  }
  if (!messages.empty()) parts_.headquarters.deliver(std::move(messages));
}

/// One decision of the run is durable; when it was the last one, a run at rest is forgotten and a closed one reported.
void ShardGroup::settle_run(RunId run_id) {
  Shard* shard = find_shard(shard_of(run_id));
  if (shard == nullptr) return;
  const auto found = shard->runs.find(run_id);
  if (found == shard->runs.end()) return;
  RunEntry& entry = *found->second;
  if (--entry.uncommitted > 0 || entry.committing) return;
  if (is_closed(entry.run.state())) {
    parts_.metrics.closed(entry.run.header().kind, entry.run.state()).add();
    if (const auto watched = watchers_.find(run_id); watched != watchers_.end()) {
      auto replies = std::move(watched->second);
      watchers_.erase(watched);
      for (auto& [number, reply] : replies) reply(std::optional{view_of(entry)});
    }
    forget(*shard, run_id);
    scheduled_run_closed(*shard, run_id);
  } else if (entry.may_rest()) {
    keep_resting(run_id);
  } else if (entry.is_ordered()) {
    hand_out_head(run_id, shard->generation);
  }
}

void ShardGroup::settle_mailbox(ShardId shard_id, const MailboxKey& key) {
  Shard* shard = find_shard(shard_id);
  if (shard == nullptr) return;
  const auto found = shard->mailboxes.find(key);
  if (found == shard->mailboxes.end()) return;
  --found->second->uncommitted;
  keep_resting_mailbox(shard_id, key);
}

/// What rests is in the table. It stays in memory as well until enough others have come to rest: what wakes it up soon,
/// as a webhook that follows its request within seconds, reads nothing.
void ShardGroup::keep_resting(RunId run_id) {
  resting_runs_.push_back(run_id);
  while (resting_runs_.size() > parts_.max_resting) {
    const RunId oldest = resting_runs_.front();
    resting_runs_.pop_front();
    Shard* shard = find_shard(shard_of(oldest));
    if (shard == nullptr) continue;
    const auto found = shard->runs.find(oldest);
    if (found == shard->runs.end()) continue;
    const RunEntry& entry = *found->second;
    if (entry.uncommitted == 0 && !entry.committing && entry.may_rest()) forget(*shard, oldest);
  }
}

void ShardGroup::keep_resting_mailbox(ShardId shard_id, const MailboxKey& key) {
  resting_mailboxes_.emplace_back(shard_id, key);
  while (resting_mailboxes_.size() > parts_.max_resting) {
    const auto [home, oldest] = std::move(resting_mailboxes_.front());
    resting_mailboxes_.pop_front();
    Shard* shard = find_shard(home);
    if (shard == nullptr) continue;
    const auto found = shard->mailboxes.find(oldest);
    if (found != shard->mailboxes.end() && found->second->is_at_rest()) shard->mailboxes.erase(found);
  }
}

/// A batch failed: what these shards hold in memory may not be true. Forget it and read the database again, behind a
/// take-over of our own: it waits for what is still in flight for these shards, or fences it off.
void ShardGroup::fail_shards(const std::set<ShardId>& shards, const Status& why) {
  if (shards.empty()) return;
  strip(pending_, shards, why);
  std::map<ShardId, std::uint64_t> generations;
  for (const ShardId id : shards) {
    Shard* shard = find_shard(id);
    if (shard == nullptr) continue;
    parts_.metrics.shard_reloads.add();
    drop_memory(*shard, why);
    generations[id] = shard->generation;
  }
  parts_.headquarters.take_again(
      {shards.begin(), shards.end()}, [this, generations](std::vector<store::ShardLease> leases) {
        parts_.executor.post([this, generations, leases = std::move(leases)] {
          std::vector<ShardId> gone;
          for (const auto& [id, generation] : generations) {
            if (is_stale(id, generation)) continue;
            const auto lease =
                std::find_if(leases.begin(), leases.end(), [&, shard = id](const auto& l) { return l.shard == shard; });
            if (lease == leases.end()) {
              gone.push_back(id);
              forget_shard(id);
            } else {
              find_shard(id)->lease = *lease;
              recover(id, generation);
            }
          }
          if (!gone.empty()) parts_.headquarters.lost(std::move(gone));
        });
      });
}

void ShardGroup::drop_memory(Shard& shard, const Status& why) {
  shard.generation = next_generation_++;
  shard.phase = Shard::Phase::recovering;
  shard.leaving = false;
  // Work in hand goes on and its outcome counts: only what was decided about it is forgotten. A shard that was taken
  // over unclean and is still recovering stays so.
  auto runs = std::exchange(shard.runs, {});
  shard.parked.clear();
  auto loading = std::exchange(shard.loading, {});
  auto mailboxes = std::exchange(shard.mailboxes, {});
  auto starting = std::exchange(shard.starting_keys, {});
  shard.recent_signal_ids.clear();
  shard.redirecting.clear();
  shard.open_keys.clear();
  shard.order_lines.clear();
  shard.gates.clear();
  shard.remote_steps.clear();
  shard.schedules = {};
  std::erase_if(held_back_, [&](const auto& task) { return shard_of(task.run_id) == shard.lease.shard; });
  std::erase_if(shard.seen_messages, [](const auto& seen) { return !seen.second.is_done; });
  for (auto& [id, callbacks] : loading) {
    for (auto& callback : callbacks) callback(why.error());
  }
  for (auto& [key, mailbox] : mailboxes) {
    for (auto& abandoned : mailbox->abandoned) abandoned();
  }
  // Events that waited for a step's own commit, and starts that waited for their key, find the shard recovering and
  // wait for it like any new request.
  for (auto& [id, entry] : runs) {
    for (auto& event : entry->waiting_events) parts_.executor.post(std::move(event));
  }
  for (auto& [key, waiting] : starting) {
    for (auto& start : waiting) parts_.executor.post(std::move(start));
  }
}

/// Takes the rows of these shards out of a batch that was not sent yet: they rest on decisions that never happened.
void ShardGroup::strip(Pending& pending, const std::set<ShardId>& shards, const Status& why) {
  const auto gone = [&](ShardId shard) { return shards.contains(shard); };
  const auto by_shard = [&](auto& rows) { std::erase_if(rows, [&](const auto& row) { return gone(row.shard); }); };
  auto& batch = pending.batch;
  by_shard(batch.journal);
  by_shard(batch.opened);
  by_shard(batch.updated);
  by_shard(batch.edited);
  by_shard(batch.closed);
  by_shard(batch.checkpoints);
  by_shard(batch.signals);
  by_shard(batch.signal_links);
  by_shard(batch.waits_added);
  by_shard(batch.waits_removed);
  by_shard(batch.inbox_done);
  by_shard(batch.idempotency);
  by_shard(batch.task_leases);
  by_shard(batch.schedules_removed);
  by_shard(batch.schedules);
  by_shard(batch.schedules_moved);
  by_shard(batch.schedule_slots);
  by_shard(batch.audit);
  std::erase_if(batch.revived, [&](const RunId& id) { return gone(shard_of(id)); });
  std::erase_if(batch.outgoing, [&](const auto& outgoing) { return gone(outgoing.from); });
  std::erase_if(pending.messages, [&](const auto& outgoing) { return gone(outgoing.from); });
  std::erase_if(pending.touched, [&](const RunId& id) { return gone(shard_of(id)); });
  std::erase_if(pending.touched_mailboxes, [&](const auto& touched) { return gone(touched.first); });
  std::erase_if(pending.ready, [&](const auto& ready) { return gone(shard_of(ready.run_id)); });
  for (const ShardId shard : shards) pending.shards.erase(shard);
  pending.opened_at.clear();
  pending.updated_at.clear();
  for (std::size_t i = 0; i < batch.opened.size(); ++i) pending.opened_at[batch.opened[i].header.id] = i;
  for (std::size_t i = 0; i < batch.updated.size(); ++i) pending.updated_at[batch.updated[i].run_id] = i;

  std::vector<Pending::After> failing;
  for (auto& after : pending.after) {
    if (gone(after.shard)) failing.push_back(std::move(after));
  }
  std::erase_if(pending.after, [&](const auto& after) { return gone(after.shard); });
  for (auto& after : failing) after.run(why);
}

}  // namespace orchestrator::runtime
