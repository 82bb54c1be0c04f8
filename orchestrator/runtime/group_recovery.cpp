// Taking a shard up: load exactly what was not at rest, re-derive what is still owed, go on.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

constexpr Duration kRecoveryHorizon = std::chrono::seconds{60};
constexpr Duration kQuietPoll = std::chrono::milliseconds{2};
constexpr Duration kRecoverAgainAfter = std::chrono::milliseconds{200};

}  // namespace

void ShardGroup::adopt(store::ShardLease lease, bool unclean) {
  parts_.executor.post([this, lease, unclean] {
    auto& shard = shards_[lease.shard];
    if (shard != nullptr) {
      if (shard->lease.epoch >= lease.epoch) return;
      const Status why = fail(ErrorCode::unavailable, "the owner of this shard changed; try again");
      strip(pending_, {lease.shard}, why);
      drop_memory(*shard, why);
    } else {
      shard = std::make_unique<Shard>(parts_.max_ready_per_lane, [this, id = lease.shard](const JobLane& lane) {
        parts_.executor.post([this, id, lane] { bring_back(id, lane); });
      });
      shard->generation = next_generation_++;
    }
    shard->lease = lease;
    shard->adopted_at = clock_.now();
    shard->unclean = unclean;
    recover(lease.shard, shard->generation);
  });
}

void ShardGroup::drop(ShardId shard) {
  parts_.executor.post([this, shard] { forget_shard(shard); });
}

// ---- letting a shard go -------------------------------------------------------------------------------------------

void ShardGroup::release(ShardId id, Duration patience, Released done) {
  parts_.executor.post([this, id, patience, done = std::move(done)]() mutable {
    Shard* shard = find_shard(id);
    // Suspects are counted here before they go out; a new owner would take the shard for a clean one.
    if (shard == nullptr || shard->phase != Shard::Phase::active || shard->leaving || is_suspect(*shard)) {
      done(std::nullopt);
      return;
    }
    shard->leaving = true;
    for (const auto& [run_id, task] : parts_.workers.withdraw(id)) release_hold({run_id, task});
    write_leases(*shard);
    release_when_quiet(id, shard->generation, parts_.clock.steady_now() + patience, std::move(done));
  });
}

void ShardGroup::release_when_quiet(ShardId id, std::uint64_t generation, Duration until, Released done) {
  if (is_stale(id, generation)) {
    done(std::nullopt);
    return;
  }
  const Shard& shard = *find_shard(id);
  if (is_quiet(shard)) {
    const store::ShardLease lease = shard.lease;
    forget_shard(id);
    done(lease);
    return;
  }
  if (parts_.clock.steady_now() >= until) {
    // What was held back and left unread meanwhile is found again by reading everything anew.
    fail_shards({id}, fail(ErrorCode::unavailable, "this shard nearly moved to another node; try again"));
    done(std::nullopt);
    return;
  }
  parts_.executor.post_after(kQuietPoll, [this, id, generation, until, done = std::move(done)]() mutable {
    release_when_quiet(id, generation, until, std::move(done));
  });
}

bool ShardGroup::has_work_in_hand(const Shard& shard) {
  return std::any_of(shard.holds.begin(), shard.holds.end(), [&](const auto& held) {
    const auto& [key, hold] = held;
    if (hold->lease == nullptr || hold->lease->is_lost || hold->outcome) return true;
    const auto step = shard.remote_steps.find({key.run_id, key.task.step});
    return step == shard.remote_steps.end() || step->second.leased != key.task;
  });
}

bool ShardGroup::is_suspect(const Shard& shard) const {
  return shard.unclean || suspects_.has_waiting(shard.lease.shard) ||
         std::ranges::any_of(shard.suspected, [&](const HoldKey& key) { return shard.parked.contains(key.run_id); });
}

/// Whether nothing is in hand, in flight, or half done. What rests in memory is in the table as well, and so is a
/// remote worker's lease, which the next owner honours.
bool ShardGroup::is_quiet(const Shard& shard) const {
  const auto is_busy = [](const auto& mailbox) {
    return mailbox.second->busy || mailbox.second->uncommitted > 0 || !mailbox.second->operations.empty();
  };
  const auto is_moving = [](const auto& run) { return run.second->uncommitted > 0 || run.second->committing; };
  return !has_work_in_hand(shard) && shard.loading.empty() && shard.starting_keys.empty() &&
         !pending_.shards.contains(shard.lease.shard) &&
         std::none_of(shard.mailboxes.begin(), shard.mailboxes.end(), is_busy) &&
         std::none_of(shard.runs.begin(), shard.runs.end(), is_moving);
}

void ShardGroup::forget_shard(ShardId id) {
  const auto found = shards_.find(id);
  if (found == shards_.end()) return;
  const Status why = fail(ErrorCode::unavailable, "this shard has a new owner; try again");
  strip(pending_, {id}, why);
  drop_memory(*found->second, why);
  // Workers may still be at it: their outcome no longer counts here, so they are asked to stop. Remote ones turn to the
  // next owner.
  for (auto& [key, hold] : found->second->holds) {
    hold->cancel_requested = true;
    if (hold->is_remote) parts_.workers.end_remote(*hold);
    answer_reporters(*hold, why.error());
  }
  forget_suspects(id);
  auto waiting = std::move(found->second->waiting_requests);
  shards_.erase(found);
  for (auto& request : waiting) request();  // each finds no owner and says so
}

void ShardGroup::learn_time(Timestamp database_now) {
  parts_.executor.post([this, database_now] {
    clock_.learn(database_now);
    // The database's clock may have been set forward: what was far away is due sooner by the steady clock.
    armed_for_.reset();
    arm();
    schedules_armed_for_.reset();
    arm_schedules();
  });
}

void ShardGroup::leave(std::function<void(std::vector<store::ShardLease>)> done) {
  parts_.executor.post([this, done = std::move(done)]() mutable {
    leaving_ = true;
    left_ = std::move(done);
    // What nobody has begun is the next owner's: only what was begun leaves its shard unclean.
    for (const auto& [id, shard] : shards_) {
      for (const auto& [run_id, task] : parts_.workers.withdraw(id)) release_hold({run_id, task});
    }
    for (const auto& [id, shard] : shards_) write_leases(*shard);
    if (!flushing_) {
      flushing_ = true;
      committed(std::make_shared<Pending>(), std::make_shared<const store::Batch>(),
                store::CommitAnswer{clock_.now(), {}});
    }
  });
}

void ShardGroup::recover(ShardId id, std::uint64_t generation) {
  const Shard* shard = find_shard(id);
  if (shard == nullptr || shard->generation != generation) return;
  parts_.store.recover(shard->lease, clock_.now() + kRecoveryHorizon,
                       [this, id, generation](Result<store::Recovery> recovery) {
                         parts_.executor.post([this, id, generation, recovery = std::move(recovery)]() mutable {
                           recovered(id, generation, std::move(recovery));
                         });
                       });
}

void ShardGroup::recovered(ShardId id, std::uint64_t generation, Result<store::Recovery> recovery) {
  Shard* shard = find_shard(id);
  if (shard == nullptr || shard->generation != generation) return;
  if (!recovery) {
    parts_.logger.warn("shard_recovery_failed", {{"shard", to_int(id)}, {"reason", recovery.error().message}});
    parts_.executor.post_after(kRecoverAgainAfter, [this, id, generation] { recover(id, generation); });
    return;
  }
  rebuild(id, generation, std::make_shared<store::Recovery>(std::move(*recovery)), 0);
}

/// A job that nobody has begun, as far as its row tells: it may be one of a million, and is built when its turn comes
/// to be handed out, or parked.
bool ShardGroup::is_built_last(const store::LoadedRun& loaded) {
  const RunHeader& header = loaded.row.header;
  return header.kind == RunKind::job && !loaded.row.progress.job_state &&
         (header.job == nullptr || header.job->order_key.empty());
}

/// Rebuilds the runs one after the other: a definition that is not in memory is read in between.
void ShardGroup::rebuild(ShardId id, std::uint64_t generation, std::shared_ptr<store::Recovery> recovery,
                         std::size_t index) {
  Shard* shard = find_shard(id);
  if (shard == nullptr || shard->generation != generation) return;
  while (index < recovery->running.size() && is_built_last(recovery->running[index])) ++index;
  if (index == recovery->running.size()) {
    activate(*shard, std::move(*recovery));
    return;
  }
  find_definition(recovery->running[index].row.header, [this, id, generation, recovery,
                                                        index](Result<FoundDefinition> found) {
    parts_.executor.post([this, id, generation, recovery, index, found = std::move(found)] {
      Shard* owner = find_shard(id);
      if (owner == nullptr || owner->generation != generation) return;
      auto& loaded = recovery->running[index];
      const auto& run = loaded.row.header;
      if (!found && error_traits(found.error().code).retryable) {
        parts_.executor.post_after(
            kRecoverAgainAfter, [this, id, generation, recovery, index] { rebuild(id, generation, recovery, index); });
        return;
      }
      if (!found) {
        parts_.logger.error("run_unreadable", {{"run_id", run.id.str()}, {"reason", found.error().message}});
      } else if (auto entry = replayed(run, loaded.row.progress, found->definition, loaded.checkpoint, loaded.journal);
                 !entry) {
        parts_.logger.error("run_unreadable", {{"run_id", run.id.str()}, {"reason", entry.error().message}});
      } else {
        (*entry)->addressed_loaded = false;
        insert(*owner, std::move(*entry));
      }
      rebuild(id, generation, recovery, index + 1);
    });
  });
}

Result<std::unique_ptr<RunEntry>> ShardGroup::replayed(RunHeader header, store::RunProgress progress,
                                                       language::DefinitionPtr definition,
                                                       const std::optional<store::CheckpointRow>& checkpoint,
                                                       const std::vector<store::JournalRow>& journal) {
  if (header.kind == RunKind::job) return rebuilt_job(std::move(header), std::move(progress), std::move(definition));
  std::unique_ptr<RunEntry> entry;
  if (checkpoint) {
    auto state = parse_json(checkpoint->state);
    if (!state) return state.error();
    auto run = core::Run::restore(std::move(header), std::move(definition), *state);
    if (!run) return run.error();
    entry = std::make_unique<RunEntry>(std::move(*run));
    entry->checkpoint_bytes = checkpoint->state.size();
  } else {
    entry = std::make_unique<RunEntry>(core::Run(std::move(header), std::move(definition)));
  }
  for (const auto& row : journal) {
    if (checkpoint && row.seq < checkpoint->next_event_id) continue;
    auto events = decode_events(row.events, row.seq, row.at);
    if (!events) return events.error();
    const Status applied = parts_.planner.replay(entry->run, *events);
    if (!applied) return applied.error();
    clock_.not_before(row.at);
    ++entry->rows_since_checkpoint;
  }
  entry->row = std::move(progress);
  return entry;
}

void ShardGroup::activate(Shard& shard, store::Recovery recovery) {
  shard.phase = Shard::Phase::active;
  const bool unclean = std::exchange(shard.unclean, false);
  for (const auto& due : recovery.due) timers_.emplace(due.wake_at, due.run_id);
  arm();
  adopt_leases(shard, std::move(recovery.task_leases));
  if (unclean) suspects_.begin_anew();
  // Ids first: resuming may change the map of runs.
  std::vector<std::pair<RunId, store::LoadedRun*>> runs;
  runs.reserve(shard.runs.size() + recovery.running.size());
  for (const auto& [id, entry] : shard.runs) runs.emplace_back(id, nullptr);
  for (auto& loaded : recovery.running) {
    if (is_built_last(loaded)) runs.emplace_back(loaded.row.header.id, &loaded);
  }
  std::sort(runs.begin(), runs.end());  // oldest first, and the same order in every simulation of one seed
  for (const auto& [id, job] : runs) {
    if (job != nullptr) build_job(shard, std::move(job->row));
    const auto found = shard.runs.find(id);
    if (found != shard.runs.end() && refusal_of(shard.lease.shard, id) == nullptr) resume(*found->second, unclean);
  }
  set_refused_aside(shard);
  drop_settled_holds(shard);
  for (auto& message : recovery.inbox) handle(std::move(message));
  adopt_schedules(shard, std::move(recovery.schedules));
  auto waiting = std::exchange(shard.waiting_requests, {});
  for (auto& request : waiting) parts_.executor.post(std::move(request));
  parts_.workers.rouse_claims();  // what was claimed meanwhile could not be begun
  parts_.logger.debug("shard_active", {{"shard", to_int(shard.lease.shard)},
                                       {"epoch", to_int(shard.lease.epoch)},
                                       {"running", runs.size()},
                                       {"unclean", unclean}});
}

void ShardGroup::build_job(Shard& shard, store::OpenRunRow row) {
  const RunId id = row.header.id;
  auto definition = job_definitions_.find(row.header.workflow, row.header.queue, row.header.job);
  auto entry = rebuilt_job(std::move(row.header), std::move(row.progress), std::move(definition));
  if (!entry) {
    parts_.logger.error("run_unreadable", {{"run_id", id.str()}, {"reason", entry.error().message}});
    return;
  }
  (*entry)->addressed_loaded = false;
  insert(shard, std::move(*entry));
}

/// Runs whose data the database refuses fail as they stand in the table: the decision that was refused never happened.
void ShardGroup::set_refused_aside(Shard& shard) {
  std::vector<std::pair<RunId, Refusal>> runs;
  for (const auto& [subject, refusal] : shard.refused) {
    if (const auto* run_id = std::get_if<RunId>(&subject)) runs.emplace_back(*run_id, refusal);
  }
  for (const auto& [run_id, refusal] : runs) {
    if (refusal.phase == Refusal::Phase::doubted) continue;
    if (refusal.phase == Refusal::Phase::unwritable) {
      // Not even its failure can be written. It stays as it is, out of everybody's way, until somebody looks.
      parts_.logger.error("run_unwritable", {{"run_id", run_id.str()}, {"sqlstate", refusal.sqlstate}});
      forget(shard, run_id);
      continue;
    }
    with_run(run_id, [this, refusal = refusal](Result<RunEntry*> entry) {
      if (entry && *entry != nullptr && !is_closed((*entry)->run.state())) set_aside(**entry, refusal);
    });
  }
}

void ShardGroup::set_aside(RunEntry& entry, const Refusal& refusal) {
  const RunId run_id = entry.run.header().id;
  const Status failed = decide(entry, core::DataRefused{refusal.sqlstate, refusal.message}, pending_);
  if (!failed) {
    parts_.logger.error("set_aside_refused", {{"run_id", run_id.str()}, {"reason", failed.error().message}});
    return;
  }
  parts_.metrics.poisoned.add();
  pending_.after.push_back({shard_of(run_id), [this, run_id](const Status& status) {
                              Shard* shard = find_shard(shard_of(run_id));
                              if (status && shard != nullptr) shard->refused.erase(run_id);
                            }});
}

/// Carries out what the run still owes. Commands whose effect was a message need nothing: the message was in the batch.
void ShardGroup::resume(RunEntry& entry, bool unclean) {
  const RunId run_id = entry.run.header().id;
  Shard& shard = *find_shard(shard_of(run_id));
  if (const auto timer = entry.run.next_timer()) set_timer(run_id, *timer);
  bool awaits = false;
  for (auto& command : parts_.planner.owed(entry.run)) {
    if (const auto* await = std::get_if<core::AwaitSignal>(&command)) {
      awaits = true;
      await_signal(entry, *await, pending_);
      continue;
    }
    auto* schedule = std::get_if<core::ScheduleTask>(&command);
    if (schedule == nullptr) continue;
    const auto hold = shard.holds.find({run_id, schedule->task});
    if (hold != shard.holds.end()) {
      TaskHold& held = *hold->second;
      if (held.lease != nullptr && std::exchange(held.lease->is_adopted, false)) {
        const RunHeader& header = entry.run.header();
        parts_.workers.adopt_remote(held, {header.namespace_name, schedule->queue}, keys_of(header),
                                    held.lease->worker);
        watch_deadline(run_id, *schedule, hold->second);
      }
      if (held.outcome) decide_outcome(entry, schedule->task, hold->second);
      continue;  // the worker is still at it
    }
    if (is_behind(shard, entry)) continue;  // nobody had it: it stands in line
    const HoldKey key{run_id, schedule->task};
    if (unclean) shard.suspected.insert(key);
    if (!shard.suspected.contains(key)) {
      hand_out(run_id, std::move(*schedule));
      continue;
    }
    if (entry.run.is_start_recorded(schedule->task)) {
      // It was in hand when its node died: counted, and inquired about where the step can be.
      parts_.metrics.steps_lost.add();
      const Status lost = decide(entry, core::TaskLost{schedule->task}, pending_);
      if (!lost) parts_.logger.warn("lost_task_refused", {{"run_id", run_id.str()}, {"reason", lost.error().message}});
      clear_after_commit(key);
      continue;
    }
    const EventId before = entry.run.next_event_id();
    const Status suspected = decide(entry, core::TaskSuspected{schedule->task}, pending_);
    if (suspected && entry.run.next_event_id() != before) {  // the planner inquires first
      clear_after_commit(key);
      continue;
    }
    schedule->suspect = true;
    hand_out(run_id, std::move(*schedule));
  }
  if (awaits) flush_soon();
}

/// What a suspicion led to is in the pending batch: when that fails, the task is as suspect as before.
void ShardGroup::clear_after_commit(const HoldKey& key) {
  pending_.after.push_back({shard_of(key.run_id), [this, key](const Status& status) {
                              Shard* shard = find_shard(shard_of(key.run_id));
                              if (status && shard != nullptr) shard->suspected.erase(key);
                            }});
}

}  // namespace orchestrator::runtime
