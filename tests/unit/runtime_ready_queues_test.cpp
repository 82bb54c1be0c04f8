#include "orchestrator/runtime/ready_queues.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace orchestrator::runtime {
namespace {

constexpr Duration kSecond = std::chrono::seconds{1};

/// Virtual time, and tasks by name.
class ReadyQueuesTest : public ::testing::Test {
 protected:
  struct Wish {
    std::string queue = "default";
    std::string namespace_name = "default";
    std::int32_t priority = 0;
    std::string concurrency_key;
    std::string rate_key;
    bool is_remote = false;
  };

  std::shared_ptr<Task> add(const std::string& name) { return add(name, Wish{}); }
  std::shared_ptr<Task> add(const std::string& name, const Wish& wish) {
    auto task = std::make_shared<Task>();
    task->context.namespace_name = wish.namespace_name;
    task->context.run_id = RunId{make_uuid7(Timestamp{}, ShardId{0}, ++runs_)};
    task->context.state_name = name;
    task->command.queue = wish.queue;
    task->command.priority = wish.priority;
    task->command.handler = "work";
    task->concurrency_key = wish.concurrency_key;
    task->rate_key = wish.rate_key;
    task->handler = wish.is_remote ? nullptr : &handler_;
    task->hold = std::make_shared<TaskHold>();
    ready.add(task, now);
    return task;
  }
  std::shared_ptr<Task> add_with_key(const std::string& name, const std::string& key, std::int32_t priority = 0) {
    Wish wish;
    wish.concurrency_key = key;
    wish.priority = priority;
    return add(name, wish);
  }

  /// The name of what begins, and its ticket to `in_hand`; empty: nothing.
  std::string begin() {
    auto begun = ready.begin(now);
    if (!begun) return {};
    in_hand.push_back(begun->ticket);
    return begun->task->context.state_name;
  }
  std::vector<std::string> begin_all() {
    std::vector<std::string> names;
    for (std::string name = begin(); !name.empty(); name = begin()) names.push_back(std::move(name));
    return names;
  }
  void end_first() {
    const auto ticket = in_hand.front();
    in_hand.pop_front();
    ready.end(ticket, now);
  }
  void limit(const QueueLimits& limits, const std::string& queue = "default",
             const std::string& namespace_name = "default") {
    ready.set_rules({namespace_name, queue}, {.limits = limits}, now);
  }
  void give_tokens(std::int64_t tokens, Duration for_so_long = std::chrono::hours{1}) {
    ready.set_share({"default", "default"}, {.tokens = tokens, .tokens_until = now + for_so_long});
  }
  std::int64_t waiting(Obstacle obstacle) {
    std::int64_t sum = 0;
    for (const auto& reading : ready.readings(now)) sum += reading.waiting[static_cast<std::size_t>(obstacle)];
    return sum;
  }

  Duration now = std::chrono::hours{1};
  ReadyQueues ready;
  std::deque<ReadyQueues::Ticket> in_hand;

 private:
  HandlerEntry handler_;
  std::uint64_t runs_ = 0;
};

using Names = std::vector<std::string>;

// ---- order and fairness ------------------------------------------------------------------------------------------

TEST_F(ReadyQueuesTest, TheHighestPriorityBeginsFirstAndEqualOnesInOrder) {
  for (const char* name : {"a", "b"}) add(name);
  add("low", {.priority = -1});
  add("high", {.priority = 7});

  EXPECT_EQ(begin_all(), (Names{"high", "a", "b", "low"}));
  EXPECT_EQ(ready.ready_count(), 0);
}

TEST_F(ReadyQueuesTest, NamespacesTakeTurnsHoweverMuchOneHas) {
  for (int i = 0; i < 100; ++i) add("flood", {.namespace_name = "loud"});
  for (const char* name : {"q1", "q2"}) add(name, {.namespace_name = "quiet"});

  EXPECT_EQ((Names{begin(), begin(), begin(), begin()}), (Names{"flood", "q1", "flood", "q2"}));
}

TEST_F(ReadyQueuesTest, TurnsAreInProportionToTheWeights) {
  limit({.weight = 3}, "default", "large");
  for (int i = 0; i < 40; ++i) {
    add("large", {.namespace_name = "large"});
    add("small", {.namespace_name = "small"});
  }

  int large = 0;
  for (int i = 0; i < 40; ++i) large += begin() == "large" ? 1 : 0;

  EXPECT_NEAR(large, 30, 1);
}

TEST_F(ReadyQueuesTest, WhoHadNothingReadySavesNoTurns) {
  for (int i = 0; i < 50; ++i) add("steady", {.namespace_name = "steady"});
  for (int i = 0; i < 20; ++i) begin();
  for (int i = 0; i < 20; ++i) add("late", {.namespace_name = "late"});

  int late = 0;
  for (int i = 0; i < 10; ++i) late += begin() == "late" ? 1 : 0;

  EXPECT_EQ(late, 5);
}

TEST_F(ReadyQueuesTest, PriorityDecidesAcrossTheQueuesOfANamespaceThenTurns) {
  for (const char* name : {"a1", "a2", "a3"}) add(name, {.queue = "a"});
  for (const char* name : {"b1", "b2"}) add(name, {.queue = "b"});
  add("urgent", {.queue = "b", .priority = 1});

  EXPECT_EQ(begin(), "urgent");
  EXPECT_EQ((Names{begin(), begin(), begin(), begin()}), (Names{"a1", "a2", "b1", "a3"}));
}

// ---- limits of a queue -------------------------------------------------------------------------------------------

TEST_F(ReadyQueuesTest, AQueueHasNoMoreInFlightThanItsLimit) {
  limit({.max_in_flight = 2});
  for (const char* name : {"a", "b", "c"}) add(name);

  EXPECT_EQ(begin_all(), (Names{"a", "b"}));
  EXPECT_EQ(ready.obstacle_of({"default", "default"}, {}, now), Obstacle::max_in_flight);
  end_first();
  EXPECT_EQ(begin_all(), (Names{"c"}));
}

TEST_F(ReadyQueuesTest, ALimitOfOneNamespacesQueueIsNotThatOfAnother) {
  limit({.max_in_flight = 1}, "default", "first");
  for (const char* name : {"a", "b"}) add(name, {.namespace_name = "first"});
  for (const char* name : {"c", "d"}) add(name, {.namespace_name = "second"});

  EXPECT_EQ(begin_all(), (Names{"a", "c", "d"}));
}

TEST_F(ReadyQueuesTest, APausedQueueBeginsNothingUntilItIsResumed) {
  add("a");
  ready.set_rules({"default", "default"}, {.paused = true}, now);

  EXPECT_EQ(begin(), "");
  EXPECT_EQ(ready.obstacle_of({"default", "default"}, {}, now), Obstacle::queue_paused);
  EXPECT_EQ(waiting(Obstacle::queue_paused), 1);
  EXPECT_FALSE(ready.next_opening()) << "nobody knows when";
  EXPECT_TRUE(ready.take_hungry().empty()) << "no share would help";
  ready.set_rules({"default", "default"}, {}, now);
  EXPECT_EQ(begin(), "a");
  EXPECT_FALSE(ready.has_rules());
}

TEST_F(ReadyQueuesTest, AQueueWithARateBeginsWhatItHasTokensFor) {
  limit({.rate = RateLimit{.count = 5, .per_seconds = 10}});
  for (const char* name : {"a", "b", "c"}) add(name);

  EXPECT_EQ(begin(), "");
  EXPECT_EQ(ready.obstacle_of({"default", "default"}, {}, now), Obstacle::rate);
  give_tokens(2);
  EXPECT_EQ(begin_all(), (Names{"a", "b"}));
}

TEST_F(ReadyQueuesTest, TokensAreGoodForAWhileAndCanBeTakenBack) {
  limit({.rate = RateLimit{.count = 5, .per_seconds = 10}});
  for (const char* name : {"a", "b", "c"}) add(name);
  give_tokens(3, kSecond);
  ASSERT_EQ(begin(), "a");

  now += kSecond;
  EXPECT_EQ(begin(), "");
  give_tokens(3);
  EXPECT_EQ(ready.take_tokens_back({"default", "default"}), 3);
  EXPECT_EQ(begin(), "");
}

TEST_F(ReadyQueuesTest, SaysOnceThatAShareIsTooSmallForWhatIsReady) {
  limit({.max_in_flight = 5});
  ready.set_share({"default", "default"}, {.max_in_flight = 1});
  EXPECT_TRUE(ready.take_hungry().empty());
  for (const char* name : {"a", "b"}) add(name);

  EXPECT_EQ(begin_all(), (Names{"a"}));

  EXPECT_EQ(ready.take_hungry(), (std::vector<QueueName>{{"default", "default"}}));
  EXPECT_TRUE(ready.demand_of({"default", "default"}, now).is_hungry);
  EXPECT_EQ(begin(), "");
  EXPECT_TRUE(ready.take_hungry().empty());
  ready.set_share({"default", "default"}, {.max_in_flight = 2});
  EXPECT_EQ(begin(), "b");
  EXPECT_TRUE(ready.take_hungry().empty());
}

TEST_F(ReadyQueuesTest, SaysAgainThatItIsHungryWhenWorkComesAfterItsLastWasTakenBack) {
  limit({.max_in_flight = 5});
  ready.set_share({"default", "default"}, {.max_in_flight = 0});
  const auto taken_back = add("paused");
  EXPECT_EQ(begin(), "");
  EXPECT_EQ(ready.take_hungry().size(), 1U);

  ready.remove(*taken_back, now);
  EXPECT_FALSE(ready.demand_of({"default", "default"}, now).is_hungry);
  add("later");
  EXPECT_EQ(begin(), "");

  EXPECT_EQ(ready.take_hungry(), (std::vector<QueueName>{{"default", "default"}}));
}

TEST_F(ReadyQueuesTest, SaysThatMoreCameWithAShardThanTheShareAllows) {
  limit({.max_in_flight = 5});
  ready.set_share({"default", "default"}, {.max_in_flight = 0});

  ready.adopt({"default", "default"}, {}, now);

  EXPECT_EQ(ready.take_hungry().size(), 1U);
}

TEST_F(ReadyQueuesTest, AProcessLimitHoldsForTheNameInAllNamespaces) {
  ready.set_process_limit("default", 1);
  add("a", {.namespace_name = "first"});
  add("b", {.namespace_name = "second"});

  EXPECT_EQ(begin_all(), (Names{"a"}));
  end_first();
  EXPECT_EQ(begin_all(), (Names{"b"}));
}

// ---- limits of a key ---------------------------------------------------------------------------------------------

TEST_F(ReadyQueuesTest, AConcurrencyKeyMeansOneAtATimeUnlessTheQueueSaysMore) {
  for (const char* name : {"k1", "k2", "k3"}) add_with_key(name, "k");
  add_with_key("other", "o");
  add("free");

  EXPECT_EQ(begin_all(), (Names{"k1", "other", "free"}));
  EXPECT_EQ(ready.obstacle_of({"default", "default"}, {.concurrency_key = "k"}, now), Obstacle::concurrency_per_key);
  EXPECT_EQ(waiting(Obstacle::concurrency_per_key), 2);
  limit({.concurrency_per_key = 2});
  EXPECT_EQ(begin_all(), (Names{"k2"}));
  end_first();
  EXPECT_EQ(begin_all(), (Names{"k3"}));
}

TEST_F(ReadyQueuesTest, PriorityIsExactAmongTheTasksOfAKey) {
  add_with_key("first", "k");
  add_with_key("normal", "k");
  ASSERT_EQ(begin_all(), (Names{"first"}));
  add_with_key("high", "k", 5);
  add("between", {.priority = 1});

  end_first();

  EXPECT_EQ(begin_all(), (Names{"high", "between"}));
  in_hand.pop_back();
  end_first();
  EXPECT_EQ(begin_all(), (Names{"normal"}));
}

TEST_F(ReadyQueuesTest, ARateKeyHasABucketOfItsOwn) {
  limit({.rate_per_key = RateLimit{.count = 2, .per_seconds = 60}});
  for (const char* name : {"a1", "a2", "a3"}) add(name, {.rate_key = "a"});
  add("b1", {.rate_key = "b"});

  EXPECT_EQ(begin_all(), (Names{"a1", "a2", "b1"}));
  EXPECT_EQ(ready.obstacle_of({"default", "default"}, {.rate_key = "a"}, now), Obstacle::rate_per_key);
  EXPECT_EQ(ready.next_opening(), now + 30 * kSecond);
  now += 30 * kSecond;
  EXPECT_EQ(begin_all(), (Names{"a3"}));
}

TEST_F(ReadyQueuesTest, AKeyWithoutARateInItsQueueIsNotPaced) {
  for (const char* name : {"a1", "a2"}) add(name, {.rate_key = "a"});

  EXPECT_EQ(begin_all(), (Names{"a1", "a2"}));
}

TEST_F(ReadyQueuesTest, ManyTasksOfABlockedKeyAreNotLookedAt) {
  for (int i = 0; i < 100'000; ++i) add_with_key("k", "k");
  for (int i = 0; i < 1'000; ++i) add("other");
  ASSERT_EQ(begin(), "k");
  const std::uint64_t before = ready.looked_at();

  const std::size_t others = begin_all().size();

  EXPECT_EQ(others, 1'000U);
  EXPECT_LE(ready.looked_at() - before, 1'001U) << "one queue for each that begins, and none of the 99 999";
}

TEST_F(ReadyQueuesTest, ManyKeysAreForgottenWhenTheirBucketsAreFull) {
  limit({.rate_per_key = RateLimit{.count = 1, .per_seconds = 60}});
  for (int i = 0; i < 1'000; ++i) add("x", {.rate_key = std::to_string(i)});
  for (std::size_t i = begin_all().size(); i > 0; --i) end_first();
  ASSERT_EQ(ready.key_count(), 1'000U);

  now += 61 * kSecond;
  ready.forget_idle(now);

  EXPECT_EQ(ready.key_count(), 0U);
}

TEST_F(ReadyQueuesTest, AKeyWithoutTasksIsForgottenAtOnce) {
  add_with_key("a", "k");
  begin();

  end_first();

  EXPECT_EQ(ready.key_count(), 0U);
}

// ---- what does not take the usual way ----------------------------------------------------------------------------

TEST_F(ReadyQueuesTest, WhatEndsAtOnceKeepsToTheLimitsAndToItsTurn) {
  limit({.rate = RateLimit{.count = 1, .per_seconds = 10}});
  give_tokens(1);

  const auto first = ready.begin_at_once({"default", "default"}, {}, now);
  ASSERT_TRUE(first);
  ready.end(*first, now);
  EXPECT_FALSE(ready.begin_at_once({"default", "default"}, {}, now));
  add("waits");
  give_tokens(1);
  EXPECT_FALSE(ready.begin_at_once({"default", "default"}, {}, now)) << "somebody waits for this token";
  EXPECT_EQ(begin(), "waits");
}

TEST_F(ReadyQueuesTest, WhatEndsAtOnceCountsForItsKey) {
  add_with_key("in hand", "k");
  begin();

  EXPECT_FALSE(ready.begin_at_once({"default", "default"}, {.concurrency_key = "k"}, now));
  EXPECT_TRUE(ready.begin_at_once({"default", "default"}, {.concurrency_key = "other"}, now));
}

TEST_F(ReadyQueuesTest, RemoteWorkersGetTheirHandlersUnderTheSameLimits) {
  limit({.max_in_flight = 2});
  for (const char* name : {"r1", "r2", "r3"}) add(name, {.is_remote = true});
  add("local");

  EXPECT_EQ(begin(), "local") << "no slot of this process performs what is not compiled in";
  EXPECT_FALSE(ready.begin_remote({"default", "default"}, {"something else"}, now));
  const auto claimed = ready.begin_remote({"default", "default"}, {"work"}, now);
  ASSERT_TRUE(claimed);
  EXPECT_EQ(claimed->task->context.state_name, "r1");
  EXPECT_FALSE(ready.begin_remote({"default", "default"}, {}, now)) << "two are in hand";
  EXPECT_FALSE(ready.may_begin_remote({"default", "default"}, {}, now));
  ready.end(claimed->ticket, now);
  EXPECT_TRUE(ready.may_begin_remote({"default", "default"}, {}, now));
}

TEST_F(ReadyQueuesTest, AdoptedWorkCounts) {
  const auto adopted = ready.adopt({"default", "default"}, {.concurrency_key = "k"}, now);
  add_with_key("a", "k");

  EXPECT_EQ(begin(), "");
  ready.end(adopted, now);
  EXPECT_EQ(begin(), "a");
}

TEST_F(ReadyQueuesTest, PutBackIsAtItsOldPlace) {
  for (const char* name : {"a", "b"}) add_with_key(name, "k");
  auto begun = ready.begin(now);
  ASSERT_TRUE(begun);

  ready.put_back(*std::move(begun), now);

  EXPECT_EQ(begin(), "a");
  EXPECT_EQ(ready.readings(now).at(0).in_flight, 1);
}

TEST_F(ReadyQueuesTest, RemovedAndWithdrawnTasksNeverBegin) {
  const auto a = add("a");
  const auto k1 = add_with_key("k1", "k");
  add_with_key("k2", "k");
  add("b");

  ready.remove(*a, now);
  ready.remove(*k1, now);
  EXPECT_EQ(ready.ready_count(), 2);
  EXPECT_EQ(begin_all(), (Names{"k2", "b"}));
  add("c");
  add_with_key("k3", "k");
  EXPECT_EQ(ready.withdraw(ShardId{0}, now).size(), 2U);
  EXPECT_EQ(ready.ready_count(), 0);
  EXPECT_EQ(begin(), "");
}

TEST_F(ReadyQueuesTest, ACancelledTaskTakesNothing) {
  limit({.rate = RateLimit{.count = 1, .per_seconds = 60}});
  give_tokens(1);
  const auto cancelled = add("cancelled");
  cancelled->hold->cancel_requested = true;
  add("a");

  EXPECT_EQ(begin_all(), (Names{"cancelled", "a"}));
}

TEST_F(ReadyQueuesTest, AnUnusedQueueIsForgotten) {
  add("a", {.queue = "rare"});
  begin();
  end_first();

  now += kForgetQueueAfter;
  ready.forget_idle(now);

  EXPECT_TRUE(ready.readings(now).empty());
}

TEST_F(ReadyQueuesTest, ReadingsTellDepthAgeAndRate) {
  for (int i = 0; i < 20; ++i) add("x");
  now += 3 * kSecond;
  for (int i = 0; i < 15; ++i) begin();
  now += kSecond;

  const auto readings = ready.readings(now);

  ASSERT_EQ(readings.size(), 1U);
  EXPECT_EQ(readings[0].depth, 5);
  EXPECT_EQ(readings[0].in_flight, 15);
  EXPECT_EQ(readings[0].oldest_ready_age, 4 * kSecond);
  EXPECT_EQ(readings[0].begun_lately, 15);
}

}  // namespace
}  // namespace orchestrator::runtime
