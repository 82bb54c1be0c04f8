// Signals for runs that an operator holds: kept, in order, and whose they are.
#include <gtest/gtest.h>

#include "tests/simulation/signal_callers.hpp"

namespace orchestrator::testing {
namespace {

using std::chrono::seconds;
using store::SignalFate;

constexpr const char* kBell = R"({
  "StartAt": "Wait",
  "States": {"Wait": {"Type": "Task", "Resource": "signal:bell", "Parameters": {"key": "tower"}, "End": true}}
})";

constexpr const char* kThree = R"({
  "StartAt": "First",
  "States": {
    "First": {"Type": "Task", "Resource": "signal:tick", "Parameters": {"key.$": "$.key"}, "ResultPath": "$.r0",
      "Next": "Second"},
    "Second": {"Type": "Task", "Resource": "signal:tick", "Parameters": {"key.$": "$.key"}, "ResultPath": "$.r1",
      "Next": "Third"},
    "Third": {"Type": "Task", "Resource": "signal:tick", "Parameters": {"key.$": "$.key"}, "ResultPath": "$.r2",
      "End": true}
  }
})";

class PausedSignals : public ::testing::Test {
 protected:
  void begin(std::uint64_t seed) {
    cluster = std::make_unique<SimulatedCluster>(seed);
    for (const char* node : {"a", "b"}) cluster->start_node(node);
    cluster->world.advance(seconds{5});
    cluster->deploy("bell", kBell);
    cluster->deploy("three", kThree);
  }
  void TearDown() override {
    for (const auto& line : cluster->errors) ADD_FAILURE() << line;
  }

  void steer(RunId run_id, const core::Steering& asked) {
    const auto steered =
        ask<service::SteeredRun>(*cluster, [&](service::Service& service, service::Reply<service::SteeredRun> reply) {
          service.steer_run({"default", run_id, asked}, std::move(reply));
        });
    ASSERT_TRUE(steered) << steered.error().message;
  }
  void pause(RunId run_id) { steer(run_id, core::PauseAsked{.reason = "looks odd", .actor = "ann"}); }
  void resume(RunId run_id) { steer(run_id, core::ResumeAsked{.reason = "is fine", .actor = "ann"}); }

  bool ends(RunId run_id) {
    return cluster->world.advance_until([&] { return is_over(*cluster, run_id); }, seconds{60});
  }

  std::unique_ptr<SimulatedCluster> cluster;
};

TEST_F(PausedSignals, AreKeptInOrderForTheResumeOverATakeOver) {
  for (std::uint64_t seed = 61; seed < 69; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    begin(seed);
    // Its key is another one, so that it is often on another shard than its signals.
    const auto run = cluster->start_run("three", "run-" + std::to_string(seed), R"({"key": "k"})");
    ASSERT_TRUE(run);
    cluster->world.advance(seconds{1});
    pause(*run);

    std::vector<SignalId> sent;
    for (int i = 0; i < 3; ++i) {
      const auto accepted = send(*cluster, a_signal("tick", "k", "t" + std::to_string(i)));
      ASSERT_TRUE(accepted);
      sent.push_back(accepted->signal_id);
      if (i == 1) cluster->crash("b");
    }
    cluster->world.advance(seconds{20});
    EXPECT_FALSE(is_over(*cluster, *run));
    for (const SignalId id : sent) EXPECT_EQ(signal_view(*cluster, id).fate, SignalFate::buffered);
    resume(*run);

    ASSERT_TRUE(ends(*run));
    const auto output = cluster->find_run(*run)->output;
    for (int i = 0; i < 3; ++i) EXPECT_EQ((*output)["r" + std::to_string(i)]["payload"]["id"], "t" + std::to_string(i));
    cluster->world.advance(seconds{1});
    for (const SignalId id : sent) EXPECT_EQ(signal_view(*cluster, id).fate, SignalFate::consumed);
  }
}

/// Decision 30: a key names whoever waits, and who is paused does not wait.
TEST_F(PausedSignals, ByKeyMeetTheNextRunThatWaitsAndTheResumedOneIsTheOldestAgain) {
  begin(71);
  const auto runs = cluster->start_together("a", "bell", 3);
  ASSERT_EQ(runs.size(), 3U);
  cluster->world.advance(seconds{3});
  // The oldest wait is the first run's, or that of whichever began first: found by asking.
  const auto first = send(*cluster, a_signal("bell", "tower", "first"));
  ASSERT_TRUE(first);
  cluster->world.advance(seconds{3});
  std::vector<RunId> waiting;
  for (const RunId run : runs) {
    if (!is_over(*cluster, run)) waiting.push_back(run);
  }
  ASSERT_EQ(waiting.size(), 2U);
  pause(waiting[0]);

  const auto second = send(*cluster, a_signal("bell", "tower", "second"));
  ASSERT_TRUE(second);
  EXPECT_TRUE(ends(waiting[1])) << "a run that waits goes short because another one is held";
  const auto third = send(*cluster, a_signal("bell", "tower", "third"));
  ASSERT_TRUE(third);
  cluster->world.advance(seconds{3});
  EXPECT_EQ(signal_view(*cluster, third->signal_id).fate, SignalFate::buffered);
  resume(waiting[0]);

  EXPECT_TRUE(ends(waiting[0]));
  EXPECT_EQ(signal_view(*cluster, second->signal_id).run_id, waiting[1]);
  EXPECT_EQ(signal_view(*cluster, third->signal_id).run_id, waiting[0]);
}

TEST_F(PausedSignals, ByRunAreTheRunsOwnHoweverManyOthersWait) {
  begin(72);
  const auto runs = cluster->start_together("a", "bell", 2);
  ASSERT_EQ(runs.size(), 2U);
  cluster->world.advance(seconds{3});
  pause(runs[0]);

  service::SendSignal to_run = a_signal("bell", {}, "mine");
  to_run.key.reset();
  to_run.run_id = runs[0];
  const auto sent = send(*cluster, to_run);
  ASSERT_TRUE(sent) << sent.error().message;
  cluster->world.advance(seconds{20});
  EXPECT_EQ(signal_view(*cluster, sent->signal_id).fate, SignalFate::buffered);
  EXPECT_FALSE(is_over(*cluster, runs[1]));
  resume(runs[0]);

  EXPECT_TRUE(ends(runs[0]));
  EXPECT_EQ(signal_view(*cluster, sent->signal_id).run_id, runs[0]);
}

}  // namespace
}  // namespace orchestrator::testing
