#include "orchestrator/runtime/worker_pool.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/memory/memory_store.hpp"
#include "tests/support/virtual_world.hpp"

namespace orchestrator::runtime {
namespace {

/// Threads that a test runs by hand: what is queued here is in a handler's hands.
class HeldThreads final : public HandlerThreads {
 public:
  void run(std::function<void()> work) override { held.push_back(std::move(work)); }
  void finish_one() {
    auto work = std::move(held.front());
    held.pop_front();
    work();
  }
  std::deque<std::function<void()>> held;
};

class WorkerPoolTest : public ::testing::Test {
 protected:
  WorkerPoolTest() {
    store::memory::MemoryOptions options;
    options.post = [](std::function<void()> work) { work(); };
    options.now = [this] { return world.database_now(); };
    store = std::make_unique<store::memory::MemoryStore>(std::make_shared<store::memory::MemoryDatabase>(4), options);
    handler.name = "note";
    handler.plain = [this](const Json& input, TaskContext&) {
      performed.push_back(input.get<std::string>());
      return Outcome::completed(nullptr);
    };
  }

  Task a_task(const std::string& name, const std::string& queue = "default", int priority = 0) {
    Task task;
    task.context.namespace_name = "default";
    task.command.queue = queue;
    task.command.priority = priority;
    task.command.input = make_payload(name);
    task.handler = &handler;
    task.hold = std::make_shared<TaskHold>();
    task.finish = [](const Outcome&) {};
    return task;
  }

  testing::VirtualWorld world;
  testing::VirtualClock clock{world};
  HeldThreads threads;
  telemetry::Metrics metrics;
  std::unique_ptr<store::memory::MemoryStore> store;
  HandlerEntry handler;
  std::vector<std::string> performed;
};

TEST_F(WorkerPoolTest, HandsOutNoMoreThanItsSlots) {
  WorkerPool pool(*store, threads, clock, metrics, 2, [] { return true; });

  for (const char* name : {"a", "b", "c"}) pool.submit(a_task(name));

  EXPECT_EQ(threads.held.size(), 2U);
  threads.finish_one();
  EXPECT_EQ(threads.held.size(), 2U) << "a free slot takes the next task";
}

TEST_F(WorkerPoolTest, HandsOutTheHighestPriorityFirstAndEqualOnesInOrder) {
  WorkerPool pool(*store, threads, clock, metrics, 1, [] { return true; });
  pool.submit(a_task("first"));

  pool.submit(a_task("low", "default", -5));
  pool.submit(a_task("high 1", "default", 5));
  pool.submit(a_task("high 2", "default", 5));
  while (!threads.held.empty()) threads.finish_one();

  EXPECT_EQ(performed, (std::vector<std::string>{"first", "high 1", "high 2", "low"}));
}

TEST_F(WorkerPoolTest, KeepsAQueueBelowItsLimitAndLetsOthersPass) {
  WorkerPool pool(*store, threads, clock, metrics, 4, [] { return true; });
  pool.set_queue_limit("narrow", 1);

  for (const char* name : {"n1", "n2", "n3"}) pool.submit(a_task(name, "narrow"));
  pool.submit(a_task("wide", "default"));

  EXPECT_EQ(threads.held.size(), 2U);
  while (!threads.held.empty()) threads.finish_one();
  EXPECT_EQ(performed, (std::vector<std::string>{"n1", "wide", "n2", "n3"}));
}

TEST_F(WorkerPoolTest, HandsOutNothingWhilePaused) {
  WorkerPool pool(*store, threads, clock, metrics, 4, [] { return true; });
  pool.pause();

  pool.submit(a_task("a"));

  EXPECT_TRUE(threads.held.empty());
  EXPECT_EQ(pool.ready_count(), 1);
}

TEST_F(WorkerPoolTest, DoesNotPerformATaskThatWasCancelledInTheQueue) {
  WorkerPool pool(*store, threads, clock, metrics, 1, [] { return true; });
  Task task = a_task("a");
  std::optional<Outcome::Kind> ended;
  task.finish = [&](const Outcome& outcome) { ended = outcome.kind; };
  const auto hold = task.hold;
  pool.submit(std::move(task));

  hold->cancel_requested = true;
  threads.finish_one();

  EXPECT_TRUE(performed.empty());
  EXPECT_EQ(ended, Outcome::Kind::cancelled);
}

TEST_F(WorkerPoolTest, BeginsNothingWhileTheLeaseIsNotConfirmed) {
  bool confirmed = false;
  WorkerPool pool(*store, threads, clock, metrics, 1, [&] { return confirmed; });

  pool.submit(a_task("a"));

  EXPECT_TRUE(threads.held.empty());
  confirmed = true;
  pool.pump();
  threads.finish_one();
  EXPECT_EQ(performed, std::vector<std::string>{"a"});
}

TEST_F(WorkerPoolTest, ATaskHandedOutBeforeTheLeaseRanOutGoesBackToItsQueue) {
  bool confirmed = true;
  WorkerPool pool(*store, threads, clock, metrics, 1, [&] { return confirmed; });
  pool.submit(a_task("a"));

  confirmed = false;
  threads.finish_one();

  EXPECT_TRUE(performed.empty());
  EXPECT_EQ(pool.ready_count(), 1);
  EXPECT_EQ(pool.in_flight(), 0);
  confirmed = true;
  pool.pump();
  threads.finish_one();
  EXPECT_EQ(performed, std::vector<std::string>{"a"});
}

TEST_F(WorkerPoolTest, WithdrawsOnlyWhatNobodyHasBegunOfTheShard) {
  WorkerPool pool(*store, threads, clock, metrics, 1, [] { return true; });
  pool.submit(a_task("begun"));
  Task other = a_task("other");
  other.context.run_id = RunId{make_uuid7(Timestamp{}, ShardId{7}, 1)};
  pool.submit(a_task("queued"));
  pool.submit(std::move(other));

  const auto withdrawn = pool.withdraw(shard_of(a_task("").context.run_id));

  EXPECT_EQ(withdrawn.size(), 1U);
  while (!threads.held.empty()) threads.finish_one();
  EXPECT_EQ(performed, (std::vector<std::string>{"begun", "other"}));
}

TEST_F(WorkerPoolTest, PausesAndLimitsAQueueAndGoesOnWhenTheyEnd) {
  WorkerPool pool(*store, threads, clock, metrics, 4, [] { return true; });
  pool.set_rules({"default", "mail"}, {.paused = true});
  for (const char* name : {"m1", "m2", "m3"}) pool.submit(a_task(name, "mail"));
  EXPECT_TRUE(threads.held.empty());
  EXPECT_EQ(pool.obstacle_of({"default", "mail"}, {}), Obstacle::queue_paused);

  pool.set_rules({"default", "mail"}, {.limits = {.max_in_flight = 2}});

  EXPECT_EQ(threads.held.size(), 2U);
  while (!threads.held.empty()) threads.finish_one();
  EXPECT_EQ(performed, (std::vector<std::string>{"m1", "m2", "m3"}));
}

TEST_F(WorkerPoolTest, SetsAnAlarmForWhatWaitsForARate) {
  WorkerPool pool(*store, threads, clock, metrics, 4, [] { return true; });
  std::vector<Duration> alarms;
  pool.set_alarm([&](Duration delay) { alarms.push_back(delay); });
  pool.set_rules({"default", "mail"}, {.limits = {.rate_per_key = RateLimit{.count = 1, .per_seconds = 5}}});

  for (const char* name : {"m1", "m2"}) {
    Task task = a_task(name, "mail");
    task.rate_key = "k";
    pool.submit(std::move(task));
  }

  EXPECT_EQ(threads.held.size(), 1U);
  EXPECT_EQ(alarms, std::vector<Duration>{std::chrono::seconds{5}}) << "one, however often it is pumped";
  threads.finish_one();
  EXPECT_EQ(alarms.size(), 1U);
  world.advance(std::chrono::seconds{5});
  pool.pump();
  EXPECT_EQ(threads.held.size(), 1U);
}

TEST_F(WorkerPoolTest, TellsWhichShareIsTooSmallAndGoesOnWhenItGrows) {
  WorkerPool pool(*store, threads, clock, metrics, 4, [] { return true; });
  std::vector<QueueName> hungry;
  pool.set_hunger(
      [&](const std::vector<QueueName>& queues) { hungry.insert(hungry.end(), queues.begin(), queues.end()); });
  pool.set_share({"default", "mail"}, {.max_in_flight = 0});
  pool.set_rules({"default", "mail"}, {.limits = {.max_in_flight = 2}});

  for (const char* name : {"m1", "m2"}) pool.submit(a_task(name, "mail"));

  EXPECT_EQ(hungry, (std::vector<QueueName>{{"default", "mail"}}));
  EXPECT_TRUE(threads.held.empty());
  pool.set_share({"default", "mail"}, {.max_in_flight = 2});
  EXPECT_EQ(threads.held.size(), 2U);
  while (!threads.held.empty()) threads.finish_one();
}

TEST_F(WorkerPoolTest, WhatWasHandedOutBeforeTheLeaseWasOverIsHandedOutAgain) {
  WorkerPool pool(*store, threads, clock, metrics, 4, [] { return true; });
  pool.set_rules({"default", "mail"}, {.limits = {.max_in_flight = 2}});
  pool.submit(a_task("m1", "mail"));
  ASSERT_EQ(threads.held.size(), 1U);

  pool.set_share({"default", "mail"}, {.max_in_flight = 0});
  pool.lapse();
  threads.finish_one();

  EXPECT_TRUE(performed.empty());
  EXPECT_EQ(pool.ready_count(), 1);
  pool.set_share({"default", "mail"}, {.max_in_flight = 1});
  threads.finish_one();
  EXPECT_EQ(performed, std::vector<std::string>{"m1"});
}

TEST_F(WorkerPoolTest, ADroppedTaskNeverBegins) {
  WorkerPool pool(*store, threads, clock, metrics, 1, [] { return true; });
  pool.submit(a_task("begun"));
  Task task = a_task("dropped");
  const auto hold = task.hold;
  pool.submit(std::move(task));

  pool.drop(*hold);
  pool.drop(*hold);

  EXPECT_EQ(pool.ready_count(), 0);
  while (!threads.held.empty()) threads.finish_one();
  EXPECT_EQ(performed, std::vector<std::string>{"begun"});
}

TEST_F(WorkerPoolTest, WhatIsOfItsOwnersStrandIsPostedThereInItsTurn) {
  WorkerPool pool(*store, threads, clock, metrics, 2, [] { return true; });
  pool.set_rules({"default", "mail"}, {.paused = true});
  std::deque<std::function<void()>> strand;
  Task task = a_task("a", "mail");
  task.post = [&](std::function<void()> work) { strand.push_back(std::move(work)); };
  pool.submit(std::move(task));
  ASSERT_TRUE(strand.empty());

  pool.set_rules({"default", "mail"}, {});

  EXPECT_TRUE(threads.held.empty());
  ASSERT_EQ(strand.size(), 1U);
  strand.front()();
  EXPECT_EQ(performed, std::vector<std::string>{"a"});
  EXPECT_EQ(pool.in_flight(), 0);
}

TEST_F(WorkerPoolTest, ATaskOfAKeyThatIsPutBackFreesItsKey) {
  bool confirmed = true;
  WorkerPool pool(*store, threads, clock, metrics, 4, [&] { return confirmed; });
  for (const char* name : {"k1", "k2"}) {
    Task task = a_task(name);
    task.concurrency_key = "k";
    pool.submit(std::move(task));
  }
  ASSERT_EQ(threads.held.size(), 1U);

  confirmed = false;
  threads.finish_one();
  confirmed = true;
  pool.pump();

  ASSERT_EQ(threads.held.size(), 1U);
  threads.finish_one();
  threads.finish_one();
  EXPECT_EQ(performed, (std::vector<std::string>{"k1", "k2"}));
}

TEST_F(WorkerPoolTest, TurnsAThrownExceptionIntoAFailure) {
  handler.plain = [](const Json&, TaskContext&) -> Outcome { throw std::runtime_error("boom"); };
  WorkerPool pool(*store, threads, clock, metrics, 1, [] { return true; });
  Task task = a_task("a");
  std::optional<Outcome> ended;
  task.finish = [&](const Outcome& outcome) { ended = outcome; };
  pool.submit(std::move(task));

  threads.finish_one();

  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->error, "Orchestrator.HandlerThrew");
  EXPECT_EQ(ended->cause, "boom");
}

}  // namespace
}  // namespace orchestrator::runtime
