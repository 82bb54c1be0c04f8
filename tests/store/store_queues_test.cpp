#include "orchestrator/store/queue_settings.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreQueues = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreQueues, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

Result<QueueSettingsRow> change(Store& store, QueueSettingsChange wanted) {
  return ask<QueueSettingsRow>([&](auto done) { store.change_queue_settings(wanted, done); });
}

std::vector<QueueSettingsRow> list(Store& store, std::int64_t after_revision) {
  auto rows = ask<std::vector<QueueSettingsRow>>([&](auto done) { store.list_queue_settings(after_revision, done); });
  EXPECT_TRUE(rows) << rows.error().message;
  return rows ? *std::move(rows) : std::vector<QueueSettingsRow>{};
}

TEST_P(StoreQueues, LimitsAndPausesDoNotTouchEachOther) {
  QueueSettingsChange limits{.namespace_name = "default", .name = "mail"};
  limits.limits = QueueLimits{.max_in_flight = 3, .rate = RateLimit{.count = 10, .per_seconds = 60}, .weight = 2};
  QueueSettingsChange pause{.namespace_name = "default", .name = "mail", .reason = "maintenance"};
  pause.paused = true;

  ASSERT_TRUE(change(store(), limits));
  const auto paused = change(store(), pause);
  const auto limited_again = change(store(), limits);

  ASSERT_TRUE(paused) << paused.error().message;
  EXPECT_EQ(paused->limits, *limits.limits);
  EXPECT_TRUE(paused->paused);
  EXPECT_EQ(paused->reason, "maintenance");
  EXPECT_TRUE(paused->paused_at);
  EXPECT_TRUE(limited_again->paused);
  EXPECT_EQ(limited_again->paused_at, paused->paused_at);
  EXPECT_EQ(limited_again->reason, "maintenance");
}

TEST_P(StoreQueues, ASecondPauseKeepsItsBeginningAndResumingEndsIt) {
  QueueSettingsChange pause{.namespace_name = "default", .name = "mail", .reason = "first"};
  pause.paused = true;
  const auto first = change(store(), pause);
  pause.reason = "second";
  const auto second = change(store(), pause);
  pause.paused = false;
  const auto resumed = change(store(), pause);

  EXPECT_EQ(second->paused_at, first->paused_at);
  EXPECT_EQ(second->reason, "second");
  EXPECT_FALSE(resumed->paused);
  EXPECT_FALSE(resumed->paused_at);
  EXPECT_EQ(resumed->reason, "");
}

TEST_P(StoreQueues, LimitsAreReplacedAsAWhole) {
  QueueSettingsChange limits{.namespace_name = "default", .name = "mail"};
  limits.limits = QueueLimits{.concurrency_per_key = 3, .rate_per_key = RateLimit{.count = 1, .per_seconds = 2}};
  ASSERT_TRUE(change(store(), limits));

  limits.limits = QueueLimits{.max_in_flight = 1};
  ASSERT_TRUE(change(store(), limits));

  ASSERT_EQ(list(store(), 0).size(), 1U);
  EXPECT_EQ(list(store(), 0)[0].limits, *limits.limits);
}

TEST_P(StoreQueues, ListsWhatChangedAfterARevisionOldestFirst) {
  const auto touch = [&](const std::string& namespace_name, const std::string& name) {
    QueueSettingsChange wanted{.namespace_name = namespace_name, .name = name};
    wanted.limits = QueueLimits{};
    return change(store(), wanted)->revision;
  };
  touch("default", "a");
  const std::int64_t seen = touch("default", "b");
  touch("other", "a");
  touch("default", "a");

  const auto changed = list(store(), seen);

  ASSERT_EQ(changed.size(), 2U);
  EXPECT_EQ(changed[0].namespace_name, "other");
  EXPECT_EQ(changed[1].name, "a");
  EXPECT_LT(changed[0].revision, changed[1].revision);
  EXPECT_EQ(list(store(), 0).size(), 3U);
  EXPECT_TRUE(list(store(), changed[1].revision).empty());
}

}  // namespace
}  // namespace orchestrator::store
