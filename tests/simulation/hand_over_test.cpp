// What is easily lost or doubled when a shard changes hands: a message that arrives late, and work that is still in
// hand.
#include <gtest/gtest.h>

#include <map>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/messages.hpp"
#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {
namespace {

using std::chrono::seconds;
using store::memory::Fault;

/// The start of a run without a key, as another shard of the same node hands it over after its commit.
store::InboxRow a_start(SimulatedCluster& cluster, Timestamp created_at) {
  runtime::StartMessage start;
  start.request.namespace_name = "default";
  start.request.workflow = "step";
  start.request.version = 1;
  start.request.id = RunId{make_uuid7(created_at, ShardId{3}, 77)};
  store::InboxRow row;
  row.shard = ShardId{3};
  row.id = MessageId{make_uuid7(created_at, ShardId{3}, 78)};
  row.kind = runtime::message_kind(start);
  row.body = runtime::encode_message(start);
  row.created_at = created_at;
  cluster.deploy("step", R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"handler:counted","End":true}}})");
  return row;
}

TEST(HandOver, AMessageFromBeforeAShardCameIsTheTablesToTell) {
  SimulatedCluster cluster(21);
  const Timestamp before = cluster.world.database_now();
  cluster.world.advance(seconds{1});
  cluster.start_node("a");
  cluster.world.advance(seconds{5});

  // The owner before has handled it: it is gone from the table, and only its sender still has it.
  const store::InboxRow late = a_start(cluster, before);
  cluster.deliver("a", late);
  cluster.world.advance(seconds{5});
  const std::size_t runs_of_late = cluster.list_runs().size();
  const store::InboxRow fresh = a_start(cluster, cluster.world.database_now());
  cluster.deliver("a", fresh);
  cluster.world.advance(seconds{5});

  EXPECT_EQ(runs_of_late, 0U) << "a start that another owner had handled was handled again";
  EXPECT_EQ(cluster.list_runs().size(), 1U);
}

TEST(HandOver, ANodeThatDoesNotKnowTheQueuesYetIsNotWokenUp) {
  SimulatedCluster cluster(23);
  bool settings_are_away = false;
  cluster.faults = [&](std::string_view operation) {
    return settings_are_away && operation == "list_queue_settings" ? Fault::unavailable : Fault::none;
  };
  std::map<std::string, int> performed_on;
  HandlerEntry where;
  where.name = "where";
  where.plain = [&](const Json&, TaskContext&) {
    ++performed_on[cluster.running_on()];
    return Outcome::completed(nullptr);
  };
  ASSERT_TRUE(cluster.handlers.add(std::move(where)));
  cluster.start_node("a");
  cluster.start_node("b");
  cluster.world.advance(seconds{5});
  cluster.deploy("step", R"({"StartAt":"A","States":{"A":{"Type":"Task","Resource":"handler:where","End":true}}})");
  cluster.deploy("parent", R"({"StartAt":"Pause","States":{"Pause":{"Type":"Wait","Seconds":1,"Next":"Child"},
                               "Child":{"Type":"Task","Resource":"workflow:step","End":true}}})");
  ASSERT_EQ(cluster.start_together("a", "parent", 20).size(), 20U);
  settings_are_away = true;
  cluster.crash("b");
  cluster.start_node("b");

  // Children on the shards that were b's: their parents' owner tells it to look into its inbox.
  cluster.world.advance(seconds{5});
  const int too_early = performed_on["b"];
  settings_are_away = false;
  cluster.world.advance(seconds{20});

  EXPECT_EQ(too_early, 0) << "it performed steps without the limits of their queues";
  EXPECT_GT(performed_on["b"], 0);
  EXPECT_EQ(performed_on["a"] + performed_on["b"], 20);
}

TEST(HandOver, WorkThatIsStillInHandWhenItsNodeLeavesIsInquiredAbout) {
  SimulatedCluster cluster(22);
  int performed = 0;
  int asked = 0;
  bool writes_fail = false;
  cluster.faults = [&](std::string_view operation) {
    return writes_fail && operation == "commit" ? Fault::unavailable : Fault::none;
  };
  HandlerEntry slow;
  slow.name = "charge";
  slow.plain = [&](const Json&, TaskContext&) {
    if (++performed == 1) {
      const Duration now = cluster.world.now();
      cluster.world.post_at(now + seconds{1}, [&] {
        writes_fail = true;
        cluster.begin_drain("a");
      });
      cluster.world.post_at(now + seconds{60}, [&] {
        writes_fail = false;
        cluster.start_node("b");
      });
      cluster.work_for(seconds{50});
    }
    return Outcome::completed(nullptr);
  };
  HandlerEntry inquiry;
  inquiry.name = "charge.ask";
  inquiry.plain = [&](const Json&, TaskContext&) {
    ++asked;
    return Outcome::completed(make_payload({{"outcome", "succeeded"}, {"result", {{"charged", true}}}}));
  };
  ASSERT_TRUE(cluster.handlers.add(std::move(slow)));
  ASSERT_TRUE(cluster.handlers.add(std::move(inquiry)));
  cluster.start_node("a");
  cluster.world.advance(seconds{5});
  cluster.deploy("payment", R"({"StartAt":"Charge","States":{"Charge":{"Type":"Task","Resource":"handler:charge",
    "Inquire":{"Resource":"handler:charge.ask"},"End":true}}})");

  const auto run_id = cluster.start_run("payment", "p-1", "{}");
  ASSERT_TRUE(run_id);
  const bool ended = cluster.world.advance_until(
      [&] {
        const auto run = cluster.find_run(*run_id);
        return run && is_closed(run->state);
      },
      std::chrono::minutes{5});

  EXPECT_TRUE(ended);
  EXPECT_EQ(cluster.find_run(*run_id)->state, RunState::succeeded);
  EXPECT_EQ(performed, 1) << "the card was charged a second time";  // I-13
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace orchestrator::testing
