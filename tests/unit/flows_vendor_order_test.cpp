#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json decision(const std::string& outcome) { return {{"decision_id", "d-1"}, {"outcome", outcome}}; }

SimulatedFlow an_order(Json config = Json::object()) {
  SimulatedFlow flow("vendor-order",
                     {{"order_id", "o-1"}, {"vendor", "v-1"}, {"currency", "ZAR"}, {"config", std::move(config)}});
  flow.always("Nudge", {{"nudged", true}})
      .always("NudgeByBuyer", {{"nudged", true}})
      .always("Fulfil", {{"state", "hold"}, {"balance_due_minor", 9000}})
      .always("Cancel", {{"state", "canceled"}, {"canceled", true}})
      .always("Dispatch", {{"status", "settled"}, {"amount_minor", 9000}})
      .always("PayVendor", {{"status", "paid"}, {"paid_minor", 8100}});
  return flow;
}

TEST(VendorOrder, UndecidedForTenDaysGetsOneNudgeAtDayFiveAndExpiresAtDayTen) {
  const FlowEnd end = an_order().answers("Expire", {{"state", "expired"}, {"expired", true}}).run();

  EXPECT_EQ(end.output, Json({{"status", "expired"}, {"order_id", "o-1"}})) << end.error;
  EXPECT_EQ(end.took, Days(10));
  EXPECT_EQ(end.times("Nudge"), 1);
  EXPECT_EQ(end.times("Expire"), 1);
}

TEST(VendorOrder, AcceptedBeforeDayFiveIsNeverNudged) {
  const FlowEnd end = an_order()
                          .answers("DecideOrder", {{"state", "accepted"}})
                          .signal(Days(2), "order.decision", decision("accept"))
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "closed"}, {"order_id", "o-1"}, {"paid_minor", 8100}})) << end.error;
  EXPECT_FALSE(end.entered("Nudge"));
  EXPECT_EQ(end.took, Days(2));
}

TEST(VendorOrder, AcceptedBetweenNudgeAndExpiryIsFulfilled) {
  const FlowEnd end = an_order()
                          .answers("DecideOrder", {{"state", "accepted"}})
                          .signal(Days(7), "order.decision", decision("accept"))
                          .run();

  EXPECT_EQ(end.output["status"], "closed");
  EXPECT_EQ(end.times("Nudge"), 1);
}

TEST(VendorOrder, DecisionThatWinsTheRaceWithExpiryIsKept) {
  // Expiry came first at the run, but the row says that a decision was committed before it.
  const FlowEnd end = an_order().answers("Expire", {{"state", "accepted"}, {"expired", false}}).run();

  EXPECT_EQ(end.output["status"], "closed");
  EXPECT_EQ(end.times("Expire"), 1);
}

TEST(VendorOrder, RejectedEndsThere) {
  const FlowEnd end =
      an_order().answers("DecideOrder", {{"state", "rejected"}}).signal(1h, "order.decision", decision("reject")).run();

  EXPECT_EQ(end.output["status"], "rejected");
  EXPECT_FALSE(end.entered("Dispatch"));
}

TEST(VendorOrder, LinesAreDecidedOneByOne) {
  Json first = decision("accept");
  first["line_id"] = "l-1";
  Json second = decision("reject");
  second.update({{"line_id", "l-2"}, {"decision_id", "d-2"}});

  const FlowEnd end = an_order()
                          .answers("DecideLine", {{"state", "created_pending"}})
                          .answers("DecideLine", {{"state", "partially_accepted"}})
                          .signal(1h, "order.line_decision", first)
                          .signal(2h, "order.line_decision", second)
                          .run();

  EXPECT_EQ(end.output["status"], "closed");
  EXPECT_EQ(end.times("DecideLine"), 2);
  EXPECT_EQ(end.input_of("DecideLine")["line_id"], "l-2");
}

TEST(VendorOrder, BuyersNudgeDoesNotMoveTheWindow) {
  const FlowEnd end = an_order()
                          .answers("Expire", {{"state", "expired"}})
                          .signal(Days(4), "order.nudge", nullptr)
                          .signal(Days(8), "order.nudge", nullptr)
                          .run();

  EXPECT_EQ(end.took, Days(10));
  EXPECT_EQ(end.times("NudgeByBuyer"), 2);
  EXPECT_EQ(end.times("Nudge"), 1);
}

TEST(VendorOrder, BuyerCancelsBeforeADecision) {
  const FlowEnd end = an_order().signal(1h, "order.cancel", {{"by", "buyer"}}).run();

  EXPECT_EQ(end.output["status"], "canceled");
  EXPECT_EQ(end.input_of("Cancel")["request"], Json({{"by", "buyer"}}));
}

TEST(VendorOrder, AdministratorCancelsWithAReason) {
  const FlowEnd end = an_order()
                          .answers("ForceCancel", {{"state", "canceled"}, {"canceled", true}})
                          .signal(1h, "order.force_cancel", {{"by", "ann"}})
                          .signal(2h, "order.force_cancel", {{"by", "ann"}, {"reason", "stolen card"}})
                          .run();

  EXPECT_EQ(end.output["status"], "canceled") << end.error;
  EXPECT_EQ(end.input_of("ForceCancel")["reason"], "stolen card");
  EXPECT_EQ(end.took, 2h);
}

TEST(VendorOrder, MeaninglessDecisionIsIgnored) {
  const FlowEnd end = an_order()
                          .answers("DecideOrder", {{"state", "rejected"}})
                          .signal(1h, "order.line_decision", {{"outcome", "accept"}})
                          .signal(2h, "order.line_decision", nullptr)
                          .signal(3h, "order.decision", decision("reject"))
                          .run();

  EXPECT_EQ(end.output["status"], "rejected");
  EXPECT_FALSE(end.entered("DecideLine"));
}

TEST(VendorOrder, FulfilmentByHandWaitsForItsCall) {
  const FlowEnd end = an_order({{"automatic_fulfilment", false}})
                          .answers("DecideOrder", {{"state", "accepted"}})
                          .signal(1h, "order.decision", decision("accept"))
                          .signal(Days(3), "order.fulfil", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "closed");
  EXPECT_EQ(end.took, Days(3));
}

TEST(VendorOrder, ReturnedGoodsAreNotPaidOut) {
  SimulatedFlow flow("vendor-order", {{"order_id", "o-1"}, {"vendor", "v-1"}, {"currency", "ZAR"}});

  const FlowEnd end = flow.answers("DecideOrder", {{"state", "accepted"}})
                          .answers("Fulfil", {{"state", "hold"}})
                          .answers("Dispatch", {{"status", "returned"}})
                          .signal(1h, "order.decision", decision("accept"))
                          .run();

  EXPECT_EQ(end.output["status"], "returned");
  EXPECT_FALSE(end.entered("PayVendor"));
}

TEST(VendorOrder, ShortWindowsComeFromTheInput) {
  const FlowEnd end =
      an_order({{"nudge_seconds", 2}, {"expire_seconds", 3}}).answers("Expire", {{"state", "expired"}}).run();

  EXPECT_EQ(end.took, 5s);
}

}  // namespace
}  // namespace orchestrator::flows
