#include "orchestrator/telemetry/trace.hpp"

#include <gtest/gtest.h>

#include <string>

namespace orchestrator::telemetry {
namespace {

const std::string kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Traceparent, AcceptsVersionZero) {
  EXPECT_TRUE(is_valid_traceparent(kGood));
  EXPECT_EQ(trace_id_of(kGood), "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST(Traceparent, LetsOnlyLaterVersionsCarryMore) {
  EXPECT_FALSE(is_valid_traceparent(kGood + "-more"));
  EXPECT_TRUE(is_valid_traceparent("01" + kGood.substr(2) + "-more"));
  EXPECT_FALSE(is_valid_traceparent("01" + kGood.substr(2) + "more"));
}

TEST(Traceparent, RefusesWhatTheStandardForbids) {
  EXPECT_FALSE(is_valid_traceparent(""));
  EXPECT_FALSE(is_valid_traceparent("ff" + kGood.substr(2)));
  EXPECT_FALSE(is_valid_traceparent("00-" + std::string(32, '0') + "-00f067aa0ba902b7-01"));
  EXPECT_FALSE(is_valid_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
  EXPECT_FALSE(is_valid_traceparent("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
  EXPECT_FALSE(is_valid_traceparent(kGood.substr(0, 54)));
  EXPECT_EQ(trace_id_of("nonsense"), "");
}

}  // namespace
}  // namespace orchestrator::telemetry
