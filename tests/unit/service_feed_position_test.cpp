#include <gtest/gtest.h>

#include "orchestrator/service/feed_position.hpp"

namespace orchestrator::service {
namespace {

TEST(FeedPosition, ReadsBackWhatItWrites) {
  const FeedPosition inside{.after = "10:20:11,12", .until = "10:30:", .batch = 15, .entry = 2, .event = 3};
  const FeedPosition between{.after = "10:20:"};

  EXPECT_EQ(inside.text(), "10:20:11,12;10:30:;15.2.3");
  EXPECT_EQ(*FeedPosition::parse(inside.text()), inside);
  EXPECT_EQ(between.text(), "10:20:");
  EXPECT_EQ(*FeedPosition::parse(between.text()), between);
}

TEST(FeedPosition, RefusesWhatItCannotHaveWritten) {
  for (const char* text : {"", "x", "1;2", "1;2;3", "1;2;3.4", "1;2;3.4.", "1;2;3.4.5.", "1;;3.4.5", ";2;3.4.5",
                           "1;2;3.4.x", "1' or true;2;3.4.5", "1;2;-3.4.5"}) {
    EXPECT_FALSE(FeedPosition::parse(text)) << text;
  }
  EXPECT_FALSE(FeedPosition::parse(std::string(kMaxPositionBytes + 1, '1')));
}

}  // namespace
}  // namespace orchestrator::service
