#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

TEST(StockSweep, GoesOnUntilNothingIsLeft) {
  const Json full = {{"settled", Json::array()}, {"drifted", Json::array()}, {"settled_count", 500}, {"more", true}};
  const Json last = {
      {"settled", {{{"order_id", "o-1"}}}}, {"drifted", Json::array()}, {"settled_count", 1}, {"more", false}};

  const FlowEnd end = SimulatedFlow("stock-sweep", Json::object()).answers("Sweep", full).answers("Sweep", last).run();

  EXPECT_EQ(end.output["settled_count"], 501) << end.error;
  EXPECT_EQ(end.output["settled"].size(), 1U);
}

TEST(OnboardingSweep, SaysWhatItRemoved) {
  const FlowEnd end = SimulatedFlow("onboarding-sweep", Json::object())
                          .answers("Sweep", {{"abandoned", {"ws-1"}},
                                             {"cleared", {"ws-2", "ws-3"}},
                                             {"abandoned_count", 1},
                                             {"cleared_count", 2},
                                             {"more", false}})
                          .run();

  EXPECT_EQ(
      end.output,
      Json({{"abandoned_count", 1}, {"cleared_count", 2}, {"abandoned", {"ws-1"}}, {"cleared", {"ws-2", "ws-3"}}}))
      << end.error;
  EXPECT_EQ(end.input_of("Sweep")["lifetime_seconds"], 604800);
}

}  // namespace
}  // namespace orchestrator::flows
