#include "orchestrator/service/deadlines.hpp"

#include <gtest/gtest.h>

#include "tests/support/virtual_world.hpp"

namespace orchestrator::service {
namespace {

class DeadlinesTest : public ::testing::Test {
 protected:
  testing::VirtualWorld world;
  testing::VirtualExecutor executor{world};
  testing::VirtualClock clock{world};
  std::shared_ptr<Deadlines> deadlines = std::make_shared<Deadlines>(executor, clock, std::chrono::seconds{15});
  std::vector<Result<int>> answers;
  Reply<int> keep = [this](Result<int> answer) { answers.push_back(std::move(answer)); };
};

TEST_F(DeadlinesTest, PassesTheOwnersAnswerOn) {
  auto reply = deadlines->guard(keep);

  reply(7);
  world.advance(std::chrono::minutes{1});

  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(*answers[0], 7);
}

TEST_F(DeadlinesTest, AnswersUnavailableWhenNobodyDid) {
  auto reply = deadlines->guard(keep);

  world.advance(std::chrono::seconds{14});
  EXPECT_TRUE(answers.empty());
  world.advance(std::chrono::seconds{2});

  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].error().code, ErrorCode::unavailable);
}

TEST_F(DeadlinesTest, IgnoresAnAnswerThatComesTooLate) {
  auto reply = deadlines->guard(keep);
  world.advance(std::chrono::seconds{20});

  reply(7);

  ASSERT_EQ(answers.size(), 1U);
  EXPECT_FALSE(answers[0].has_value());
}

}  // namespace
}  // namespace orchestrator::service
