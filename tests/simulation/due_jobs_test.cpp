// Jobs for later, far more than are read at once: each begins in its second.
#include <gtest/gtest.h>

#include "tests/support/simulated_cluster.hpp"

namespace orchestrator::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// Enqueues jobs that fall due one after the other, in batches.
void enqueue(SimulatedCluster& cluster, Timestamp first, Duration apart, int count) {
  constexpr int kBatch = 5'000;
  for (int begun = 0; begun < count; begun += kBatch) {
    std::vector<service::StartRun> jobs;
    for (int i = begun; i < std::min(count, begun + kBatch); ++i) {
      service::StartRun job;
      job.namespace_name = "default";
      job.workflow = "instant";
      job.run_at = first + apart * i;
      job.job.emplace();
      jobs.push_back(std::move(job));
    }
    // Shared: an answer may come after this call gave up.
    auto answered = std::make_shared<bool>(false);
    cluster.call("a", [&jobs, answered](service::Service& service) {
      service.start_runs(std::move(jobs), std::nullopt, [answered](auto answers) {
        ASSERT_TRUE(answers);
        *answered = true;
      });
    });
    ASSERT_TRUE(cluster.world.advance_until([&] { return *answered; }, minutes{1}));
  }
}

TEST(DueJobs, ThousandsASecondBeginOnTimeForHalfAMinute) {
  constexpr int kJobs = 60'000;
  constexpr Duration kApart = std::chrono::microseconds{500};
  SimulatedCluster cluster(31);
  cluster.start_node("a");
  cluster.world.advance(seconds{5});
  const Timestamp first = cluster.world.database_now() + minutes{3};
  enqueue(cluster, first, kApart, kJobs);
  const auto still_open = [&] { return cluster.tables().open.size(); };
  ASSERT_EQ(still_open(), static_cast<std::size_t>(kJobs));

  // Each of them is looked for while most of the others are still to come.
  for (int second = 5; second <= 30; second += 5) {
    cluster.world.advance(first + seconds{second} - cluster.world.database_now());
    const int due = 2'000 * second;
    EXPECT_GE(still_open(), static_cast<std::size_t>(kJobs - due)) << "some began before their time";
    cluster.world.advance(seconds{1});
    EXPECT_LE(still_open(), static_cast<std::size_t>(kJobs - due)) << second << " s after the first was due";
  }
}

}  // namespace
}  // namespace orchestrator::testing
