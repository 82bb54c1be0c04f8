#include "orchestrator/runtime/run_turns.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace orchestrator::runtime {
namespace {

RunId run(std::uint8_t number) {
  RunId id;
  id.bytes[15] = number;
  return id;
}

TEST(RunTurns, OneAfterTheOtherForOneRun) {
  RunTurns turns;
  std::vector<int> begun;

  EXPECT_TRUE(turns.take(run(1), [&begun] { begun.push_back(1); }));
  EXPECT_TRUE(turns.take(run(1), [&begun] { begun.push_back(2); }));
  EXPECT_TRUE(turns.take(run(1), [&begun] { begun.push_back(3); }));
  EXPECT_EQ(begun, std::vector<int>({1}));
  turns.end(run(1));
  EXPECT_EQ(begun, std::vector<int>({1, 2}));
  turns.end(run(1));

  EXPECT_EQ(begun, std::vector<int>({1, 2, 3}));
}

TEST(RunTurns, OneThatEndsAtOnceLetsTheNextOneGo) {
  RunTurns turns;
  int begun = 0;
  const auto refused = [&] {
    ++begun;
    turns.end(run(1));
  };

  EXPECT_TRUE(turns.take(run(1), refused));
  EXPECT_TRUE(turns.take(run(1), refused));

  EXPECT_EQ(begun, 2);
}

TEST(RunTurns, AnotherRunWaitsForNobody) {
  RunTurns turns;
  bool has_begun = false;
  ASSERT_TRUE(turns.take(run(1), [] {}));

  EXPECT_TRUE(turns.take(run(2), [&has_begun] { has_begun = true; }));

  EXPECT_TRUE(has_begun);
}

TEST(RunTurns, RefusesMoreThanItsLimit) {
  RunTurns turns;
  ASSERT_TRUE(turns.take(run(1), [] {}));
  for (std::size_t i = 0; i < RunTurns::kMostWaiting; ++i) ASSERT_TRUE(turns.take(run(1), [] {}));

  EXPECT_FALSE(turns.take(run(1), [] {}));
  turns.end(run(1));

  EXPECT_TRUE(turns.take(run(1), [] {}));
}

}  // namespace
}  // namespace orchestrator::runtime
