#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json from(const std::string& assignment) { return {{"assignment_id", assignment}}; }
Json assigned(const std::string& assignment) {
  return {{"assigned", true}, {"assignment_id", assignment}, {"agent_id", "a-1"}, {"state", "hold"}};
}
Json cash(int amount) { return {{"assignment_id", "o-1/1"}, {"amount_minor", amount}}; }

SimulatedFlow a_dispatch() { return {"dispatch", {{"order_id", "o-1"}, {"currency", "ZAR"}}}; }

/// An agent who picks up, delivers and brings the cash.
SimulatedFlow a_smooth_dispatch() {
  SimulatedFlow flow = a_dispatch();
  flow.answers("AssignAgent", assigned("o-1/1"))
      .answers("PickUp", {{"accepted", true}})
      .answers("Deliver", {{"accepted", true}})
      .signal(1h, "dispatch.picked_up", from("o-1/1"))
      .signal(3h, "dispatch.delivered", from("o-1/1"));
  return flow;
}

TEST(Dispatch, PicksUpDeliversAndCollectsCash) {
  const FlowEnd end = a_smooth_dispatch()
                          .answers("CollectCash", {{"accepted", true}, {"differs", false}, {"amount_minor", 9000}})
                          .signal(4h, "dispatch.cash_collected", cash(9000))
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "settled"}, {"order_id", "o-1"}, {"amount_minor", 9000}})) << end.error;
  EXPECT_EQ(end.took, 4h);
}

TEST(Dispatch, WithoutAnAgentItTriesAgainEveryFiveMinutes) {
  const Json nobody = {{"assigned", false}, {"state", "hold"}};

  const FlowEnd end = a_dispatch()
                          .answers("AssignAgent", nobody)
                          .answers("AssignAgent", nobody)
                          .answers("AssignAgent", {{"assigned", false}, {"state", "canceled"}})
                          .run();

  EXPECT_EQ(end.output["status"], "cancelled");
  EXPECT_EQ(end.took, 10min);
}

TEST(Dispatch, IdleAgentsLoseTheOrderAndAfterThreeAnAdminDecides) {
  const FlowEnd end = a_dispatch()
                          .answers("AssignAgent", assigned("o-1/1"))
                          .answers("AssignAgent", assigned("o-1/2"))
                          .answers("AssignAgent", assigned("o-1/3"))
                          .answers("Release", {{"released", true}, {"assignment_count", 1}})
                          .answers("Release", {{"released", true}, {"assignment_count", 2}})
                          .answers("Release", {{"released", true}, {"assignment_count", 3}})
                          .answers("Cancel", {{"state", "canceled"}})
                          .signal(20h, "dispatch.stuck", {{"outcome", "cancel"}, {"reason", "no agents"}})
                          .run();

  EXPECT_EQ(end.output["status"], "cancelled");
  EXPECT_EQ(end.times("AssignAgent"), 3);
  EXPECT_EQ(end.took, 20h);
}

TEST(Dispatch, StaleAgentIsRefusedAndTheWindowStays) {
  const FlowEnd end = a_dispatch()
                          .answers("AssignAgent", assigned("o-1/2"))
                          .answers("PickUp", {{"accepted", false}})
                          .answers("Release", {{"released", true}, {"assignment_count", 3}})
                          .answers("Cancel", {{"state", "canceled"}})
                          .signal(3h, "dispatch.picked_up", from("o-1/1"))
                          .signal(5h, "order.cancel", {{"by", "admin"}})
                          .run();

  EXPECT_EQ(end.output["status"], "cancelled");
  EXPECT_EQ(end.times("AwaitPickUp"), 2);
  EXPECT_EQ(end.input_of("PickUp")["assignment_id"], "o-1/1");
}

TEST(Dispatch, BuyerCancelsBeforePickUp) {
  const FlowEnd end = a_dispatch()
                          .answers("AssignAgent", assigned("o-1/1"))
                          .answers("Cancel", {{"state", "canceled"}})
                          .signal(1h, "order.cancel", {{"by", "buyer"}})
                          .run();

  EXPECT_EQ(end.output["status"], "cancelled");
}

TEST(Dispatch, LateDeliveryAlertsOnceADay) {
  const FlowEnd end = a_dispatch()
                          .answers("AssignAgent", assigned("o-1/1"))
                          .answers("PickUp", {{"accepted", true}})
                          .always("AlertLate", {{"added", true}})
                          .answers("Deliver", {{"accepted", true}})
                          .answers("CollectCash", {{"accepted", true}, {"differs", false}, {"amount_minor", 1}})
                          .signal(1h, "dispatch.picked_up", from("o-1/1"))
                          .signal(50h, "dispatch.delivered", from("o-1/1"))
                          .signal(51h, "dispatch.cash_collected", cash(1))
                          .run();

  EXPECT_EQ(end.output["status"], "settled");
  EXPECT_EQ(end.times("AlertLate"), 2);
}

TEST(Dispatch, FailedDeliveryIsReturnedByAPerson) {
  const FlowEnd end = a_dispatch()
                          .answers("AssignAgent", assigned("o-1/1"))
                          .answers("PickUp", {{"accepted", true}})
                          .answers("FailDelivery", {{"accepted", true}})
                          .answers("Return", {{"returned", true}})
                          .signal(1h, "dispatch.picked_up", from("o-1/1"))
                          .signal(2h, "dispatch.delivery_failed", from("o-1/1"))
                          .signal(9h, "dispatch.failed", {{"outcome", "return"}, {"reason", "nobody there"}})
                          .run();

  EXPECT_EQ(end.output["status"], "returned");
}

TEST(Dispatch, MissingCashBecomesATaskAfterTwelveHours) {
  const FlowEnd end = a_smooth_dispatch()
                          .answers("CollectCash", {{"accepted", true}, {"differs", false}, {"amount_minor", 9000}})
                          .signal(20h, "dispatch.cash_missing", cash(9000))
                          .run();

  EXPECT_EQ(end.output["status"], "settled");
  EXPECT_TRUE(end.entered("AwaitCashTask"));
}

TEST(Dispatch, OtherAmountIsBookedAndExplained) {
  const Json differs = {{"accepted", true}, {"differs", true}, {"amount_minor", 8000}, {"expected_minor", 9000}};

  const FlowEnd end = a_smooth_dispatch()
                          .answers("CollectCash", differs)
                          .signal(4h, "dispatch.cash_collected", cash(8000))
                          .signal(6h, "dispatch.difference", {{"reason", "short change"}})
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "settled"}, {"order_id", "o-1"}, {"amount_minor", 8000}}));
  EXPECT_EQ(end.took, 6h);
}

TEST(Dispatch, BuyersCancelOnTheWayIsRefusedAndTheDeliveryGoesOn) {
  const FlowEnd end = a_smooth_dispatch()
                          .answers("RefuseCancel", {{"canceled", false}})
                          .answers("RefuseLateCancel", {{"canceled", false}})
                          .answers("CollectCash", {{"accepted", true}, {"differs", false}, {"amount_minor", 9000}})
                          .signal(2h, "order.cancel", nullptr)
                          .signal(200min, "order.cancel", {{"by", "buyer"}})
                          .signal(4h, "dispatch.cash_collected", cash(9000))
                          .run();

  EXPECT_EQ(end.output["status"], "settled") << end.error;
  EXPECT_EQ(end.times("RefuseCancel"), 1);
  EXPECT_EQ(end.times("RefuseLateCancel"), 1);
  EXPECT_FALSE(end.entered("Cancel"));
}

TEST(Dispatch, AdministratorCancelsOnTheWay) {
  const FlowEnd end = a_smooth_dispatch()
                          .answers("ForceCancel", {{"canceled", true}, {"state", "canceled"}})
                          .signal(2h, "order.force_cancel", {{"by", "ann"}, {"reason", "recalled goods"}})
                          .run();

  EXPECT_EQ(end.output["status"], "cancelled") << end.error;
  EXPECT_EQ(end.took, 2h);
}

TEST(Dispatch, AdministratorsCancelAfterDeliveryIsRefused) {
  const FlowEnd end = a_smooth_dispatch()
                          .answers("ForceCancel", {{"canceled", false}, {"state", "delivered"}})
                          .answers("CollectCash", {{"accepted", true}, {"differs", false}, {"amount_minor", 9000}})
                          .signal(200min, "order.force_cancel", {{"by", "ann"}, {"reason", "recalled goods"}})
                          .signal(4h, "dispatch.cash_collected", cash(9000))
                          .run();

  EXPECT_EQ(end.output["status"], "settled") << end.error;
}

}  // namespace
}  // namespace orchestrator::flows
