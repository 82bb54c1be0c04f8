#pragma once

#include <string>
#include <vector>

#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

/// Schedules and their slots in PostgreSQL. The functions that take a Transaction throw what libpqxx throws.
namespace orchestrator::store::postgres {

/// How long slots are remembered. Source: docs/operations/limits.md.
inline constexpr std::int32_t kSlotDays = 90;

/// Writes what the batch says about schedules, if it says anything: after commit_batch, in its transaction.
void write_schedules(Transaction& transaction, const Batch& batch);

std::vector<LoadedSchedule> load_schedules(Transaction& transaction, ShardId shard);

Result<ScheduleRow> find_schedule(Session& session, const ScheduleRef& ref);
Result<SchedulePage> list_schedules(Session& session, const ScheduleFilter& filter);
Result<SlotPage> list_schedule_slots(Session& session, const SlotFilter& filter);
Result<std::vector<ScheduleSlotRow>> find_schedule_slots(Session& session, ShardId shard, ScheduleId schedule_id,
                                                         const std::vector<Timestamp>& slots);
void forget_old_slots(Transaction& transaction);

}  // namespace orchestrator::store::postgres
