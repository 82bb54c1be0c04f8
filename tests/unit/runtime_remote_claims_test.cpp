#include "orchestrator/runtime/worker_pool.hpp"

#include <gtest/gtest.h>

#include "orchestrator/store/memory/memory_store.hpp"
#include "tests/support/remote_task_builder.hpp"
#include "tests/support/virtual_world.hpp"

namespace orchestrator::runtime {
namespace {

using testing::a_remote_task;

/// Nothing here is performed on this node.
class NoThreads final : public HandlerThreads {
 public:
  void run(std::function<void()> /*work*/) override { ADD_FAILURE() << "a remote task was begun on a handler thread"; }
};

class RemoteClaimsTest : public ::testing::Test {
 protected:
  RemoteClaimsTest() {
    store::memory::MemoryOptions options;
    options.post = [](std::function<void()> work) { work(); };
    options.now = [this] { return world.database_now(); };
    store = std::make_unique<store::memory::MemoryStore>(std::make_shared<store::memory::MemoryDatabase>(4), options);
    pool = std::make_unique<WorkerPool>(*store, threads, clock, metrics, 4, [this] { return is_confirmed; });
  }

  std::shared_ptr<TaskHold> add(const testing::RemoteTaskBuilder& builder) {
    Task task = builder.build();
    held.push_back(task.hold);
    pool->submit(std::move(task));
    return held.back();
  }
  std::vector<std::string> take(const ClaimFilter& filter, std::size_t max = 10) {
    std::vector<std::string> names;
    for (const auto& task : pool->claim(filter, max, "w-1")) names.push_back(task->command.state_name);
    return names;
  }
  std::uint64_t wait(ClaimFilter filter, RemoteClaims::Waits waits, const std::string& name) {
    return pool->wait_for_task(std::move(filter), waits, [this, name] { called.push_back(name); });
  }
  std::int64_t in_flight() const {
    for (const auto& reading : pool->queues()) {
      if (reading.queue == QueueName{"default", "default"}) return reading.in_flight;
    }
    return 0;
  }

  testing::VirtualWorld world;
  testing::VirtualClock clock{world};
  NoThreads threads;
  telemetry::Metrics metrics;
  std::unique_ptr<store::memory::MemoryStore> store;
  bool is_confirmed = true;
  std::unique_ptr<WorkerPool> pool;
  std::vector<std::string> called;
  std::vector<std::shared_ptr<TaskHold>> held;
  const ClaimFilter everything{.namespace_name = "default", .queue = "default", .handlers = {}};
};

using Names = std::vector<std::string>;

TEST_F(RemoteClaimsTest, GivesTheHighestPriorityFirstAndEqualOnesInOrderOverAllHandlers) {
  add(a_remote_task("first").performed_by("a"));
  add(a_remote_task("low").performed_by("b").with_priority(-5));
  add(a_remote_task("high 1").performed_by("b").with_priority(5));
  add(a_remote_task("high 2").performed_by("a").with_priority(5));

  const Names taken = take(everything);

  EXPECT_EQ(taken, (Names{"high 1", "high 2", "first", "low"}));
}

TEST_F(RemoteClaimsTest, GivesNoMoreThanAskedFor) {
  for (const char* name : {"1", "2", "3"}) add(a_remote_task(name));

  EXPECT_EQ(take(everything, 2), (Names{"1", "2"}));
  EXPECT_EQ(take(everything, 2), (Names{"3"}));
}

TEST_F(RemoteClaimsTest, GivesOnlyWhatTheNamespaceTheQueueAndTheHandlersAskFor) {
  add(a_remote_task("other namespace").of_namespace("other"));
  add(a_remote_task("other queue").in_queue("slow"));
  add(a_remote_task("other handler").performed_by("b"));
  add(a_remote_task("mine").performed_by("a"));

  const Names taken = take({.namespace_name = "default", .queue = "default", .handlers = {"a", "c"}});

  EXPECT_EQ(taken, (Names{"mine"}));
}

TEST_F(RemoteClaimsTest, PutsAClaimedTaskBackAtItsOldPlace) {
  const auto first = add(a_remote_task("first"));
  add(a_remote_task("second"));
  take(everything, 1);

  pool->put_back_remote(*first, false);

  EXPECT_EQ(in_flight(), 0);
  EXPECT_EQ(take(everything), (Names{"first", "second"}));
}

TEST_F(RemoteClaimsTest, ForgetsATaskThatIsOverWhetherItWasClaimedOrNot) {
  const auto ready = add(a_remote_task("ready"));
  const auto claimed = add(a_remote_task("claimed").with_priority(1));
  take(everything, 1);

  pool->end_remote(*ready);
  pool->end_remote(*claimed);
  pool->put_back_remote(*claimed, false);

  EXPECT_TRUE(take(everything).empty());
  EXPECT_EQ(in_flight(), 0);
  EXPECT_EQ(pool->ready_count(), 0);
}

TEST_F(RemoteClaimsTest, HandsOutNothingWhileTheLeaseIsNotConfirmed) {
  add(a_remote_task("1"));
  is_confirmed = false;

  EXPECT_FALSE(pool->has_ready(everything));
  EXPECT_TRUE(take(everything).empty());
  is_confirmed = true;

  EXPECT_EQ(take(everything), (Names{"1"}));
}

TEST_F(RemoteClaimsTest, DoesNotHandOutWhatWasCancelled) {
  const auto cancelled = add(a_remote_task("cancelled"));
  add(a_remote_task("wanted"));
  cancelled->cancel_requested = true;

  EXPECT_EQ(take(everything), (Names{"wanted"}));
  EXPECT_EQ(in_flight(), 1);
}

TEST_F(RemoteClaimsTest, CallsOneWaitingClaimForEachTaskTheOldestFirst) {
  wait(everything, RemoteClaims::Waits::to_claim, "older");
  wait(everything, RemoteClaims::Waits::to_claim, "younger");

  add(a_remote_task("1"));
  EXPECT_EQ(called, (Names{"older"}));
  add(a_remote_task("2"));

  EXPECT_EQ(called, (Names{"older", "younger"}));
}

TEST_F(RemoteClaimsTest, TellsWatchersOnlyWhatNoClaimHereTakes) {
  wait(everything, RemoteClaims::Waits::to_tell, "watcher 1");
  wait(everything, RemoteClaims::Waits::to_tell, "watcher 2");
  wait(everything, RemoteClaims::Waits::to_claim, "claim");

  add(a_remote_task("1"));
  EXPECT_EQ(called, (Names{"claim"}));
  add(a_remote_task("2"));

  EXPECT_EQ(called, (Names{"claim", "watcher 1", "watcher 2"}));
}

TEST_F(RemoteClaimsTest, DoesNotCallWhoAsksForSomethingElse) {
  wait({"default", "default", {"b"}}, RemoteClaims::Waits::to_claim, "other handler");
  wait({"default", "slow", {}}, RemoteClaims::Waits::to_claim, "other queue");
  wait({"other", "default", {}}, RemoteClaims::Waits::to_claim, "other namespace");

  add(a_remote_task("1").performed_by("a"));

  EXPECT_TRUE(called.empty());
}

TEST_F(RemoteClaimsTest, WhoStoppedWaitingIsNotCalled) {
  const auto ticket = wait(everything, RemoteClaims::Waits::to_claim, "gone");

  EXPECT_TRUE(pool->stop_waiting(ticket));
  add(a_remote_task("1"));

  EXPECT_TRUE(called.empty());
  EXPECT_FALSE(pool->stop_waiting(ticket));
  EXPECT_EQ(pool->remote().waiting, 0);
}

TEST_F(RemoteClaimsTest, RousesWaitersForWhatAnotherDidNotTake) {
  const auto called_first = wait(everything, RemoteClaims::Waits::to_claim, "vanished");
  wait(everything, RemoteClaims::Waits::to_claim, "next");
  wait(everything, RemoteClaims::Waits::to_claim, "third");
  add(a_remote_task("1"));
  EXPECT_FALSE(pool->stop_waiting(called_first)) << "it was called, so its task is somebody else's to take";

  pool->rouse_claims();

  EXPECT_EQ(called, (Names{"vanished", "next"})) << "one for each task";
}

TEST_F(RemoteClaimsTest, CallsNobodyForAPausedQueueUntilItGoesOn) {
  QueueRules paused;
  paused.paused = true;
  pool->set_rules({"default", "default"}, paused);
  wait(everything, RemoteClaims::Waits::to_claim, "claim");

  add(a_remote_task("1"));
  EXPECT_TRUE(called.empty());
  EXPECT_TRUE(take(everything).empty());
  pool->set_rules({"default", "default"}, {});
  pool->rouse_claims();

  EXPECT_EQ(called, (Names{"claim"}));
}

TEST_F(RemoteClaimsTest, LimitsOfTheQueueCountWhatRemoteWorkersHave) {
  QueueRules rules;
  rules.limits.max_in_flight = 2;
  pool->set_rules({"default", "default"}, rules);
  const auto first = add(a_remote_task("1"));
  for (const char* name : {"2", "3"}) add(a_remote_task(name));

  EXPECT_EQ(take(everything), (Names{"1", "2"}));
  wait(everything, RemoteClaims::Waits::to_claim, "claim");
  pool->end_remote(*first);

  EXPECT_EQ(called, (Names{"claim"})) << "who ended makes room";
  EXPECT_EQ(take(everything), (Names{"3"}));
}

TEST_F(RemoteClaimsTest, AnAdoptedTaskCountsForTheLimits) {
  QueueRules rules;
  rules.limits.max_in_flight = 1;
  pool->set_rules({"default", "default"}, rules);
  TaskHold adopted;
  pool->adopt_remote(adopted, {"default", "default"}, {}, "w-7");
  add(a_remote_task("1"));

  EXPECT_EQ(pool->claimed_by({"default", "default"}, "w-7"), 1);
  EXPECT_TRUE(take(everything).empty());
  pool->end_remote(adopted);

  EXPECT_EQ(take(everything), (Names{"1"}));
}

TEST_F(RemoteClaimsTest, WithdrawsWhatNobodyHasClaimedOfAShard) {
  add(a_remote_task("claimed").on_shard(3).with_priority(1));
  take(everything, 1);
  add(a_remote_task("ready").on_shard(3));
  add(a_remote_task("elsewhere").on_shard(4));

  const auto withdrawn = pool->withdraw(ShardId{3});

  ASSERT_EQ(withdrawn.size(), 1U);
  EXPECT_EQ(withdrawn.front().first, RunId{make_uuid7(Timestamp{}, ShardId{3}, std::hash<std::string>{}("ready"))});
  EXPECT_EQ(take(everything), (Names{"elsewhere"}));
}

TEST_F(RemoteClaimsTest, CountsWhatIsReadyAndWhatIsClaimed) {
  add(a_remote_task("1").performed_by("a"));
  add(a_remote_task("2").performed_by("a").of_namespace("other"));
  add(a_remote_task("3").performed_by("b"));
  take(everything, 1);

  EXPECT_EQ(pool->ready_by_handler(), (std::map<std::string, std::int64_t>{{"a", 1}, {"b", 1}}));
  EXPECT_EQ(pool->remote().claimed, 1);
  EXPECT_EQ(pool->claimed_by({"default", "default"}, "w-1"), 1);
  EXPECT_EQ(pool->claimed_by({"default", "default"}, "w-2"), 0);
}

}  // namespace
}  // namespace orchestrator::runtime
