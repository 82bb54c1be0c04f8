#include <thread>

#include "orchestrator/store/queue_ledger.hpp"
#include "orchestrator/store/queue_settings.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

/// Two nodes with a lease, and the queue `mail` with limits.
class StoreQueueShares : public StoreConformance {
 protected:
  StoreQueueShares() : other_(open_another()) {
    beat(store(), "a", std::chrono::minutes(1));
    beat(*other_, "b", std::chrono::minutes(1));
  }

  static void beat(Store& store, const std::string& node, std::chrono::milliseconds lease,
                   const std::string& roles = "api,worker") {
    const NodeRow row{.id = NodeId{node}, .url = "http://" + node, .roles = roles};
    const auto answer = ask<HeartbeatAnswer>([&](auto done) { store.heartbeat(row, lease, done); });
    ASSERT_TRUE(answer) << answer.error().message;
  }
  void limit(const QueueLimits& limits) {
    QueueSettingsChange change{.namespace_name = "default", .name = "mail"};
    change.limits = limits;
    const auto changed = ask<QueueSettingsRow>([&](auto done) { store().change_queue_settings(change, done); });
    ASSERT_TRUE(changed) << changed.error().message;
  }
  /// One exchange about `mail`, by who knows its last answer.
  QueueShareAnswer exchange(Store& store, const std::string& node, QueueShareAsk wish) {
    wish.namespace_name = "default";
    wish.queue = "mail";
    wish.version = last_[node].version;
    wish.tokens_of = last_[node].tokens_of;
    auto answers =
        ask<std::vector<QueueShareAnswer>>([&](auto done) { store.exchange_queue_shares(NodeId{node}, {wish}, done); });
    EXPECT_TRUE(answers) << answers.error().message;
    if (!answers) return {};
    EXPECT_EQ(answers->size(), 1U);
    return last_[node] = answers->at(0);
  }
  static std::vector<QueueShareRow> list(Store& store, const std::string& node) {
    auto rows = ask<std::vector<QueueShareRow>>([&](auto done) { store.list_queue_shares(NodeId{node}, done); });
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? *std::move(rows) : std::vector<QueueShareRow>{};
  }
  Store& other() { return *other_; }

 private:
  std::unique_ptr<Store> other_;
  std::map<std::string, QueueShareAnswer> last_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreQueueShares, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

TEST_P(StoreQueueShares, WhatOneNodeHoldsNoOtherGets) {
  limit({.max_in_flight = 4});

  EXPECT_EQ(exchange(store(), "a", {.wanted = 9}).held, 4);
  const auto refused = exchange(other(), "b", {.wanted = 9});

  EXPECT_EQ(refused.held, 0);
  EXPECT_TRUE(refused.is_short);
  const auto rows = list(store(), "a");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].queue, "mail");
  EXPECT_EQ(rows[0].held, 4);
  EXPECT_TRUE(rows[0].is_wanted_by_others);
  const auto told = exchange(store(), "a", {.in_flight = 1, .keep = 1, .wanted = 9});
  EXPECT_GT(told.version, rows[0].version) << "another one in each exchange";
  EXPECT_EQ(exchange(other(), "b", {.wanted = 9}).held, 2);
}

TEST_P(StoreQueueShares, WhoGivesEverythingBackLeavesNoRow) {
  limit({.max_in_flight = 5});
  ASSERT_GT(exchange(store(), "a", {.wanted = 1}).held, 0);

  EXPECT_EQ(exchange(store(), "a", {}).held, 0);

  EXPECT_TRUE(list(store(), "a").empty());
}

TEST_P(StoreQueueShares, ANodeThatIsAloneHoldsTheWholeLimit) {
  beat(other(), "b", std::chrono::minutes(1), "api");
  limit({.max_in_flight = 1'000});

  EXPECT_EQ(exchange(store(), "a", {.wanted = 1}).held, 1'000) << "b performs no steps";
}

TEST_P(StoreQueueShares, WhoHasNoLeaseGetsNothing) {
  limit({.max_in_flight = 5, .rate = RateLimit{.count = 5, .per_seconds = 60}});

  const auto stranger = exchange(store(), "c", {.wanted = 3, .tokens_wanted = 3});

  EXPECT_EQ(stranger.held, 0);
  EXPECT_EQ(stranger.tokens, 0);
}

TEST_P(StoreQueueShares, ANewLifeFindsWhatItsFormerOneHeldAndGivesItBack) {
  limit({.max_in_flight = 5});
  ASSERT_EQ(exchange(store(), "a", {.wanted = 9}).held, 5);
  QueueShareAsk unknowing{.namespace_name = "default", .queue = "mail"};
  const auto give_back = [&] {
    auto answers = ask<std::vector<QueueShareAnswer>>(
        [&](auto done) { store().exchange_queue_shares(NodeId{"a"}, {unknowing}, done); });
    unknowing.version = answers->at(0).version;
    return answers->at(0).held;
  };

  EXPECT_EQ(give_back(), 5);
  EXPECT_EQ(give_back(), 0);
}

TEST_P(StoreQueueShares, TokensComeFromOneBucketThatOutlivesItsTakers) {
  limit({.rate = RateLimit{.count = 10, .per_seconds = 3'600}});

  EXPECT_EQ(exchange(store(), "a", {.tokens_wanted = 7}).tokens, 7);
  EXPECT_EQ(exchange(other(), "b", {.tokens_wanted = 7}).tokens, 3);
  EXPECT_EQ(exchange(store(), "a", {.tokens_returned = 4}).tokens, 0);
  const auto late = exchange(other(), "b", {.tokens_wanted = 7});

  EXPECT_EQ(late.tokens, 4);
  EXPECT_TRUE(late.is_short);
  EXPECT_GT(late.next_token_in, std::chrono::minutes(5));
  const auto third = open_another();
  EXPECT_EQ(exchange(*third, "a", {.tokens_wanted = 1}).tokens, 0);
}

TEST_P(StoreQueueShares, AQueueWithoutLimitsHasNoShares) {
  limit({.max_in_flight = 5});
  ASSERT_GT(exchange(store(), "a", {.wanted = 1}).held, 0);
  limit({.concurrency_per_key = 2});

  EXPECT_EQ(exchange(store(), "a", {.in_flight = 1, .keep = 1, .wanted = 1}).held, 0);

  EXPECT_TRUE(list(store(), "a").empty());
}

TEST_P(StoreQueueShares, TheUpkeepLeavesWhatIsHeld) {
  limit({.max_in_flight = 5});
  const auto held = exchange(store(), "a", {.wanted = 1}).held;

  const auto kept = ask<void>([&](auto done) { store().keep_partitions(done); });

  ASSERT_TRUE(kept) << kept.error().message;
  ASSERT_EQ(list(store(), "a").size(), 1U);
  EXPECT_EQ(list(store(), "a")[0].held, held);
}

TEST_P(StoreQueueShares, OneExchangeIsAboutManyQueues) {
  std::vector<QueueShareAsk> asks;
  for (const char* name : {"z", "mail", "a"}) {
    QueueSettingsChange change{.namespace_name = "default", .name = name};
    change.limits = QueueLimits{.max_in_flight = static_cast<std::int64_t>(name[0])};
    ASSERT_TRUE(ask<QueueSettingsRow>([&](auto done) { store().change_queue_settings(change, done); }));
    asks.push_back({.namespace_name = "default", .queue = name, .wanted = 1'000});
  }

  const auto answers =
      ask<std::vector<QueueShareAnswer>>([&](auto done) { store().exchange_queue_shares(NodeId{"a"}, asks, done); });

  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_EQ(answers->at(0).held, 'z');
  EXPECT_EQ(answers->at(1).held, 'm');
  EXPECT_EQ(answers->at(2).held, 'a');
}

/// Two connections at once: each moment's sum of what both may have in hand stays within the limit.
TEST_P(StoreQueueShares, TwoThatRaceNeverHoldMoreThanTheLimit) {
  constexpr std::int64_t kLimit = 3;
  limit({.max_in_flight = kLimit});
  std::atomic<std::int64_t> in_hand{0};
  std::atomic<std::int64_t> most{0};
  std::atomic<std::int64_t> performed{0};
  const auto work = [&](Store& of_node, const std::string& node) {
    QueueShareAsk wish{.namespace_name = "default", .queue = "mail"};
    std::int64_t mine = 0;
    for (int i = 0; i < 150; ++i) {
      wish.in_flight = wish.keep = mine;
      wish.wanted = i % 7 == 6 ? mine : mine + 2;
      const auto answers = ask<std::vector<QueueShareAnswer>>(
          [&](auto done) { of_node.exchange_queue_shares(NodeId{node}, {wish}, done); });
      ASSERT_TRUE(answers) << answers.error().message;
      wish.version = answers->at(0).version;
      const std::int64_t usable = std::min(answers->at(0).held, answers->at(0).use);
      for (; mine < usable; ++mine) {
        const std::int64_t now = ++in_hand;
        for (std::int64_t known = most; known < now && !most.compare_exchange_weak(known, now);) {
        }
        ++performed;
      }
      for (std::int64_t ends = i % 3; mine > 0 && ends >= 0; --ends, --mine) --in_hand;
    }
  };

  std::thread racer([&] { work(other(), "b"); });
  work(store(), "a");
  racer.join();

  EXPECT_LE(most, kLimit);
  EXPECT_GT(performed, 100);
}

}  // namespace
}  // namespace orchestrator::store
