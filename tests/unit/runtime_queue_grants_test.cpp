#include "orchestrator/runtime/queue_grants.hpp"

#include <gtest/gtest.h>

#include <random>

namespace orchestrator::runtime {
namespace {

constexpr Duration kSecond = std::chrono::seconds{1};
constexpr Duration kLearning = 4 * kSecond;

class QueueGrantsTest : public ::testing::Test {
 protected:
  Grant ask(const std::string& node, GrantAsk asked) {
    asked.number = ++asks;
    return grants.renew(queue, limits, NodeId{node}, asked, alive, now).value_or(Grant{});
  }

  const QueueName queue{"default", "mail"};
  QueueLimits limits{.max_in_flight = 4};
  std::set<NodeId> alive{NodeId{"a"}, NodeId{"b"}};
  Duration now = std::chrono::hours{1};
  std::uint64_t asks = 0;
  QueueGrants grants{kLearning};
};

TEST_F(QueueGrantsTest, ANewGranterConfirmsWhatIsHeldAndGivesNothingElse) {
  EXPECT_EQ(ask("a", {.in_flight = 2, .ready = 9, .max_in_flight = 3}).max_in_flight, 3);
  EXPECT_EQ(ask("b", {.ready = 9}).max_in_flight, 0);

  now += kLearning;

  EXPECT_EQ(ask("b", {.ready = 9}).max_in_flight, 1) << "what nobody holds";
}

TEST_F(QueueGrantsTest, WhoWantsLittleLeavesTheRestToOthers) {
  ask("a", {});
  now += kLearning;
  ask("b", {.ready = 1});

  EXPECT_EQ(ask("a", {.ready = 100}).max_in_flight, 3);
}

TEST_F(QueueGrantsTest, AShareIsGivenUpWhenOthersNeedIt) {
  ask("a", {});
  now += kLearning;
  ASSERT_EQ(ask("a", {.ready = 100}).max_in_flight, 4);

  EXPECT_EQ(ask("b", {.ready = 100}).max_in_flight, 0) << "all is in use";
  EXPECT_EQ(ask("a", {.in_flight = 4, .ready = 100, .max_in_flight = 4}).max_in_flight, 2);
  EXPECT_EQ(ask("b", {.ready = 100}).max_in_flight, 0) << "it still has four in hand";
  EXPECT_EQ(ask("a", {.in_flight = 2, .ready = 100, .max_in_flight = 2}).max_in_flight, 2);
  EXPECT_EQ(ask("b", {.ready = 100}).max_in_flight, 2);
}

TEST_F(QueueGrantsTest, WhatADeadNodeHeldIsFreeAndWhatASilentOneHoldsIsNot) {
  ask("a", {});
  now += kLearning;
  ASSERT_EQ(ask("a", {.ready = 100}).max_in_flight, 4);
  now += std::chrono::hours{1};
  EXPECT_EQ(ask("b", {.ready = 100}).max_in_flight, 0);

  alive.erase(NodeId{"a"});

  EXPECT_EQ(ask("b", {.ready = 100}).max_in_flight, 4);
}

TEST_F(QueueGrantsTest, ASingleSlotGoesRound) {
  limits.max_in_flight = 1;
  ask("a", {});
  now += kLearning;

  std::map<std::string, int> begun;
  std::map<std::string, std::int64_t> held;
  for (int i = 0; i < 100; ++i) {
    for (const char* node : {"a", "b"}) {
      // Its tasks are short: nothing is in flight when it asks.
      held[node] = ask(node, {.ready = 100, .max_in_flight = held[node]}).max_in_flight;
      begun[node] += static_cast<int>(held[node]);
    }
    ASSERT_LE(held["a"] + held["b"], 1);
    now += kSecond / 5;
  }

  EXPECT_GT(begun["a"], 30);
  EXPECT_GT(begun["b"], 30);
}

TEST_F(QueueGrantsTest, TokensComeFromOneBucket) {
  limits = {.rate = RateLimit{.count = 10, .per_seconds = 10}};
  std::int64_t given = 0;
  for (int second = 0; second < 100; ++second) {
    for (const char* node : {"a", "b"}) given += ask(node, {.ready = 1'000}).tokens;
    now += kSecond;
  }

  EXPECT_NEAR(static_cast<double>(given), 100, 2) << "and no burst from a granter that knows of nothing";
}

TEST_F(QueueGrantsTest, UnusedTokensCanBeGivenBack) {
  limits = {.rate = RateLimit{.count = 10, .per_seconds = 10}};
  ask("a", {});
  now += 20 * kSecond;
  ASSERT_EQ(ask("a", {.ready = 50}).tokens, 10);
  ASSERT_EQ(ask("b", {.ready = 50}).tokens, 0);

  ask("a", {.returned = 10});

  EXPECT_EQ(ask("b", {.ready = 50}).tokens, 10);
}

TEST_F(QueueGrantsTest, AnAskThatWasOvertakenSaysNothing) {
  ask("a", {});
  now += kLearning;
  ASSERT_EQ(ask("a", {.ready = 100}).max_in_flight, 4);

  GrantAsk late{.number = 1};
  EXPECT_FALSE(grants.renew(queue, limits, NodeId{"a"}, late, alive, now));
  EXPECT_EQ(ask("b", {.ready = 100}).max_in_flight, 0) << "a still holds everything";
  late.life = 7;
  EXPECT_TRUE(grants.renew(queue, limits, NodeId{"a"}, late, alive, now)) << "a process begins to count anew";
}

TEST_F(QueueGrantsTest, NeverIsMoreOutThanTheLimit) {
  std::mt19937 random(7);
  const std::vector<std::string> nodes{"a", "b", "c"};
  alive = {NodeId{"a"}, NodeId{"b"}, NodeId{"c"}};
  struct Node {
    std::int64_t granted = 0;
    std::int64_t in_flight = 0;
  };
  std::map<std::string, Node> state;
  for (int step = 0; step < 20'000; ++step) {
    now += kSecond / 20;
    Node& node = state[nodes[random() % 3]];
    if (node.in_flight > 0 && random() % 2 == 0) --node.in_flight;
    while (node.in_flight < node.granted && random() % 3 != 0) ++node.in_flight;
    const std::string& asks = nodes[random() % 3];
    Node& asking = state[asks];
    const GrantAsk asked{.in_flight = asking.in_flight,
                         .ready = static_cast<std::int64_t>(random() % 6),
                         .max_in_flight = asking.granted};
    const Grant granted = ask(asks, asked);
    // Some answers are lost: then it goes on with what it had, or its time is over.
    if (random() % 5 != 0) {
      asking.granted = granted.max_in_flight;
    } else if (random() % 3 == 0) {
      asking.granted = 0;
    }

    std::int64_t in_flight = 0;
    for (const auto& [name, one] : state) in_flight += one.in_flight;
    ASSERT_LE(in_flight, *limits.max_in_flight) << "step " << step;
  }
}

}  // namespace
}  // namespace orchestrator::runtime
