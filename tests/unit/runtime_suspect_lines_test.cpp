#include "orchestrator/runtime/suspect_lines.hpp"

#include <gtest/gtest.h>

namespace orchestrator::runtime {
namespace {

const SuspectLines::Line kMail{{"default", "mail"}, false};
const SuspectLines::Line kReports{{"default", "reports"}, false};
const SuspectLines::Line kSlow{{"default", "slow"}, true};

RunId run(int number, int shard = 1) {
  return RunId{make_uuid7(Timestamp{std::chrono::milliseconds{number}}, ShardId{shard}, 7)};
}

SuspectTask task(RunId id, bool alone = false) {
  SuspectTask suspect;
  suspect.run_id = id;
  suspect.command.alone = alone;
  return suspect;
}

bool any(const QueueName&) { return true; }
bool yes() { return true; }

int take_all(SuspectLines& lines) {
  int count = 0;
  while (lines.take(any, yes)) ++count;
  return count;
}

TEST(SuspectLines, AFewAreInHandAtATime) {
  SuspectLines lines(2);
  for (int i = 0; i < 5; ++i) lines.add(kMail, task(run(i)));

  EXPECT_EQ(take_all(lines), 2);
  EXPECT_EQ(lines.put_down({run(0), {}}), std::optional(false));
  EXPECT_EQ(take_all(lines), 1);
  EXPECT_EQ(lines.put_down({run(9), {}}), std::nullopt);
  EXPECT_EQ(lines.waiting().at(kMail.queue), 2);
}

TEST(SuspectLines, TwiceAsManyGoOutEachTimeThatAsManyCameBackUntilSomebodyDies) {
  SuspectLines lines(2);
  for (int i = 0; i < 2'000; ++i) lines.add(kMail, task(run(i)));

  std::vector<int> in_hand;
  int next = 0;
  for (int round = 0; round < 9; ++round) {
    in_hand.push_back(take_all(lines));
    for (int i = 0; i < in_hand.back(); ++i) lines.put_down({run(next++), {}});
  }
  lines.begin_anew();
  in_hand.push_back(take_all(lines));

  EXPECT_EQ(in_hand, (std::vector<int>{2, 4, 8, 16, 32, 64, 128, kMostSuspects, kMostSuspects, 2}));
}

TEST(SuspectLines, QueuesTakeTurns) {
  SuspectLines lines(4);
  for (int i = 0; i < 100; ++i) lines.add(kMail, task(run(i)));
  lines.add(kReports, task(run(1'000)));

  std::vector<RunId> order;
  while (auto next = lines.take(any, yes)) order.push_back(next->task.run_id);

  EXPECT_EQ(order, (std::vector<RunId>{run(0), run(1'000), run(1), run(2)}));
}

TEST(SuspectLines, WhatWaitsForALimitKeepsNobodyElse) {
  SuspectLines lines(2);
  for (int i = 0; i < 10; ++i) lines.add(kSlow, task(run(i)));
  ASSERT_EQ(take_all(lines), 2);

  lines.add(kMail, task(run(100)));
  lines.add(kMail, task(run(101)));

  EXPECT_EQ(take_all(lines), 2) << "the others' share is free";
  EXPECT_EQ(lines.waiting().at(kSlow.queue), 8);
}

TEST(SuspectLines, APausedQueueKeepsItsOwn) {
  SuspectLines lines(2);
  for (int i = 0; i < 3; ++i) lines.add(kMail, task(run(i)));
  lines.add(kReports, task(run(100)));
  const auto not_mail = [](const QueueName& queue) { return queue != kMail.queue; };

  const auto next = lines.take(not_mail, yes);

  ASSERT_TRUE(next);
  EXPECT_EQ(next->task.run_id, run(100));
  EXPECT_FALSE(lines.take(not_mail, yes));
  EXPECT_EQ(lines.waiting().at(kMail.queue), 3);
  EXPECT_TRUE(lines.take(any, yes));
}

TEST(SuspectLines, WhatGoesAloneGoesLast) {
  SuspectLines lines(8);
  lines.add(kMail, task(run(0), true));
  lines.add(kReports, task(run(1)));
  const auto no = [] { return false; };

  EXPECT_EQ(lines.take(any, no)->task.run_id, run(1));
  EXPECT_FALSE(lines.take(any, no));
  EXPECT_TRUE(lines.waits_for_alone());
  const auto last = lines.take(any, yes);

  ASSERT_TRUE(last);
  EXPECT_TRUE(last->alone);
  EXPECT_EQ(lines.put_down({run(0), {}}), std::optional(true));
}

TEST(SuspectLines, ATaskThatIsInHandDoesNotGoOutTwice) {
  SuspectLines lines(8);
  lines.add(kMail, task(run(0)));
  ASSERT_TRUE(lines.take(any, yes));

  lines.add(kMail, task(run(0)));

  EXPECT_FALSE(lines.take(any, yes));
  EXPECT_TRUE(lines.empty());
}

TEST(SuspectLines, AShardThatLeavesTakesItsOwnAlong) {
  SuspectLines lines(1);
  lines.add(kMail, task(run(0, 1)));
  lines.add(kMail, task(run(1, 1)));
  lines.add(kMail, task(run(2, 2)));
  ASSERT_EQ(take_all(lines), 1);
  ASSERT_TRUE(lines.has_waiting(ShardId{1}));

  lines.forget_waiting(ShardId{1});

  EXPECT_FALSE(lines.has_waiting(ShardId{1}));
  EXPECT_TRUE(lines.has_waiting(ShardId{2}));
  EXPECT_EQ(lines.in_hand(ShardId{1}), (std::vector<HoldKey>{{run(0, 1), {}}}));
}

}  // namespace
}  // namespace orchestrator::runtime
