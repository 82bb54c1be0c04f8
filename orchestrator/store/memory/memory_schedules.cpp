// Schedules and their slots in memory.
#include <algorithm>

#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {

void write_schedules(Tables& tables, const Batch& batch) {
  for (const ScheduleRef& ref : batch.schedules_removed) {
    tables.schedules.erase({ref.shard, ref.namespace_name, ref.name});
  }
  for (const ScheduleRow& row : batch.schedules) tables.schedules[{row.shard, row.namespace_name, row.name}] = row;
  for (const ScheduleUpdate& row : batch.schedules_moved) {
    const auto found = tables.schedules.find({row.shard, row.namespace_name, row.name});
    if (found != tables.schedules.end()) found->second.progress = row.progress;
  }
  for (const ScheduleSlotRow& row : batch.schedule_slots) {
    tables.schedule_slots[{row.shard, row.schedule_id, row.slot_at, row.origin}] = row;
  }
}

std::vector<LoadedSchedule> load_schedules(const Tables& tables, ShardId shard) {
  std::vector<LoadedSchedule> schedules;
  for (const auto& [key, row] : tables.schedules) {
    if (row.shard != shard) continue;
    LoadedSchedule& loaded = schedules.emplace_back();
    loaded.row = row;
    std::erase_if(loaded.row.progress.open_runs, [&](const RunId& run_id) { return !tables.open.contains(run_id); });
    for (const auto& [slot_key, slot] : tables.schedule_slots) {
      if (slot.schedule_id == row.schedule_id && slot.outcome == SlotOutcome::queued) loaded.queued.push_back(slot);
    }
  }
  return schedules;
}

Result<ScheduleRow> find_schedule(const Tables& tables, const ScheduleRef& ref) {
  const auto found = tables.schedules.find({ref.shard, ref.namespace_name, ref.name});
  if (found == tables.schedules.end()) return fail(ErrorCode::not_found, "no such schedule: " + ref.name);
  return found->second;
}

Result<SchedulePage> list_schedules(const Tables& tables, const ScheduleFilter& filter) {
  std::optional<ScheduleId> before;
  if (!filter.cursor.empty()) {
    auto id = ScheduleId::parse(filter.cursor);
    if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
    before = *id;
  }
  SchedulePage page;
  for (const auto& [key, row] : tables.schedules) {
    if (row.namespace_name == filter.namespace_name && (!before || row.schedule_id < *before)) {
      page.items.push_back(row);
    }
  }
  std::sort(page.items.begin(), page.items.end(),
            [](const ScheduleRow& a, const ScheduleRow& b) { return b.schedule_id < a.schedule_id; });
  if (page.items.size() > static_cast<std::size_t>(filter.limit)) {
    page.items.resize(static_cast<std::size_t>(filter.limit));
    page.next_cursor = page.items.back().schedule_id.str();
  }
  return page;
}

Result<SlotPage> list_schedule_slots(const Tables& tables, const SlotFilter& filter) {
  auto before = parse_slot_cursor(filter.cursor);
  if (!before) return std::move(before).error();
  const auto place = [](const ScheduleSlotRow& row) { return std::pair(row.slot_at, to_string(row.origin)); };
  SlotPage page;
  for (const auto& [key, row] : tables.schedule_slots) {
    if (row.shard != filter.shard || row.schedule_id != filter.schedule_id) continue;
    if (*before && !(place(row) < std::pair((*before)->first, to_string((*before)->second)))) continue;
    page.items.push_back(row);
  }
  std::sort(page.items.begin(), page.items.end(),
            [&](const ScheduleSlotRow& a, const ScheduleSlotRow& b) { return place(b) < place(a); });
  if (page.items.size() > static_cast<std::size_t>(filter.limit)) {
    page.items.resize(static_cast<std::size_t>(filter.limit));
    page.next_cursor = slot_cursor(page.items.back());
  }
  return page;
}

std::vector<ScheduleSlotRow> find_schedule_slots(const Tables& tables, ShardId shard, ScheduleId schedule_id,
                                                 const std::vector<Timestamp>& slots) {
  std::vector<ScheduleSlotRow> answer;
  for (const Timestamp slot : slots) {
    const auto found = tables.schedule_slots.find({shard, schedule_id, slot, SlotOrigin::schedule});
    if (found != tables.schedule_slots.end()) answer.push_back(found->second);
  }
  return answer;
}

}  // namespace orchestrator::store::memory
