// The proof that every open run has a next event, on a real database.
#include "orchestrator/store/postgres/stuck_runs.hpp"

#include <gtest/gtest.h>

#include <set>

#include "orchestrator/digest/routing.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store::postgres {
namespace {

class StuckRunsTest : public testing::Test {
 protected:
  /// An open run at rest with this `waiting_on` and, in seconds from now, its timer.
  std::string add(const std::string& waiting_on, const std::string& timer = "null",
                  const std::string& state = "waiting", bool at_rest = true) {
    const std::string id = next_run_id(2).str();
    const std::string wake_at = timer == "null" ? "null" : "now() + " + timer + " * interval '1 second'";
    database_.execute(
        "insert into orchestrator.open_runs (shard, run_id, namespace, kind, workflow, version, priority, "
        "parent_step, traceparent, created_at, state, wake_at, waiting_on, at_rest, attempts) values (2, '" +
        id + "', 'default', 'workflow', 'pay', 1, 0, 0, '', now(), '" + state + "', " + wake_at + ", '" + waiting_on +
        "', " + (at_rest ? "true" : "false") + ", 0)");
    return id;
  }

  std::set<std::string> stuck() {
    const auto found = StuckRunReader(database_.url()).read([] { return true; });
    EXPECT_TRUE(found) << found.error().message;
    std::set<std::string> ids;
    for (const auto& run : found->examples) ids.insert(run.run_id.str());
    EXPECT_EQ(found->count, static_cast<std::int64_t>(ids.size()));
    return ids;
  }

  static std::string shard_of_key(const std::string& key) {
    return std::to_string(to_int(digest::shard_for_key("default", key, test::kTestShards)));
  }

  test::TestDatabase database_;
};

TEST_F(StuckRunsTest, RunsWithATimerAWaitAChildOrAPersonAreNot) {
  add(R"([{"kind":"timer"}])", "3600");
  add(R"([{"kind":"timer"}])", "-1");
  add(R"([{"kind":"signal","key":null}])");
  add(R"([{"kind":"paused"}])", "null", "paused");
  add(R"([{"kind":"step"}])", "null", "running", false);
  const std::string waits = add(R"([{"kind":"signal","key":"o-1"}])");
  database_.execute(
      "insert into orchestrator.signal_waits (shard, namespace, key, run_id, step, names, state_name, since) "
      "values (" +
      shard_of_key("o-1") + ", 'default', 'o-1', '" + waits + "', 1, '{paid}', 'W', now())");
  const std::string opening = add(R"([{"kind":"decision","key":"o-2"}])");
  database_.execute("insert into orchestrator.inbox (shard, id, kind, body) values (" + shard_of_key("o-2") +
                    ", gen_random_uuid(), 'wait_opened', '{\"run_id\":\"" + opening + "\"}')");
  const std::string child = add(R"([{"kind":"timer"}])", "60");
  add(R"([{"kind":"child","run_id":")" + child + R"("}])");
  add(R"([{"kind":"child","run_id":null}])");

  EXPECT_EQ(stuck(), std::set<std::string>{});
}

TEST_F(StuckRunsTest, RunsThatNothingWillWakeAreNamedWithTheReason) {
  const std::string forgotten = add(R"([{"kind":"signal","key":"o-1"}])");
  const std::string orphan = add(R"([{"kind":"child","run_id":")" + next_run_id(3).str() + R"("}])");
  const std::string no_timer = add(R"([{"kind":"timer"}])");
  const std::string overdue = add(R"([{"kind":"retry"}])", "-3600");

  EXPECT_EQ(stuck(), (std::set<std::string>{forgotten, orphan, no_timer, overdue}));

  const auto found = StuckRunReader(database_.url()).read([] { return true; });
  EXPECT_EQ(found->looked_at, 4);
  EXPECT_EQ(found->examples.back().why, "its timer is overdue");
  EXPECT_EQ(found->examples.back().workflow, "pay");
}

TEST_F(StuckRunsTest, EveryOpenRunIsLookedAtHoweverMany) {
  database_.execute(R"(insert into orchestrator.open_runs (shard, run_id, namespace, kind, workflow, version, priority,
    parent_step, traceparent, created_at, state, waiting_on, at_rest, attempts)
    select n % 2, gen_random_uuid(), 'default', 'workflow', 'pay', 1, 0, 0, '', now(), 'waiting', '[{"kind":"timer"}]', true, 0
    from generate_series(1, 9000) n)");

  const auto found = StuckRunReader(database_.url()).read([] { return true; });

  ASSERT_TRUE(found);
  EXPECT_EQ(found->looked_at, 9000);
  EXPECT_EQ(found->count, 9000);
  EXPECT_EQ(found->examples.size(), kMaxNamedStuckRuns);
}

}  // namespace
}  // namespace orchestrator::store::postgres
