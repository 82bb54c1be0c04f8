#include "orchestrator/runtime/flush_turns.hpp"

#include <gtest/gtest.h>

namespace orchestrator::runtime {
namespace {

constexpr Duration kNow = std::chrono::seconds{5};

TEST(FlushTurns, TheNextOneIsCalledWhenTheTurnIsGivenBack) {
  FlushTurns turns;
  int calls = 0;
  const auto first = turns.take(0, kNow, [] {});
  ASSERT_TRUE(first);

  EXPECT_FALSE(turns.take(1, kNow, [&calls] { ++calls; }));
  EXPECT_FALSE(turns.take(1, kNow, [&calls] { ++calls; })) << "the same group once more";
  EXPECT_EQ(calls, 0);
  turns.give_back(*first);

  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(turns.take(1, kNow, [] {}));
}

TEST(FlushTurns, ACommitThatHangsKeepsNobodyWaiting) {
  FlushTurns turns;
  const auto hanging = turns.take(0, kNow, [] {});
  ASSERT_TRUE(hanging);

  EXPECT_FALSE(turns.take(1, kNow + FlushTurns::kLongestTurn - Duration{1}, [] {}));
  const auto next = turns.take(1, kNow + FlushTurns::kLongestTurn, [] {});

  ASSERT_TRUE(next);
  turns.give_back(*hanging);
  EXPECT_FALSE(turns.take(2, kNow + FlushTurns::kLongestTurn, [] {})) << "the turn of another is not given back";
  turns.give_back(*next);
  EXPECT_TRUE(turns.take(2, kNow + FlushTurns::kLongestTurn, [] {}));
}

}  // namespace
}  // namespace orchestrator::runtime
