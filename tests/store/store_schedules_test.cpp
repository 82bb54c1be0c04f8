#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreSchedules = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreSchedules, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

ScheduleId schedule_id(std::int32_t shard, int number) {
  return ScheduleId{make_uuid7(noon() + std::chrono::milliseconds{number}, ShardId{shard}, 7)};
}

ScheduleRow a_schedule(std::int32_t shard, const std::string& name, int number = 1) {
  ScheduleRow row;
  row.shard = ShardId{shard};
  row.namespace_name = "default";
  row.name = name;
  row.schedule_id = schedule_id(shard, number);
  row.settings = R"({"cron":"@daily","input":{"text":"a\u0000b"}})";
  row.progress.decided_until = noon();
  row.progress.next_fire_at = noon() + std::chrono::hours{1};
  row.created_at = noon();
  row.updated_at = noon() + Duration{5};
  return row;
}

ScheduleSlotRow a_slot(const ScheduleRow& schedule, int minute, SlotOutcome outcome) {
  ScheduleSlotRow row;
  row.shard = schedule.shard;
  row.schedule_id = schedule.schedule_id;
  row.slot_at = row.fire_at = noon() + std::chrono::minutes{minute};
  row.decided_at = row.fire_at + Duration{1};
  row.outcome = outcome;
  if (outcome == SlotOutcome::started) row.run_id = next_run_id(to_int(schedule.shard));
  return row;
}

Result<ScheduleRow> find(Store& store, const ScheduleRow& row) {
  return ask<ScheduleRow>([&](auto done) { store.find_schedule(row, done); });
}

Result<SlotPage> slots(Store& store, const ScheduleRow& row, std::int32_t limit, const std::string& cursor = {}) {
  const SlotFilter filter{row.shard, row.schedule_id, limit, cursor};
  return ask<SlotPage>([&](auto done) { store.list_schedule_slots(filter, done); });
}

TEST_P(StoreSchedules, AScheduleIsReadAsItWasWritten) {
  ScheduleRow row = a_schedule(2, "nightly");
  row.progress.last_run_id = next_run_id(2);
  row.progress.open_runs = {*row.progress.last_run_id};
  row.progress.paused_at = noon() + std::chrono::minutes{3};
  Batch batch = a_batch({own(2)});
  batch.schedules = {row};

  ASSERT_TRUE(commit(batch));

  const auto found = find(store(), row);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->schedule_id, row.schedule_id);
  EXPECT_EQ(found->settings, row.settings);
  EXPECT_EQ(found->progress.decided_until, row.progress.decided_until);
  EXPECT_EQ(found->progress.next_fire_at, row.progress.next_fire_at);
  EXPECT_EQ(found->progress.paused_at, row.progress.paused_at);
  EXPECT_EQ(found->progress.last_run_id, row.progress.last_run_id);
  EXPECT_EQ(found->progress.open_runs, row.progress.open_runs);
  EXPECT_EQ(found->created_at, row.created_at);
  EXPECT_EQ(found->updated_at, row.updated_at);
}

TEST_P(StoreSchedules, ItsProgressMovesWithoutItsSettings) {
  const ScheduleRow row = a_schedule(2, "nightly");
  const ShardLease lease = own(2);
  Batch first = a_batch({lease});
  first.schedules = {row};
  ASSERT_TRUE(commit(first));
  Batch second = a_batch({lease});
  ScheduleUpdate moved;
  static_cast<ScheduleRef&>(moved) = row;
  moved.progress.decided_until = noon() + std::chrono::hours{1};
  second.schedules_moved = {moved};

  ASSERT_TRUE(commit(second));

  const auto found = find(store(), row);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->settings, row.settings);
  EXPECT_EQ(found->progress.decided_until, moved.progress.decided_until);
  EXPECT_EQ(found->progress.next_fire_at, std::nullopt);
}

TEST_P(StoreSchedules, NothingIsWrittenUnderALostFence) {
  ShardLease stale = own(2);
  own(store(), "a", {2});
  const ScheduleRow row = a_schedule(2, "nightly");
  Batch batch = a_batch({stale});
  batch.schedules = {row};
  batch.schedule_slots = {a_slot(row, 1, SlotOutcome::skipped)};

  const auto answer = commit(batch);

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->lost, std::vector{ShardId{2}});
  EXPECT_EQ(find(store(), row).error().code, ErrorCode::not_found);
  EXPECT_TRUE(slots(store(), row, 10)->items.empty());
}

TEST_P(StoreSchedules, AStartAndItsSlotAreOneCommit) {
  const ScheduleRow row = a_schedule(2, "nightly");
  const OpenRunRow run = an_open_run(2);
  const ShardLease lease = own(2);
  Batch batch = a_batch({lease});
  batch.opened = {run};
  batch.schedules = {row};
  batch.schedule_slots = {a_slot(row, 1, SlotOutcome::started)};
  ASSERT_TRUE(commit(batch));
  Batch again = a_batch({lease});
  again.opened = {run};
  again.schedule_slots = {a_slot(row, 2, SlotOutcome::started)};

  EXPECT_FALSE(commit(again));

  EXPECT_EQ(slots(store(), row, 10)->items.size(), 1U);
}

TEST_P(StoreSchedules, ASlotChangesItsOutcomeAndIsListedOnce) {
  const ScheduleRow row = a_schedule(2, "nightly");
  const ShardLease lease = own(2);
  Batch batch = a_batch({lease});
  batch.schedules = {row};
  ScheduleSlotRow range = a_slot(row, 1, SlotOutcome::missed);
  range.origin = SlotOrigin::range;
  range.last_slot_at = range.slot_at + std::chrono::minutes{5};
  range.slot_count = 6;
  range.reason = "late";
  batch.schedule_slots = {a_slot(row, 1, SlotOutcome::queued), a_slot(row, 2, SlotOutcome::queued),
                          a_slot(row, 1, SlotOutcome::skipped), range};
  ASSERT_TRUE(commit(batch));
  Batch later = a_batch({lease});
  later.schedule_slots = {a_slot(row, 2, SlotOutcome::started)};
  ASSERT_TRUE(commit(later));

  const auto first = slots(store(), row, 2);
  ASSERT_TRUE(first && first->next_cursor);
  const auto second = slots(store(), row, 2, *first->next_cursor);
  ASSERT_TRUE(second);

  ASSERT_EQ(first->items.size(), 2U);
  EXPECT_EQ(first->items[0].outcome, SlotOutcome::started);
  EXPECT_EQ(first->items[0].run_id, later.schedule_slots[0].run_id);
  EXPECT_EQ(first->items[1].outcome, SlotOutcome::skipped);
  ASSERT_EQ(second->items.size(), 1U);
  EXPECT_EQ(second->next_cursor, std::nullopt);
  EXPECT_EQ(second->items[0].origin, SlotOrigin::range);
  EXPECT_EQ(second->items[0].slot_count, 6);
  EXPECT_EQ(second->items[0].last_slot_at, range.last_slot_at);
  EXPECT_EQ(second->items[0].reason, "late");
  EXPECT_EQ(slots(store(), row, 2, "nonsense").error().slug, "invalid-parameter");
}

TEST_P(StoreSchedules, ANewOwnerLoadsSchedulesWithWhatWaitsAndWhatIsOpen) {
  ScheduleRow row = a_schedule(2, "nightly");
  const OpenRunRow run = an_open_run(2);
  row.progress.open_runs = {run.header.id, next_run_id(2)};
  Batch batch = a_batch({own(2), own(3)});
  batch.opened = {run};
  batch.schedules = {row, a_schedule(2, "other", 2), a_schedule(3, "elsewhere", 3)};
  batch.schedule_slots = {a_slot(row, 5, SlotOutcome::queued), a_slot(row, 4, SlotOutcome::queued),
                          a_slot(row, 3, SlotOutcome::skipped)};
  ASSERT_TRUE(commit(batch));
  const ShardLease lease = own(2);

  const auto recovery = ask<Recovery>([&](auto done) { store().recover(lease, noon(), done); });

  ASSERT_TRUE(recovery) << recovery.error().message;
  ASSERT_EQ(recovery->schedules.size(), 2U);
  const LoadedSchedule& loaded = recovery->schedules[0];
  EXPECT_EQ(loaded.row.name, "nightly");
  EXPECT_EQ(loaded.row.progress.open_runs, std::vector{run.header.id});
  ASSERT_EQ(loaded.queued.size(), 2U);
  EXPECT_LT(loaded.queued[0].slot_at, loaded.queued[1].slot_at);
  EXPECT_TRUE(recovery->schedules[1].queued.empty());
}

TEST_P(StoreSchedules, ARemovedScheduleIsGoneAndItsSlotsStay) {
  const ScheduleRow row = a_schedule(2, "nightly");
  const ShardLease lease = own(2);
  Batch batch = a_batch({lease});
  batch.schedules = {row};
  batch.schedule_slots = {a_slot(row, 1, SlotOutcome::skipped)};
  ASSERT_TRUE(commit(batch));
  Batch removal = a_batch({lease});
  removal.schedules_removed = {row};

  ASSERT_TRUE(commit(removal));

  EXPECT_EQ(find(store(), row).error().code, ErrorCode::not_found);
  EXPECT_EQ(slots(store(), row, 10)->items.size(), 1U);
}

TEST_P(StoreSchedules, ListsAreOfOneNamespaceNewestFirst) {
  Batch batch = a_batch({own(2), own(3)});
  batch.schedules = {a_schedule(2, "one", 1), a_schedule(3, "two", 2), a_schedule(2, "three", 3)};
  batch.schedules.push_back(a_schedule(3, "foreign", 4));
  batch.schedules.back().namespace_name = "other";
  ASSERT_TRUE(commit(batch));
  const auto list = [&](const std::string& cursor) {
    const ScheduleFilter filter{"default", 2, cursor};
    return ask<SchedulePage>([&](auto done) { store().list_schedules(filter, done); });
  };

  const auto first = list("");
  ASSERT_TRUE(first && first->next_cursor);
  const auto second = list(*first->next_cursor);

  ASSERT_EQ(first->items.size(), 2U);
  EXPECT_EQ(first->items[0].name, "three");
  EXPECT_EQ(first->items[1].name, "two");
  ASSERT_TRUE(second);
  ASSERT_EQ(second->items.size(), 1U);
  EXPECT_EQ(second->items[0].name, "one");
  EXPECT_EQ(second->next_cursor, std::nullopt);
  EXPECT_EQ(list("x").error().slug, "invalid-parameter");
}

TEST_P(StoreSchedules, ThoseOfManySlotsThatHaveARowAreFound) {
  const ScheduleRow row = a_schedule(2, "nightly");
  Batch batch = a_batch({own(2)});
  batch.schedule_slots = {a_slot(row, 1, SlotOutcome::skipped), a_slot(row, 2, SlotOutcome::started),
                          a_slot(row, 9, SlotOutcome::skipped)};
  ASSERT_TRUE(commit(batch));
  std::vector<Timestamp> asked;
  for (int minute = 1; minute <= 5; ++minute) asked.push_back(noon() + std::chrono::minutes{minute});

  const auto found = ask<std::vector<ScheduleSlotRow>>(
      [&](auto done) { store().find_schedule_slots(row.shard, row.schedule_id, asked, done); });

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->size(), 2U);
}

}  // namespace
}  // namespace orchestrator::store
