// What the gauges about the database say, on a real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "orchestrator/store/postgres/database_counters.hpp"
#include "orchestrator/store/postgres/database_figures.hpp"
#include "orchestrator/store/postgres/health.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::store::postgres {
namespace {

using std::chrono::minutes;
using testing::AllOf;
using testing::Ge;
using testing::Lt;

class DatabaseHealthTest : public testing::Test {
 protected:
  DatabaseFigures figures() {
    auto read = reader_.read_figures();
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return read ? *std::move(read) : DatabaseFigures{};
  }

  test::TestDatabase database_;
  HealthReader reader_{database_.url()};
};

TEST_F(DatabaseHealthTest, AnIdleDatabaseHasNothingThatWaits) {
  const DatabaseFigures now = figures();

  EXPECT_EQ(now.messages_waiting, 0);
  EXPECT_EQ(now.oldest_message_age.count(), 0);
  EXPECT_EQ(now.schedule_overdue.count(), 0);
  EXPECT_GT(now.bytes, 1'000'000);
  EXPECT_THAT(now.sessions, AllOf(Ge(1), Lt(now.sessions_limit)));
  EXPECT_GT(now.transaction_id_age, 0);
}

TEST_F(DatabaseHealthTest, FiguresOfHotTablesAreNamed) {
  std::vector<std::string> names;
  for (const TableFigures& table : figures().tables) names.push_back(table.name);

  EXPECT_THAT(names, testing::ElementsAre("inbox", "open_runs", "schedules", "shard_owner", "signal_waits", "signals"));
}

TEST_F(DatabaseHealthTest, TheOldestMessageTellsItsAge) {
  database_.execute(
      "insert into orchestrator.inbox (shard, id, kind, body, created_at) values "
      "(0, gen_random_uuid(), 'test', '{}', clock_timestamp() - interval '5 minutes'), "
      "(1, gen_random_uuid(), 'test', '{}', clock_timestamp())");

  const DatabaseFigures now = figures();

  EXPECT_EQ(now.messages_waiting, 2);
  EXPECT_THAT(now.oldest_message_age, AllOf(Ge(minutes(5)), Lt(minutes(6))));
}

TEST_F(DatabaseHealthTest, OnlySchedulesThatShouldHaveFiredAreOverdue) {
  const auto insert = [&](const std::string& name, const std::string& next, const std::string& paused) {
    database_.execute(
        "insert into orchestrator.schedules (shard, namespace, name, schedule_id, settings, decided_until, "
        "next_fire_at, "
        "paused_at, created_at, updated_at) values (0, 'default', '" +
        name + "', gen_random_uuid(), '{}', now(), " + next + ", " + paused + ", now(), now())");
  };
  insert("later", "clock_timestamp() + interval '1 hour'", "null");
  insert("paused", "clock_timestamp() - interval '1 day'", "now()");
  insert("ended", "null", "null");
  EXPECT_EQ(figures().schedule_overdue.count(), 0);

  insert("late", "clock_timestamp() - interval '10 minutes'", "null");

  EXPECT_THAT(figures().schedule_overdue, AllOf(Ge(minutes(10)), Lt(minutes(11))));
}

TEST_F(DatabaseHealthTest, WhoeverHoldsASnapshotIsNamed) {
  const auto held = hold_snapshot(database_.url());
  ASSERT_TRUE(held);

  const auto health = reader_.read();

  ASSERT_TRUE(health);
  ASSERT_TRUE(health->oldest_snapshot);
  EXPECT_EQ(health->oldest_snapshot->kind, "session");
  EXPECT_THAT(health->oldest_snapshot->application, testing::HasSubstr("bench-snapshot"));
  EXPECT_THAT(health->oldest_snapshot->state, "idle in transaction");
}

}  // namespace
}  // namespace orchestrator::store::postgres
