// What people ask of schedules. Each answer follows the commit of what it says.
#include <algorithm>
#include <utility>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

using store::ScheduleSlotRow;
using store::SlotOrigin;
using store::SlotOutcome;

Error no_such_schedule(const std::string& name) { return {ErrorCode::not_found, "no such schedule: " + name}; }

/// The moment of a trigger, from the id of its run: the same request again is the same slot.
Timestamp trigger_slot(RunId run_id) {
  const auto micros = (run_id.bytes[14] << 8 | run_id.bytes[15]) % 1'000;
  return time_of(run_id.bytes) + Duration{micros};
}

template <typename Row>
void erase_rows(std::vector<Row>& rows, const store::ScheduleRef& ref) {
  std::erase_if(rows, [&](const Row& row) {
    return row.shard == ref.shard && row.namespace_name == ref.namespace_name && row.name == ref.name;
  });
}

}  // namespace

void ShardGroup::change_schedule(ScheduleRequest request, Reply<ScheduleAnswer> reply) {
  parts_.executor.post([this, request = std::move(request), reply = std::move(reply)] {
    const ShardId shard = request.ref.shard;
    const bool ours = when_active(shard, [this, request, reply] {
      // It may have waited for a recovery that ended with the shard elsewhere.
      if (find_shard(request.ref.shard) != nullptr) {
        perform_schedule_request(request, reply);
      } else {
        reply(fail(ErrorCode::unavailable, "the owner of this schedule is changing; try again"));
      }
    });
    if (!ours) reply(fail(ErrorCode::unavailable, "no owner for this schedule right now; try again"));
  });
}

void ShardGroup::perform_schedule_request(const ScheduleRequest& asked, Reply<ScheduleAnswer> reply) {
  Shard& shard = *find_shard(asked.ref.shard);
  const auto found = shard.schedules.entries.find({asked.ref.namespace_name, asked.ref.name});
  ScheduleEntry* entry = found == shard.schedules.entries.end() ? nullptr : found->second.get();
  ScheduleRequest request = asked;
  if (request.audit && entry != nullptr) request.audit->before_hash = audit_digest_of(entry->row);
  if (request.action == ScheduleAction::create && entry != nullptr) {
    if (entry->row.schedule_id != request.schedule_id) {
      reply(fail(ErrorCode::already_exists, "there is a schedule of that name already: " + request.ref.name));
    } else {
      answer_schedule({.row = entry->row, .created = true}, std::move(reply));
    }
    return;
  }
  if (entry == nullptr) {
    if (request.action == ScheduleAction::create || request.action == ScheduleAction::replace) {
      create_schedule(shard, request, std::move(reply));
    } else {
      reply(no_such_schedule(request.ref.name));
    }
    return;
  }
  // What is due is decided as the schedule was, before anything about it changes.
  if (parts_.headquarters.has_scheduler() && request.action != ScheduleAction::trigger) advance_schedule(shard, *entry);
  switch (request.action) {
    case ScheduleAction::create: break;  // answered above
    case ScheduleAction::replace: return replace_schedule(shard, *entry, request, std::move(reply));
    case ScheduleAction::remove: return remove_schedule(shard, *entry, request, std::move(reply));
    case ScheduleAction::pause: return pause_schedule(shard, *entry, request, std::move(reply));
    case ScheduleAction::resume: return resume_schedule(shard, *entry, request, std::move(reply));
    case ScheduleAction::trigger: return trigger_schedule(*entry, request, std::move(reply));
    case ScheduleAction::backfill: return backfill_schedule(*entry, request, std::move(reply));
    case ScheduleAction::take_calendar: return take_calendar(shard, *entry, request, std::move(reply));
  }
}

void ShardGroup::create_schedule(Shard& shard, const ScheduleRequest& request, Reply<ScheduleAnswer> reply) {
  if (shard.schedules.entries.size() >= store::kMaxSchedulesPerShard) {
    reply(fail(ErrorCode::resource_exhausted, "the shard of this name holds as many schedules as it may"));
    return;
  }
  store::ScheduleRow row;
  static_cast<store::ScheduleRef&>(row) = request.ref;
  row.schedule_id = request.schedule_id;
  row.settings = request.settings;
  row.created_at = clock_.now();
  row.updated_at = row.created_at;
  row.progress.decided_until = row.created_at;
  auto fresh = schedule_entry(std::move(row));
  if (!fresh) {
    reply(fresh.error());
    return;
  }
  ScheduleEntry& entry = keep_schedule(shard, *std::move(fresh));
  plan_next(shard, entry);
  pending_.batch.schedules.push_back(entry.row);
  write_audit(request.audit, entry.row, pending_);
  answer_schedule({.row = entry.row, .created = true}, std::move(reply));
  arm_schedules();
}

/// The schedule keeps its id, its slots and what waits; its new rule counts from now on.
void ShardGroup::replace_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request,
                                  Reply<ScheduleAnswer> reply) {
  store::ScheduleRow row = entry.row;
  row.settings = request.settings;
  auto fresh = schedule_entry(std::move(row));
  if (!fresh) {
    reply(fresh.error());
    return;
  }
  if (entry.is_paused()) settle_pause(entry);
  entry.settings = std::move((*fresh)->settings);
  entry.timetable = std::move((*fresh)->timetable);
  entry.job = std::move((*fresh)->job);
  entry.row.settings = request.settings;
  entry.row.updated_at = clock_.now();
  entry.row.progress.decided_until = std::max(entry.row.progress.decided_until, entry.row.updated_at);
  if (entry.settings.overlap == schedule::Overlap::parallel) {
    for (const RunId& run_id : entry.row.progress.open_runs) shard.schedules.open_runs.erase(run_id);
    entry.row.progress.open_runs.clear();
  }
  plan_next(shard, entry);
  pending_.batch.schedules.push_back(entry.row);
  write_audit(request.audit, entry.row, pending_);
  answer_schedule({.row = entry.row}, std::move(reply));
  arm_schedules();
}

/// The days of its calendar are others now; what is decided stays decided.
void ShardGroup::take_calendar(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request,
                               Reply<ScheduleAnswer> reply) {
  if (entry.settings.calendar && entry.settings.calendar->name == request.calendar) {
    schedule::Settings settings = entry.settings;
    if (const Status taken = schedule::take_days(*settings.calendar, request.days); !taken) {
      reply(taken.error());
      return;
    }
    auto timetable = schedule::timetable_of(settings, entry.row.created_at, entry.row.schedule_id.str());
    if (!timetable) {
      reply(timetable.error());
      return;
    }
    entry.settings = std::move(settings);
    entry.timetable = *std::move(timetable);
    entry.row.settings = schedule::settings_text(entry.settings);
    plan_next(shard, entry);
    pending_.batch.schedules.push_back(entry.row);
    arm_schedules();
  }
  answer_schedule({.row = entry.row}, std::move(reply));
}

/// Its slots stay until they are old; what waits will not start.
void ShardGroup::remove_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request,
                                 Reply<ScheduleAnswer> reply) {
  for (auto& [at, waiting] : entry.queued) {
    waiting.outcome = SlotOutcome::cancelled;
    waiting.reason = "schedule-removed";
    waiting.decided_at = clock_.now();
    write_slot(waiting);
  }
  const store::ScheduleRow row = entry.row;
  // A batch removes first and writes then: what it would write must not bring the schedule back.
  erase_rows(pending_.batch.schedules, row);
  erase_rows(pending_.batch.schedules_moved, row);
  pending_.batch.schedules_removed.push_back(row);
  if (entry.due) shard.schedules.due.erase({*entry.due, entry.key()});
  for (const RunId& run_id : row.progress.open_runs) shard.schedules.open_runs.erase(run_id);
  shard.schedules.entries.erase(entry.key());
  write_audit(request.audit, row, pending_);
  answer_schedule({.row = row}, std::move(reply));
}

void ShardGroup::pause_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request,
                                Reply<ScheduleAnswer> reply) {
  if (!entry.is_paused()) {
    entry.row.progress.paused_at = clock_.now();
    plan_next(shard, entry);
    save_schedule(entry);
  }
  write_audit(request.audit, entry.row, pending_);
  answer_schedule({.row = entry.row}, std::move(reply));
}

void ShardGroup::resume_schedule(Shard& shard, ScheduleEntry& entry, const ScheduleRequest& request,
                                 Reply<ScheduleAnswer> reply) {
  if (entry.is_paused()) {
    settle_pause(entry);
    entry.row.progress.paused_at.reset();
    plan_next(shard, entry);
    save_schedule(entry);
    arm_schedules();
  }
  write_audit(request.audit, entry.row, pending_);
  answer_schedule({.row = entry.row}, std::move(reply));
}

/// The slots of a pause have one fate, and together one row.
void ShardGroup::settle_pause(ScheduleEntry& entry) {
  const Timestamp now = clock_.now();
  Timestamp& until = entry.row.progress.decided_until;
  // Holidays within a pause are part of it.
  const auto first = entry.timetable.next_after(until);
  if (first && first->at <= now) write_range(entry, first->at, now, SlotOutcome::skipped, "paused");
  until = std::max(until, now);
}

/// A run now, whatever else is open, also while the schedule is paused.
void ShardGroup::trigger_schedule(ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply) {
  ScheduleSlotRow slot;
  slot.shard = entry.row.shard;
  slot.schedule_id = entry.row.schedule_id;
  slot.origin = SlotOrigin::trigger;
  slot.slot_at = slot.fire_at = trigger_slot(request.run_id);
  StartRequest start = scheduled_start(entry, slot);
  start.id = request.run_id;
  start.traceparent = request.traceparent;
  start.maybe_repeated = true;
  const auto generation = find_shard(entry.row.shard)->generation;
  start_active(std::move(start), {},
               [this, generation, key = entry.key(), slot = std::move(slot), row = entry.row, audit = request.audit,
                reply = std::move(reply)](Result<StartAnswer> answer) mutable {
                 Shard* shard = find_shard(slot.shard);
                 if (!answer) {
                   reply(answer.error());
                   return;
                 }
                 if (shard == nullptr || shard->generation != generation) {
                   reply(fail(ErrorCode::unavailable, "the owner of this schedule is changing; try again"));
                   return;
                 }
                 slot.outcome = SlotOutcome::started;
                 slot.run_id = answer->run_id;
                 slot.decided_at = clock_.now();
                 if (ScheduleEntry* entry = find_schedule(slot.shard, key, slot.schedule_id)) {
                   if (!is_closed(answer->state)) track_run(*shard, *entry, answer->run_id);
                   entry->row.progress.last_run_id = answer->run_id;
                   place_schedule(*shard, *entry);
                   save_schedule(*entry);
                   row = entry->row;
                 }
                 write_slot(std::move(slot));
                 write_audit(std::move(audit), row, pending_);
                 answer_schedule({.row = std::move(row), .run_id = answer->run_id}, std::move(reply));
               });
}

// ---- backfill ----------------------------------------------------------------------------------------------------

struct ShardGroup::Backfill {
  ShardId shard{};
  ScheduleKey key;
  store::ScheduleId schedule_id;
  std::vector<schedule::Slot> slots;
  std::optional<AuditEntry> audit;
  Reply<ScheduleAnswer> reply;
};

/// Past slots that started nothing wait for their turn, oldest first.
void ShardGroup::backfill_schedule(ScheduleEntry& entry, const ScheduleRequest& request, Reply<ScheduleAnswer> reply) {
  if (entry.backfilling) {
    reply(fail(ErrorCode::conflict, "another backfill of this schedule is being taken up; try again"));
    return;
  }
  // Later slots are still to come, and fire by themselves.
  const Timestamp to = std::min(request.to, entry.row.progress.decided_until + Duration{1});
  auto slots = entry.timetable.between(request.from, to, kMaxBackfillSlots + 1);
  if (slots.size() > kMaxBackfillSlots) {
    reply(Error(ErrorCode::invalid_argument, "invalid-body",
                "the range has more than " + std::to_string(kMaxBackfillSlots) + " slots; ask for a shorter one"));
    return;
  }
  std::erase_if(slots, [&](const schedule::Slot& slot) { return entry.queued.contains(slot.at); });
  if (slots.empty()) {
    write_audit(request.audit, entry.row, pending_);
    answer_schedule({.row = entry.row}, std::move(reply));
    return;
  }
  entry.backfilling = true;
  // Shared: kept by two callbacks in turn.
  auto backfill = std::make_shared<Backfill>(
      Backfill{entry.row.shard, entry.key(), entry.row.schedule_id, std::move(slots), request.audit, std::move(reply)});
  // Behind whatever is pending: the rows of slots that were just decided must be there to be seen.
  touch(backfill->shard, pending_);
  pending_.after.push_back({backfill->shard,
                            [this, backfill](const Status& status) {
                              if (!status) {
                                backfill->reply(status.error());
                                return;
                              }
                              std::vector<Timestamp> moments;
                              for (const auto& slot : backfill->slots) moments.push_back(slot.at);
                              parts_.store.find_schedule_slots(
                                  backfill->shard, backfill->schedule_id, std::move(moments),
                                  [this, backfill](Result<std::vector<ScheduleSlotRow>> known) {
                                    parts_.executor.post([this, backfill, known = std::move(known)]() mutable {
                                      backfill_looked_up(*backfill, std::move(known));
                                    });
                                  });
                            },
                            std::nullopt});
  flush_soon();
}

void ShardGroup::backfill_looked_up(const Backfill& backfill, Result<std::vector<ScheduleSlotRow>> known) {
  ScheduleEntry* entry = find_schedule(backfill.shard, backfill.key, backfill.schedule_id);
  if (entry == nullptr) {
    backfill.reply(fail(ErrorCode::unavailable, "the schedule or its owner has changed; try again"));
    return;
  }
  entry->backfilling = false;
  if (!known) {
    backfill.reply(known.error());
    return;
  }
  std::set<Timestamp> taken;
  for (const auto& row : *known) {
    if (row.outcome == SlotOutcome::started || row.outcome == SlotOutcome::queued) taken.insert(row.slot_at);
  }
  const auto is_taken = [&](const auto& slot) { return taken.contains(slot.at) || entry->queued.contains(slot.at); };
  const auto fresh = backfill.slots.size() -
                     static_cast<std::size_t>(std::count_if(backfill.slots.begin(), backfill.slots.end(), is_taken));
  if (entry->queued.size() + fresh > kMaxQueuedSlots) {
    backfill.reply(
        fail(ErrorCode::resource_exhausted, "too many slots of this schedule wait already; try again later"));
    return;
  }
  for (const schedule::Slot& slot : backfill.slots) {
    if (is_taken(slot)) continue;
    ScheduleSlotRow row;
    row.shard = backfill.shard;
    row.schedule_id = backfill.schedule_id;
    row.slot_at = slot.at;
    row.fire_at = slot.fire_at;
    row.decided_at = clock_.now();
    row.outcome = SlotOutcome::queued;
    row.reason = "backfill";
    entry->queued[slot.at] = row;
    write_slot(std::move(row));
  }
  place_schedule(*find_shard(backfill.shard), *entry);
  arm_schedules();
  write_audit(backfill.audit, entry->row, pending_);
  answer_schedule({.row = entry->row, .slots = static_cast<std::int64_t>(fresh)}, backfill.reply);
}

void ShardGroup::answer_schedule(ScheduleAnswer answer, Reply<ScheduleAnswer> reply) {
  const ShardId shard = answer.row.shard;
  touch(shard, pending_);
  pending_.after.push_back({shard,
                            [answer = std::move(answer), reply = std::move(reply)](const Status& status) {
                              if (status) {
                                reply(answer);
                              } else {
                                reply(status.error());
                              }
                            },
                            std::nullopt});
  flush_soon();
}

}  // namespace orchestrator::runtime
