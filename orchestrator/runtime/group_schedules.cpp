// Schedules: each slot gets exactly one outcome, in the same batch as the start that it means.
#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {
namespace {

using store::ScheduleSlotRow;
using store::SlotOrigin;
using store::SlotOutcome;

constexpr const char* kOverlap = "overlap";
constexpr const char* kLate = "late";
constexpr const char* kHoliday = "holiday";
/// Schedules due within this have an exact timer; a sweep a second looks at the rest.
constexpr Duration kExactHorizon = std::chrono::seconds{5};
/// When a start that could not be tried is tried again.
constexpr Duration kStartAgainAfter = std::chrono::seconds{1};
/// How old the time in the id of a run that begins may be.
constexpr Duration kOldestIdTime = std::chrono::hours{24};
/// Slots of one schedule that are decided in one go; the strand has others to serve.
constexpr int kDecisionsInOneGo = 200;

ScheduleSlotRow slot_row(const ScheduleEntry& entry, const schedule::Slot& slot, Timestamp now) {
  ScheduleSlotRow row;
  row.shard = entry.row.shard;
  row.schedule_id = entry.row.schedule_id;
  row.slot_at = slot.at;
  row.fire_at = slot.fire_at;
  row.decided_at = now;
  return row;
}

/// The word for a start that was refused: the problem's own, or the kind of error.
std::string refusal_word(const Error& error) {
  return error.slug.empty() ? std::string(error_traits(error.code).name) : error.slug;
}

}  // namespace

// ---- memory ------------------------------------------------------------------------------------------------------

void ShardGroup::adopt_schedules(Shard& shard, std::vector<store::LoadedSchedule> loaded) {
  shard.schedules = {};
  for (store::LoadedSchedule& one : loaded) {
    auto entry = schedule_entry(std::move(one.row));
    if (!entry) continue;
    for (ScheduleSlotRow& slot : one.queued) (*entry)->queued.emplace(slot.slot_at, std::move(slot));
    ScheduleEntry& kept = keep_schedule(shard, *std::move(entry));
    for (const RunId& run_id : kept.row.progress.open_runs) shard.schedules.open_runs[run_id] = kept.key();
    plan_next(shard, kept);
    // The last owner may have died between writing that a slot waits and asking the run before to end.
    if (kept.settings.overlap == schedule::Overlap::cancel && !kept.queued.empty()) cancel_open_runs(kept);
  }
  arm_schedules();
}

Result<std::unique_ptr<ScheduleEntry>> ShardGroup::schedule_entry(store::ScheduleRow row) {
  const auto unreadable = [&](const Error& error) {
    parts_.logger.error("schedule_unreadable", {{"schedule", row.name}, {"reason", error.message}});
    return error;
  };
  auto settings = schedule::settings_of(row.settings);
  if (!settings) return unreadable(settings.error());
  auto timetable = schedule::timetable_of(*settings, row.created_at, row.schedule_id.str());
  if (!timetable) return unreadable(timetable.error());
  std::optional<JobStart> job;
  if (settings->job) {
    auto read = job_start_from(*settings->job);
    if (!read) return unreadable(read.error());
    job = *std::move(read);
  }
  auto entry = std::make_unique<ScheduleEntry>(std::move(row), *std::move(settings), *std::move(timetable));
  entry->job = std::move(job);
  return entry;
}

ScheduleEntry& ShardGroup::keep_schedule(Shard& shard, std::unique_ptr<ScheduleEntry> entry) {
  return *(shard.schedules.entries[entry->key()] = std::move(entry));
}

ScheduleEntry* ShardGroup::find_schedule(ShardId shard_id, const ScheduleKey& key, store::ScheduleId schedule_id) {
  Shard* shard = find_shard(shard_id);
  if (shard == nullptr || shard->phase != Shard::Phase::active) return nullptr;
  const auto found = shard->schedules.entries.find(key);
  if (found == shard->schedules.entries.end() || found->second->row.schedule_id != schedule_id) return nullptr;
  return found->second.get();
}

// ---- time --------------------------------------------------------------------------------------------------------

/// Finds the first slot that is not decided and puts the schedule where the clock finds it.
void ShardGroup::plan_next(Shard& shard, ScheduleEntry& entry) {
  entry.next = entry.timetable.next_planned_after(entry.row.progress.decided_until);
  // A holiday's slot is decided too, but it does not fire.
  const auto fires = entry.next && entry.next->is_holiday ? entry.timetable.next_after(entry.next->at) : entry.next;
  entry.row.progress.next_fire_at = fires && !entry.is_paused() ? std::optional(fires->fire_at) : std::nullopt;
  place_schedule(shard, entry);
}

void ShardGroup::place_schedule(Shard& shard, ScheduleEntry& entry) {
  if (entry.due) shard.schedules.due.erase({*entry.due, entry.key()});
  entry.due.reset();
  if (entry.is_paused() || entry.starting) return;
  const bool may_take_queued = !entry.queued.empty() && entry.row.progress.open_runs.empty();
  if (may_take_queued) {
    entry.due = entry.not_before.value_or(clock_.now());
  } else if (entry.next) {
    entry.due = std::max(entry.next->fire_at, entry.not_before.value_or(entry.next->fire_at));
  }
  if (entry.due) shard.schedules.due.emplace(*entry.due, entry.key());
}

void ShardGroup::arm_schedules() {
  if (!parts_.headquarters.has_scheduler()) return;
  std::optional<Timestamp> next;
  for (const auto& [id, shard] : shards_) {
    if (shard->phase != Shard::Phase::active || shard->leaving || shard->schedules.due.empty()) continue;
    const Timestamp due = shard->schedules.due.begin()->first;
    if (!next || due < *next) next = due;
  }
  const Timestamp now = clock_.now();
  if (!next || *next > now + kExactHorizon || (schedules_armed_for_ && *schedules_armed_for_ <= *next)) return;
  schedules_armed_for_ = next;
  parts_.executor.post_after(std::max(Duration{0}, *next - now), [this, number = ++schedules_arm_number_] {
    if (number != schedules_arm_number_) return;
    schedules_armed_for_.reset();
    fire_schedules();
  });
}

void ShardGroup::fire_schedules() {
  if (!parts_.headquarters.has_scheduler()) return;
  const Timestamp now = clock_.now();
  std::vector<std::tuple<ShardId, ScheduleKey, store::ScheduleId>> due;
  for (const auto& [id, shard] : shards_) {
    if (shard->phase != Shard::Phase::active || shard->leaving) continue;
    for (const auto& [at, key] : shard->schedules.due) {
      if (at > now) break;
      due.emplace_back(id, key, shard->schedules.entries.at(key)->row.schedule_id);
    }
  }
  for (const auto& [shard_id, key, schedule_id] : due) {
    ScheduleEntry* entry = find_schedule(shard_id, key, schedule_id);
    if (entry != nullptr) advance_schedule(*find_shard(shard_id), *entry);
  }
  arm_schedules();
}

// ---- deciding ----------------------------------------------------------------------------------------------------

/// Decides what is due. Ends with a start on its way, or with nothing more to do now.
void ShardGroup::advance_schedule(Shard& shard, ScheduleEntry& entry) {
  entry.not_before.reset();
  const auto may_go_on = [&] { return !entry.is_paused() && !entry.starting && !entry.not_before; };
  for (int decided = 0; decided < kDecisionsInOneGo && may_go_on(); ++decided) {
    const bool alone = entry.settings.overlap != schedule::Overlap::parallel;
    if (!entry.queued.empty() && (!alone || entry.row.progress.open_runs.empty())) {
      start_slot(shard, entry, entry.queued.begin()->second);
      continue;
    }
    const Timestamp now = clock_.now();
    if (!entry.next || entry.next->fire_at > now) break;
    if (now - entry.next->fire_at > kMissedAfter) {
      decide_missed(entry, now);
    } else if (entry.next->is_holiday) {
      skip_holidays(entry, entry.next->at);
      save_schedule(entry);
    } else {
      decide_slot(shard, entry, slot_row(entry, *entry.next, now));
    }
    if (!entry.starting) plan_next(shard, entry);
  }
  place_schedule(shard, entry);
}

/// One slot on time: it starts, waits, or is passed over, as the schedule's overlap says.
void ShardGroup::decide_slot(Shard& shard, ScheduleEntry& entry, ScheduleSlotRow slot) {
  const auto overlap = entry.settings.overlap;
  if (overlap == schedule::Overlap::parallel || !entry.is_busy()) {
    start_slot(shard, entry, std::move(slot));
    return;
  }
  entry.row.progress.decided_until = std::max(entry.row.progress.decided_until, slot.slot_at);
  // Whoever asked for all missed slots wants this one after them.
  const bool is_behind_missed = std::any_of(entry.queued.begin(), entry.queued.end(),
                                            [](const auto& waiting) { return waiting.second.reason == kLate; });
  if (overlap == schedule::Overlap::skip && !is_behind_missed) {
    slot.outcome = SlotOutcome::skipped;
    slot.reason = kOverlap;
  } else if (entry.queued.size() >= kMaxQueuedSlots) {
    slot.outcome = SlotOutcome::skipped;
    slot.reason = "queue-full";
  } else {
    if (overlap == schedule::Overlap::cancel) make_way(entry);
    slot.outcome = SlotOutcome::queued;
    slot.reason = kOverlap;
    entry.queued[slot.slot_at] = slot;
  }
  write_slot(std::move(slot));
  save_schedule(entry);
}

/// Overlap `cancel`: what runs is asked to end, and what waited for that is passed over.
void ShardGroup::make_way(ScheduleEntry& entry) {
  for (auto& [at, waiting] : entry.queued) {
    waiting.outcome = SlotOutcome::cancelled;
    waiting.reason = "superseded";
    waiting.decided_at = clock_.now();
    write_slot(waiting);
  }
  entry.queued.clear();
  cancel_open_runs(entry);
}

void ShardGroup::cancel_open_runs(const ScheduleEntry& entry) {
  const std::vector<RunId> open = entry.row.progress.open_runs;
  for (const RunId& run_id : open) {
    with_run(run_id, [this](Result<RunEntry*> run) {
      if (!run || *run == nullptr || is_closed((*run)->run.state())) return;
      const core::CancelAsked cancel{CancelMode::graceful, "the next slot of its schedule has come", "orchestrator"};
      mark_in_hand(**run);
      const Status asked = decide(**run, cancel, pending_);
      if (!asked) parts_.logger.debug("cancel_of_overlapped_run_refused", {{"reason", asked.error().message}});
    });
  }
}

/// Slots that start nothing because of their day: each has its row, a long time of them one together.
void ShardGroup::skip_holidays(ScheduleEntry& entry, Timestamp until) {
  Timestamp& decided = entry.row.progress.decided_until;
  const auto limit = static_cast<std::size_t>(kMaxCountedSlots);
  const auto holidays = entry.timetable.holidays_between(decided, until, limit + 1);
  if (holidays.empty()) return;
  const bool is_counted = holidays.size() <= limit;
  if (holidays.size() > kMaxMissedRows) {
    ScheduleSlotRow row = slot_row(entry, holidays.front(), clock_.now());
    row.origin = SlotOrigin::range;
    row.outcome = SlotOutcome::skipped;
    row.reason = kHoliday;
    row.last_slot_at = is_counted ? holidays.back().at : until;
    if (is_counted) row.slot_count = static_cast<std::int32_t>(holidays.size());
    write_slot(std::move(row));
  } else {
    for (const schedule::Slot& slot : holidays) {
      ScheduleSlotRow row = slot_row(entry, slot, clock_.now());
      row.outcome = SlotOutcome::skipped;
      row.reason = kHoliday;
      write_slot(std::move(row));
    }
  }
  decided = is_counted ? holidays.back().at : until;
}

/// Everything whose time passed while nobody was there.
void ShardGroup::decide_missed(ScheduleEntry& entry, Timestamp now) {
  const Timestamp after = entry.row.progress.decided_until;
  const Timestamp until = now - kMissedAfter - Duration{1};
  schedule::LastSlots missed = entry.timetable.due_between(after, until, kMaxMissedRows);
  std::size_t starts = 0;
  if (entry.settings.missed == schedule::Missed::latest) starts = 1;
  if (entry.settings.missed == schedule::Missed::all) starts = static_cast<std::size_t>(entry.settings.missed_max);
  starts = std::min({starts, missed.slots.size(), kMaxQueuedSlots - std::min(kMaxQueuedSlots, entry.queued.size())});

  if (missed.first_left) {
    write_range(entry, *missed.first_left, *missed.last_left, SlotOutcome::missed, kLate);
  }
  for (std::size_t i = 0; i < missed.slots.size(); ++i) {
    ScheduleSlotRow slot = slot_row(entry, missed.slots[i], now);
    slot.reason = kLate;
    slot.outcome = i + starts < missed.slots.size() ? SlotOutcome::missed : SlotOutcome::queued;
    if (slot.outcome == SlotOutcome::queued) entry.queued[slot.slot_at] = slot;
    write_slot(std::move(slot));
  }
  // A slot that its jitter still holds back ends what can be decided now.
  const Timestamp last = missed.slots.empty() ? after : missed.slots.back().at;
  const auto held_back = entry.timetable.next_after(last);
  skip_holidays(entry, held_back && held_back->at <= until ? held_back->at - Duration{1} : until);
  entry.row.progress.decided_until = std::max(entry.row.progress.decided_until, last);
  save_schedule(entry);
}

/// Starts the run of a slot, or decides that nobody can.
void ShardGroup::start_slot(Shard& shard, ScheduleEntry& entry, ScheduleSlotRow slot) {
  entry.starting = true;
  StartRequest request = scheduled_start(entry, slot);
  const auto generation = shard.generation;
  start_active(std::move(request), {},
               [this, shard_id = shard.lease.shard, generation, key = entry.key(), schedule_id = entry.row.schedule_id,
                slot = std::move(slot)](Result<StartAnswer> answer) mutable {
                 Shard* owner = find_shard(shard_id);
                 if (owner == nullptr || owner->generation != generation) return;  // the next memory decides anew
                 // A schedule that was removed meanwhile still tells what became of this slot.
                 slot.decided_at = clock_.now();
                 ScheduleEntry* current = find_schedule(shard_id, key, schedule_id);
                 if (current != nullptr) current->starting = false;
                 if (!answer && error_traits(answer.error().code).retryable) {
                   if (current == nullptr) return;
                   current->not_before = clock_.now() + kStartAgainAfter;
                   place_schedule(*owner, *current);
                   return;
                 }
                 slot_started(*owner, current, std::move(slot), answer);
               });
}

/// The id is made of the slot: however often its start is asked for, it is one run.
StartRequest ShardGroup::scheduled_start(const ScheduleEntry& entry, const ScheduleSlotRow& slot) {
  const schedule::Settings& settings = entry.settings;
  StartRequest request;
  request.namespace_name = entry.row.namespace_name;
  request.workflow = settings.workflow;
  request.version = settings.version;
  if (entry.job) request.job = *entry.job;
  request.input = settings.input ? settings.input : make_payload(Json::object());
  request.priority = settings.priority;
  request.timeout_seconds = settings.timeout_seconds;
  Json attributes = settings.attributes ? *settings.attributes : Json::object();
  attributes["schedule"] = entry.row.name;
  attributes["slot"] = to_rfc3339(slot.slot_at);
  request.attributes = make_payload(std::move(attributes));
  const std::string name = entry.row.schedule_id.str() + "/" + std::to_string(to_micros(slot.slot_at)) + "/" +
                           std::string(to_string(slot.origin));
  // An id carries a time near that of its start: its journal lies in a partition of that week, and a slot may be of
  // last year.
  Timestamp at = slot.outcome == SlotOutcome::queued ? slot.decided_at : slot.fire_at;
  if (const Timestamp now = clock_.now(); now - at > kOldestIdTime) at = now;
  request.id = RunId{digest::derived_uuid(name, at, entry.row.shard)};
  request.answer_when_appended = true;
  return request;
}

/// The start is in the pending batch, or refused for good: the slot's row joins it.
void ShardGroup::slot_started(Shard& shard, ScheduleEntry* entry, ScheduleSlotRow slot,
                              const Result<StartAnswer>& answer) {
  const bool was_queued = slot.outcome == SlotOutcome::queued;
  if (answer) {
    slot.outcome = SlotOutcome::started;
    slot.run_id = answer->run_id;
    // What waited, was missed or filled in has no moment that it could be late for.
    if (slot.reason.empty() && slot.origin == SlotOrigin::schedule) {
      parts_.metrics.schedule_lateness_seconds.observe(
          std::chrono::duration<double>(slot.decided_at - slot.fire_at).count());
    }
  } else {
    slot.outcome = SlotOutcome::skipped;
    slot.reason = refusal_word(answer.error());
    parts_.logger.warn("scheduled_start_refused", {{"reason", answer.error().message}});
  }
  if (entry != nullptr) {
    if (answer) track_run(shard, *entry, answer->run_id);
    if (was_queued) entry->queued.erase(slot.slot_at);
    entry->row.progress.decided_until = std::max(entry->row.progress.decided_until, slot.slot_at);
    plan_next(shard, *entry);
    save_schedule(*entry);
  }
  touch(shard.lease.shard, pending_);
  write_slot(std::move(slot));
  arm_schedules();
}

void ShardGroup::track_run(Shard& shard, ScheduleEntry& entry, RunId run_id) {
  auto& progress = entry.row.progress;
  progress.last_run_id = run_id;
  if (entry.settings.overlap == schedule::Overlap::parallel || progress.open_runs.size() >= kMaxTrackedRuns) return;
  if (shard.schedules.open_runs.emplace(run_id, entry.key()).second) progress.open_runs.push_back(run_id);
}

/// A run ended, and that is committed: what waited for it has its turn.
void ShardGroup::scheduled_run_closed(Shard& shard, RunId run_id) {
  const auto found = shard.schedules.open_runs.find(run_id);
  if (found == shard.schedules.open_runs.end()) return;
  const ScheduleKey key = std::move(found->second);
  shard.schedules.open_runs.erase(found);
  const auto entry = shard.schedules.entries.find(key);
  if (entry == shard.schedules.entries.end()) return;
  // Its row learns of it with the next slot; a new owner looks which of them are open.
  std::erase(entry->second->row.progress.open_runs, run_id);
  place_schedule(shard, *entry->second);
  arm_schedules();
}

// ---- rows --------------------------------------------------------------------------------------------------------

void ShardGroup::write_slot(ScheduleSlotRow slot) {
  parts_.metrics.schedule_slot(slot.outcome).add();
  touch(slot.shard, pending_);
  pending_.batch.schedule_slots.push_back(std::move(slot));
  flush_soon();
}

/// Many slots with one fate, in one row: a year of pause is not a million rows.
void ShardGroup::write_range(const ScheduleEntry& entry, Timestamp first, Timestamp last, SlotOutcome outcome,
                             std::string reason) {
  ScheduleSlotRow row = slot_row(entry, {first, first}, clock_.now());
  row.origin = SlotOrigin::range;
  row.outcome = outcome;
  row.reason = std::move(reason);
  row.last_slot_at = last;
  row.slot_count = entry.timetable.count_between(first - Duration{1}, last, kMaxCountedSlots);
  write_slot(std::move(row));
}

void ShardGroup::save_schedule(ScheduleEntry& entry) {
  touch(entry.row.shard, pending_);
  store::ScheduleUpdate update;
  static_cast<store::ScheduleRef&>(update) = entry.row;
  update.progress = entry.row.progress;
  pending_.batch.schedules_moved.push_back(std::move(update));
  flush_soon();
}

}  // namespace orchestrator::runtime
