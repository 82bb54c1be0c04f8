#include "orchestrator/runtime/workers_seen.hpp"

#include <gtest/gtest.h>

namespace orchestrator::runtime {
namespace {

using namespace std::chrono_literals;

TEST(WorkersSeen, TellsWhoClaimsFromWhichQueueOfANamespace) {
  WorkersSeen workers;
  workers.note("default", "mail", "w-1", "", 10s);
  workers.note("default", "slow", "w-1", "", 20s);
  workers.note("default", "mail", "w-2", "", 25s);
  workers.note("other", "mail", "w-1", "", 25s);

  const auto readings = workers.of_namespace("default", 30s);

  ASSERT_EQ(readings.size(), 3U);
  EXPECT_EQ(readings[0].worker_id, "w-1");
  EXPECT_EQ(readings[0].queue, "mail");
  EXPECT_EQ(readings[0].since_last_claim, 20s);
  EXPECT_EQ(readings[1].queue, "slow");
  EXPECT_EQ(readings[2].worker_id, "w-2");
}

TEST(WorkersSeen, ForgetsWhoHasBeenSilentForLong) {
  WorkersSeen workers;
  workers.note("default", "mail", "w-1", "", 0s);

  EXPECT_EQ(workers.of_namespace("default", WorkersSeen::kForgetAfter).size(), 1U);
  EXPECT_TRUE(workers.of_namespace("default", WorkersSeen::kForgetAfter + 1s).empty());
}

TEST(WorkersSeen, RefusesTheOlderOfTwoProcessesWithOneId) {
  WorkersSeen workers;
  EXPECT_TRUE(workers.note("default", "mail", "w-1", "first", 0s));
  EXPECT_TRUE(workers.note("default", "mail", "w-1", "first", 1s));

  EXPECT_TRUE(workers.note("default", "mail", "w-1", "second", 2s)) << "a worker that was started again goes on";
  EXPECT_FALSE(workers.note("default", "mail", "w-1", "first", 3s));
  EXPECT_TRUE(workers.note("default", "mail", "w-1", "second", 4s));
  EXPECT_TRUE(workers.note("other", "mail", "w-1", "first", 5s)) << "another namespace's worker";
}

TEST(WorkersSeen, RefusesNobodyWhoDoesNotNameItsProcess) {
  WorkersSeen workers;
  workers.note("default", "mail", "w-1", "first", 0s);

  EXPECT_TRUE(workers.note("default", "mail", "w-1", "", 1s));
  EXPECT_TRUE(workers.note("default", "mail", "w-1", "first", 2s));
}

TEST(WorkersSeen, RemembersALimitedNumber) {
  WorkersSeen workers;
  for (std::size_t i = 0; i <= WorkersSeen::kMaxWorkers; ++i)
    workers.note("default", "mail", "w-" + std::to_string(i), "", Duration{static_cast<std::int64_t>(i)});

  const auto readings = workers.of_namespace("default", 1s);

  EXPECT_EQ(readings.size(), WorkersSeen::kMaxWorkers);
  EXPECT_TRUE(std::none_of(readings.begin(), readings.end(), [](const auto& r) { return r.worker_id == "w-0"; }))
      << "the one that has been silent longest goes first";
}

}  // namespace
}  // namespace orchestrator::runtime
