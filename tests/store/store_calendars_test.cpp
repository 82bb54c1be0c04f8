#include "orchestrator/store/calendar_rows.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreCalendars = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreCalendars, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

constexpr const char* kDays = R"({"dates":["2026-12-25"],"weekends":false})";

CalendarRow a_calendar(const std::string& name, const std::string& days = kDays) {
  CalendarRow row;
  row.namespace_name = "default";
  row.name = name;
  row.days = days;
  return row;
}

Result<PutCalendar> put(Store& store, const CalendarRow& row) {
  return ask<PutCalendar>([&](auto done) { store.put_calendar(row, std::nullopt, done); });
}
Result<CalendarRow> find(Store& store, const std::string& namespace_name, const std::string& name) {
  return ask<CalendarRow>([&](auto done) { store.find_calendar(namespace_name, name, done); });
}
Status remove(Store& store, const std::string& name) {
  return ask<void>([&](auto done) { store.delete_calendar("default", name, std::nullopt, done); });
}
std::vector<CalendarUser> users(Store& store, const std::string& calendar, ScheduleId after = {},
                                std::int32_t limit = 500) {
  const CalendarUserFilter filter{"default", calendar, after, limit};
  return *ask<std::vector<CalendarUser>>([&](auto done) { store.list_calendar_users(filter, done); });
}

ScheduleRow a_schedule(std::int32_t shard, int number, const std::string& settings) {
  ScheduleRow row;
  row.shard = ShardId{shard};
  row.namespace_name = "default";
  row.name = "s-" + std::to_string(number);
  row.schedule_id = ScheduleId{make_uuid7(noon() + std::chrono::milliseconds{number}, row.shard, 7)};
  row.settings = settings;
  row.created_at = row.updated_at = noon();
  return row;
}

TEST_P(StoreCalendars, AreReplacedUnderTheirName) {
  const auto first = put(store(), a_calendar("de"));
  const auto second = put(store(), a_calendar("de", R"({"dates":[],"weekends":true})"));

  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->created);
  EXPECT_FALSE(second->created);
  EXPECT_EQ(second->row.created_at, first->row.created_at);
  EXPECT_GE(second->row.changed_at, first->row.changed_at);
  EXPECT_EQ(find(store(), "default", "de")->days, R"({"dates":[],"weekends":true})");
  EXPECT_EQ(find(store(), "other", "de").error().code, ErrorCode::not_found);
}

TEST_P(StoreCalendars, AreListedByName) {
  for (const char* name : {"pl", "de", "in"}) ASSERT_TRUE(put(store(), a_calendar(name)));

  const auto listed = ask<std::vector<CalendarRow>>([&](auto done) { store().list_calendars("default", done); });

  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->size(), 3U);
  EXPECT_EQ(listed->at(0).name, "de");
  EXPECT_EQ(listed->at(2).name, "pl");
  EXPECT_TRUE(ask<std::vector<CalendarRow>>([&](auto done) { store().list_calendars("other", done); })->empty());
}

TEST_P(StoreCalendars, StayWhileAScheduleUsesThem) {
  ASSERT_TRUE(put(store(), a_calendar("de")));
  const ScheduleRow named = a_schedule(1, 1, R"({"calendar":{"name":"de","dates":[]}})");
  Batch batch = a_batch(own(store(), "a", {1, 2}));
  batch.schedules = {named, a_schedule(1, 2, R"({"calendar":{"name":"pl","dates":[]}})"),
                     a_schedule(2, 3, R"({"calendar":{"dates":[]}})"), a_schedule(2, 4, "{}")};
  ASSERT_TRUE(commit(batch));

  const Status refused = remove(store(), "de");
  Batch gone = a_batch(batch.leases);
  gone.schedules_removed = {named};
  ASSERT_TRUE(commit(gone));

  EXPECT_EQ(refused.error().slug, "wrong-state");
  EXPECT_NE(refused.error().message.find("s-1"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(remove(store(), "de"));
  EXPECT_EQ(remove(store(), "de").error().code, ErrorCode::not_found);
}

TEST_P(StoreCalendars, TellTheirUsersPageByPage) {
  const std::string uses = R"({"calendar":{"name":"de","dates":[]},"input":"a\u0000b"})";
  Batch batch = a_batch(own(store(), "a", {1, 2}));
  for (int number = 1; number <= 5; ++number) batch.schedules.push_back(a_schedule(1 + number % 2, number, uses));
  ASSERT_TRUE(commit(batch));

  const auto first = users(store(), "de", {}, 3);
  ASSERT_EQ(first.size(), 3U);
  const auto second = users(store(), "de", first.back().schedule_id, 3);

  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(first.at(0).name, "s-1");
  EXPECT_EQ(first.at(0).shard, ShardId{2});
  EXPECT_EQ(second.at(1).name, "s-5");
  EXPECT_TRUE(users(store(), "pl").empty());
}

TEST_P(StoreCalendars, HaveALimit) {
  for (std::int64_t count = 0; count < kMaxCalendars; ++count)
    ASSERT_TRUE(put(store(), a_calendar("c" + std::to_string(count))));

  EXPECT_EQ(put(store(), a_calendar("one-more")).error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(put(store(), a_calendar("c1")));
}

}  // namespace
}  // namespace orchestrator::store
