#include "orchestrator/store/queue_ledger.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace orchestrator::store {
namespace {

constexpr Duration kSecond = std::chrono::seconds{1};

/// Virtual database time, and what each node was answered last.
class QueueLedgerTest : public ::testing::Test {
 protected:
  QueueShareAnswer ask(const std::string& node, QueueShareAsk wish) {
    wish.version = last[node].version;
    wish.tokens_of = last[node].tokens_of;
    return ask_unknowing(node, wish);
  }
  /// As a process does that never saw the last answer.
  QueueShareAnswer ask_unknowing(const std::string& node, const QueueShareAsk& wish) {
    LedgerMoment moment{.now = now, .version = ++exchanges, .alive = {}, .remembered = {}};
    for (const auto& [name, until] : lease_until) {
      if (until >= now) moment.alive.insert(NodeId{name});
      if (until + kShareGrace >= now) moment.remembered.insert(NodeId{name});
    }
    last[node] = settle(ledger, limits, NodeId{node}, wish, moment);
    std::int64_t held = 0;
    for (const auto& [id, share] : ledger.shares) held += share.held;
    if (limits.max_in_flight && !was_lowered) EXPECT_LE(held, *limits.max_in_flight);
    return last[node];
  }
  std::int64_t held(const std::string& node) { return ledger.shares[NodeId{node}].held; }

  Timestamp now{std::chrono::hours{24 * 365 * 50}};
  QueueLedger ledger;
  QueueLimits limits{.max_in_flight = 4};
  std::map<std::string, Timestamp> lease_until{{"a", now + 3'600 * kSecond}, {"b", now + 3'600 * kSecond}};
  std::map<std::string, QueueShareAnswer> last;
  std::int64_t exchanges = 0;
  bool was_lowered = false;
};

TEST_F(QueueLedgerTest, WhoIsAloneHoldsEverythingAfterOneAsk) {
  lease_until.erase("b");

  const auto answer = ask("a", {.wanted = 1});

  EXPECT_EQ(answer.held, 4);
  EXPECT_EQ(answer.use, 4);
  EXPECT_FALSE(answer.is_short);
}

TEST_F(QueueLedgerTest, WhoWantsLittleLeavesTheRestToOthers) {
  EXPECT_EQ(ask("a", {.wanted = 1}).held, 2) << "one more than it needs, and something for who comes next";
  EXPECT_EQ(ask("b", {.wanted = 100}).held, 2);

  ask("a", {.keep = 1, .wanted = 1});
  EXPECT_EQ(ask("b", {.keep = 2, .wanted = 100}).held, 3);
}

TEST_F(QueueLedgerTest, AShareIsGivenUpWhenOthersNeedIt) {
  ASSERT_EQ(ask("a", {.wanted = 100}).held, 4);
  EXPECT_EQ(ask("b", {.wanted = 100}).held, 0) << "all is in use";
  EXPECT_TRUE(last["b"].is_short);

  const auto told = ask("a", {.in_flight = 4, .keep = 4, .wanted = 100});
  EXPECT_TRUE(told.is_wanted_by_others);
  EXPECT_EQ(told.use, 2);
  EXPECT_EQ(told.held, 4) << "nothing is taken from who has it in hand";
  EXPECT_EQ(ask("b", {.wanted = 100}).held, 0);
  EXPECT_EQ(ask("a", {.in_flight = 2, .keep = 2, .wanted = 100}).held, 2);
  EXPECT_EQ(ask("b", {.wanted = 100}).held, 2);
}

TEST_F(QueueLedgerTest, WhatADeadNodeHeldIsFreeOnceItsLeaseIsLongOver) {
  lease_until["a"] = now + kSecond;
  ASSERT_EQ(ask("a", {.wanted = 100}).held, 4);

  now += kSecond + kShareGrace;
  EXPECT_EQ(ask("b", {.wanted = 100}).held, 0);
  now += Duration{1};
  EXPECT_EQ(ask("b", {.wanted = 100}).held, 4);
  EXPECT_FALSE(ledger.shares.contains(NodeId{"a"}));
}

TEST_F(QueueLedgerTest, ANodeWithoutALeaseGetsNothing) {
  lease_until["a"] = now - kSecond;

  const auto answer = ask("a", {.wanted = 3});

  EXPECT_EQ(answer.held, 0);
  EXPECT_EQ(answer.use, 0);
  EXPECT_TRUE(answer.is_short) << "it has to ask again";
}

TEST_F(QueueLedgerTest, WhoDoesNotKnowWhatItHoldsGivesNothingBackButLearns) {
  const auto first = ask("a", {.wanted = 100});
  ASSERT_EQ(first.held, 4);

  const auto anew = ask_unknowing("a", {});
  EXPECT_EQ(anew.held, 4);
  EXPECT_NE(anew.version, first.version);
  // An ask of the former life, on its way for long, must not give away what the new one may use.
  EXPECT_EQ(ask_unknowing("a", {.version = first.version}).held, 4);

  EXPECT_EQ(ask("a", {}).held, 0);
  EXPECT_FALSE(ledger.shares.contains(NodeId{"a"})) << "nothing is kept for who wants nothing";
}

TEST_F(QueueLedgerTest, WorkThatCameWithAShardIsCountedBeforeAnythingIsGiven) {
  lease_until["c"] = now + 3'600 * kSecond;
  ASSERT_EQ(ask("a", {.in_flight = 4, .keep = 4, .wanted = 4}).held, 4);
  EXPECT_EQ(ask("b", {.in_flight = 2, .keep = 2, .wanted = 2}).held, 0) << "a's remote work is b's now";

  ASSERT_EQ(ask("a", {.in_flight = 2, .keep = 2, .wanted = 2}).held, 2);

  EXPECT_EQ(ask("c", {.wanted = 9}).held, 0);
  EXPECT_EQ(ask("b", {.in_flight = 2, .keep = 2, .wanted = 2}).held, 2);
}

TEST_F(QueueLedgerTest, ALoweredLimitIsReachedAsWorkEnds) {
  ASSERT_EQ(ask("a", {.wanted = 9}).held, 4);
  limits.max_in_flight = 1;
  was_lowered = true;

  const auto told = ask("a", {.in_flight = 4, .keep = 4, .wanted = 9});
  EXPECT_EQ(told.held, 4);
  EXPECT_EQ(told.use, 1);
  EXPECT_EQ(ask("b", {.wanted = 9}).held, 0);
  EXPECT_EQ(ask("a", {.in_flight = 1, .keep = 1, .wanted = 9}).held, 1);
}

TEST_F(QueueLedgerTest, ASingleSlotGoesRound) {
  limits.max_in_flight = 1;
  std::map<std::string, std::int64_t> usable;
  std::map<std::string, int> turns;

  for (int i = 0; i < 100; ++i) {
    for (const char* node : {"a", "b"}) {
      const auto answer = ask(node, {.keep = usable[node], .wanted = 100});
      usable[node] = std::min(answer.held, answer.use);
      turns[node] += static_cast<int>(usable[node]);
    }
    now += kSecond / 5;
  }

  // Ten turns; each of them costs one or two asks.
  EXPECT_NEAR(turns["a"], turns["b"], 20);
  EXPECT_GT(turns["a"] + turns["b"], 80);
}

// ---- rates -------------------------------------------------------------------------------------------------------

TEST_F(QueueLedgerTest, TokensComeFromOneBucket) {
  limits = {.rate = RateLimit{.count = 10, .per_seconds = 10}};

  EXPECT_EQ(ask("a", {.tokens_wanted = 6}).tokens, 6);
  EXPECT_EQ(ask("b", {.tokens_wanted = 6}).tokens, 4);
  EXPECT_TRUE(last["b"].is_short);
  EXPECT_GT(last["b"].next_token_in, Duration{0});
  now += 3 * kSecond;
  ask("a", {});
  EXPECT_EQ(ask("b", {.tokens_wanted = 6}).tokens, 1) << "three came back; two of them for what was used late";
}

TEST_F(QueueLedgerTest, UnusedTokensAreNotLost) {
  limits = {.rate = RateLimit{.count = 10, .per_seconds = 1'000}};
  ASSERT_EQ(ask("a", {.tokens_wanted = 10}).tokens, 10);
  ASSERT_EQ(ask("b", {.tokens_wanted = 2}).tokens, 0);

  ask("a", {.tokens_returned = 7});

  EXPECT_EQ(ask("b", {.tokens_wanted = 2}).tokens, 2);
  EXPECT_EQ(ask("b", {.tokens_wanted = 9}).tokens, 5);
}

TEST_F(QueueLedgerTest, TokensOfADeadNodeCountAsUsed) {
  limits = {.rate = RateLimit{.count = 10, .per_seconds = 1'000}};
  ASSERT_EQ(ask("a", {.tokens_wanted = 10}).tokens, 10);
  lease_until["a"] = now;

  now += kTokenTime + kShareGrace;
  EXPECT_EQ(ask("b", {.tokens_wanted = 2}).tokens, 0);
  EXPECT_FALSE(ledger.shares.contains(NodeId{"a"}));
}

TEST_F(QueueLedgerTest, OneBeginningTakesNoMoreThanOneTokenFromABurst) {
  limits = {.rate = RateLimit{.count = 1'000, .per_seconds = 1}};
  ASSERT_EQ(ask("a", {.tokens_wanted = 1}).tokens, 1);

  EXPECT_EQ(ask("b", {.tokens_wanted = 2'000}).tokens, 999);
}

TEST_F(QueueLedgerTest, InNoWindowMoreBeginThanItsCountAndOneBurst) {
  for (const std::int64_t per_seconds : {1, 4, 30}) {
    std::mt19937_64 random(static_cast<std::uint64_t>(per_seconds));
    limits = {.rate = RateLimit{.count = 8, .per_seconds = per_seconds}};
    ledger = {};
    last.clear();
    struct Purse {
      std::int64_t tokens = 0;
      Timestamp until{};
    };
    std::map<std::string, Purse> purses;
    std::deque<Timestamp> begun;
    for (int step = 0; step < 20'000; ++step) {
      now += Duration{static_cast<std::int64_t>(random() % 100'000)};
      const std::string node = random() % 2 == 0 ? "a" : "b";
      Purse& purse = purses[node];
      if (now >= purse.until) purse.tokens = 0;
      if (random() % 3 == 0) {
        QueueShareAsk wish{.tokens_wanted = static_cast<std::int64_t>(random() % 9),
                           .tokens_ahead = static_cast<std::int64_t>(random() % 4)};
        wish.tokens_returned = purse.tokens;
        const auto answer = ask(node, wish);
        purse = {answer.tokens, now + kTokenTime};
        if (random() % 20 == 0) purse.tokens = 0;  // lost with its process
      } else if (purse.tokens > 0) {
        const std::int64_t uses = 1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(purse.tokens));
        purse.tokens -= uses;
        for (std::int64_t i = 0; i < uses; ++i) begun.push_back(now);
      }
      while (!begun.empty() && begun.front() <= now - per_seconds * kSecond) begun.pop_front();
      ASSERT_LE(begun.size(), 16U) << "within " << per_seconds << " s, at step " << step;
    }
  }
}

// ---- whatever happens --------------------------------------------------------------------------------------------

TEST_F(QueueLedgerTest, NeverIsMoreInHandThanTheLimit) {
  std::mt19937_64 random(7);
  limits.max_in_flight = 5;
  struct Node {
    std::int64_t in_flight = 0;
    std::int64_t usable = 0;
  };
  std::map<std::string, Node> nodes{{"a", {}}, {"b", {}}, {"c", {}}};
  for (auto& [name, node] : nodes) lease_until[name] = now + 1'000'000 * kSecond;
  for (int step = 0; step < 50'000; ++step) {
    now += Duration{static_cast<std::int64_t>(random() % 50'000)};
    auto& [name, node] = *std::next(nodes.begin(), static_cast<std::ptrdiff_t>(random() % 3));
    switch (random() % 4) {
      case 0:
        if (node.in_flight < node.usable) ++node.in_flight;
        break;
      case 1:
        if (node.in_flight > 0) --node.in_flight;
        break;
      default: {
        if (node.in_flight == 0 && random() % 10 == 0) node.usable = 0;
        const QueueShareAsk wish{.in_flight = node.in_flight,
                                 .keep = std::max(node.in_flight, node.usable),
                                 .wanted = node.in_flight + static_cast<std::int64_t>(random() % 6)};
        const QueueShareAnswer before = last[name];
        const auto answer = ask(name, wish);
        if (random() % 10 == 0) {
          last[name] = before;  // the answer was lost
        } else {
          node.usable = std::min(answer.held, answer.use);
        }
        break;
      }
    }
    std::int64_t in_hand = 0;
    for (const auto& [other, state] : nodes) in_hand += state.in_flight;
    ASSERT_LE(in_hand, *limits.max_in_flight) << "step " << step;
  }
}

}  // namespace
}  // namespace orchestrator::store
