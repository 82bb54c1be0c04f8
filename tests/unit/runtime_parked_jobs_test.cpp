#include "orchestrator/runtime/parked_jobs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orchestrator::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ParkedJob job(int number) {
  ParkedJob parked{.number = static_cast<std::uint64_t>(number)};
  parked.run_id.bytes[15] = static_cast<std::uint8_t>(number);
  return parked;
}

const JobLane kMail{.queue = {"default", "mail"}, .handler = "send", .priority = 0, .limit_key = {}};

/// A limit of four, and a list of the lanes that asked for more.
class ParkedJobsTest : public testing::Test {
 protected:
  /// As many tasks of the lane become ready in memory.
  void add(int count, const JobLane& lane = kMail) {
    for (int i = 0; i < count; ++i) parked.count_of(lane)->one_more();
  }
  void begin(int count, const JobLane& lane = kMail) {
    for (int i = 0; i < count; ++i) parked.count_of(lane)->one_less();
  }

  std::vector<JobLane> asked;
  ParkedJobs parked{4, [this](const JobLane& lane) { asked.push_back(lane); }};
};

TEST_F(ParkedJobsTest, AJobIsParkedOnceItsLaneIsFull) {
  add(3);
  EXPECT_FALSE(parked.must_park(kMail, 0));

  add(1);

  EXPECT_TRUE(parked.must_park(kMail, 0));
}

TEST_F(ParkedJobsTest, NobodyPassesThoseWhoWait) {
  add(4);
  parked.park(kMail, job(1));
  begin(4);
  EXPECT_TRUE(parked.must_park(kMail, 0));

  EXPECT_THAT(parked.take(kMail), ElementsAre(job(1)));
  EXPECT_TRUE(parked.must_park(kMail, 0)) << "it is on its way";
  parked.came(kMail);

  EXPECT_FALSE(parked.must_park(kMail, 0));
}

TEST_F(ParkedJobsTest, OtherLanesHaveRoomOfTheirOwn) {
  JobLane urgent = kMail;
  urgent.priority = 5;
  add(4);

  EXPECT_FALSE(parked.must_park(urgent, 0));
}

TEST_F(ParkedJobsTest, MoreIsAskedForOnceWhenHalfIsGone) {
  add(4);
  parked.park(kMail, job(1));
  parked.park(kMail, job(2));
  begin(1);
  EXPECT_THAT(asked, IsEmpty());

  begin(3);

  EXPECT_THAT(asked, ElementsAre(kMail));
}

TEST_F(ParkedJobsTest, TheOldestComeBackAsFarAsThereIsRoom) {
  add(4);
  for (int i = 1; i <= 5; ++i) parked.park(kMail, job(i));
  begin(2);

  EXPECT_THAT(parked.take(kMail), ElementsAre(job(1), job(2)));
  EXPECT_THAT(parked.take(kMail), IsEmpty()) << "the room is taken";
  EXPECT_EQ(parked.size(), 3U);
}

TEST_F(ParkedJobsTest, WhatIsNotInMemoryAnyMoreWhenTheLastOneCameIsAskedForAgain) {
  add(4);
  for (int i = 1; i <= 5; ++i) parked.park(kMail, job(i));
  begin(4);
  ASSERT_EQ(parked.take(kMail).size(), 4U);
  asked.clear();

  // Over in the moment in which they came: they were never counted.
  for (int i = 0; i < 4; ++i) parked.came(kMail);

  EXPECT_THAT(asked, ElementsAre(kMail));
}

TEST_F(ParkedJobsTest, AForgottenOneDoesNotComeBack) {
  add(4);
  parked.park(kMail, job(1));
  parked.park(kMail, job(2));

  EXPECT_TRUE(parked.forget(job(1).run_id));
  EXPECT_FALSE(parked.forget(job(1).run_id));
  begin(4);

  EXPECT_THAT(parked.take(kMail), ElementsAre(job(2)));
}

TEST_F(ParkedJobsTest, OneThatCouldNotBeReadIsFirstAgain) {
  add(4);
  for (int i = 1; i <= 2; ++i) parked.park(kMail, job(i));
  begin(3);
  ASSERT_THAT(parked.take(kMail), ElementsAre(job(1), job(2)));

  parked.put_back(kMail, job(1));
  parked.came(kMail);

  EXPECT_THAT(parked.take(kMail), ElementsAre(job(1)));
}

TEST_F(ParkedJobsTest, AKeysLaneKeepsFewInMemoryWhereTheShardHasMany) {
  ParkedJobs many(1'000, [](const JobLane&) {});
  JobLane keyed = kMail;
  keyed.limit_key = "customer-7";

  for (std::size_t i = 0; i < kMaxReadyPerKey; ++i) many.count_of(keyed)->one_more();

  EXPECT_FALSE(many.must_park(keyed, kCrowdedLanes * 1'000 - 1));
  EXPECT_TRUE(many.must_park(keyed, kCrowdedLanes * 1'000));
  for (std::size_t i = kMaxReadyPerKey; i < 1'000; ++i) many.count_of(keyed)->one_more();
  EXPECT_TRUE(many.must_park(keyed, 0));
}

TEST_F(ParkedJobsTest, WhatLeavesALaneThatWasForgottenAsksForNothing) {
  int asked = 0;
  ParkedJobs few(2, [&](const JobLane&) { ++asked; });
  const auto count = few.count_of(kMail);
  for (int i = 0; i < 2; ++i) count->one_more();
  few.park(kMail, job(1));
  ASSERT_EQ(asked, 0);

  few.clear();
  for (int i = 0; i < 2; ++i) count->one_less();

  EXPECT_EQ(asked, 0);
}

TEST_F(ParkedJobsTest, CountsByQueue) {
  JobLane urgent = kMail;
  urgent.priority = 5;
  const JobLane other{.queue = {"shop", "mail"}, .handler = "send", .priority = 0, .limit_key = {}};
  for (const JobLane& lane : {kMail, urgent, other}) add(4, lane);
  parked.park(kMail, job(1));
  parked.park(urgent, job(2));
  parked.park(other, job(3));

  EXPECT_EQ(parked.by_queue(), (std::map<QueueName, std::int64_t>{{{"default", "mail"}, 2}, {{"shop", "mail"}, 1}}));
}

}  // namespace
}  // namespace orchestrator::runtime
