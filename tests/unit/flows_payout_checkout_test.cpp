#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json confirmed(const std::string& by) { return {{"outcome", "confirm"}, {"confirmed_by", by}, {"reason", "checked"}}; }
Json held() { return {{"outcome", "hold"}, {"confirmed_by", "ann"}, {"reason", "open dispute"}}; }

SimulatedFlow a_payout(int amount_minor = 9000) {
  SimulatedFlow flow("payout", {{"order_id", "o-1"}});
  flow.answers("OpenPayout", {{"amount_minor", amount_minor}, {"vendor", "v-1"}, {"state", "listed"}})
      .always("Pay", {{"state", "paid"}, {"paid_minor", amount_minor * 9 / 10}})
      .always("Remind", {{"added", true}})
      .always("Escalate", {{"added", true}})
      .always("Hold", {{"state", "held"}})
      .always("Release", {{"state", "listed"}});
  return flow;
}

TEST(Payout, PaysWhenConfirmed) {
  const FlowEnd end = a_payout().signal(1h, "payout.confirm", confirmed("ann")).run();

  EXPECT_EQ(end.output, Json({{"status", "paid"}, {"order_id", "o-1"}, {"paid_minor", 8100}})) << end.error;
  EXPECT_EQ(end.input_of("Pay")["confirmed_by"], "ann");
}

TEST(Payout, RemindsAfterThreeDaysAndEscalatesAfterSeven) {
  const FlowEnd end = a_payout().signal(Days(20), "payout.confirm", confirmed("ann")).run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Remind"), 1);
  EXPECT_EQ(end.times("Escalate"), 1);
  EXPECT_EQ(end.took, Days(20));
}

TEST(Payout, LargeAmountNeedsTwoDifferentPeople) {
  const FlowEnd end = a_payout(600'000)
                          .signal(1h, "payout.confirm", confirmed("ann"))
                          .signal(2h, "payout.second_confirm", confirmed("ann"))
                          .signal(3h, "payout.second_confirm", confirmed("bob"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("AwaitSecondConfirmation"), 2);
  EXPECT_EQ(end.input_of("Pay")["confirmed_by"], "bob");
}

TEST(Payout, SmallAmountNeedsOnePerson) {
  const FlowEnd end = a_payout(500'000).signal(1h, "payout.confirm", confirmed("ann")).run();

  EXPECT_FALSE(end.entered("AwaitSecondConfirmation"));
}

TEST(Payout, HeldWaitsForItsReleaseAndAFreshConfirmation) {
  const FlowEnd end = a_payout()
                          .signal(1h, "payout.confirm", held())
                          .signal(2h, "payout.release", {{"reason", "dispute closed"}})
                          .signal(3h, "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Pay"), 1);
}

TEST(Payout, ConfirmationOfAHeldRowIsRefused) {
  SimulatedFlow flow("payout", {{"order_id", "o-1"}});

  const FlowEnd end = flow.answers("OpenPayout", {{"amount_minor", 9000}, {"vendor", "v-1"}})
                          .answers("Pay", {{"state", "held"}})
                          .answers("Release", {{"state", "listed"}})
                          .answers("Pay", {{"state", "paid"}, {"paid_minor", 8100}})
                          .signal(1h, "payout.confirm", confirmed("ann"))
                          .signal(2h, "payout.release", {{"reason", "cleared"}})
                          .signal(3h, "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Pay"), 2);
}

SimulatedFlow a_checkout() {
  return {"checkout",
          {{"buyer_store", "s-1"},
           {"cart_id", "c-1"},
           {"attempt", 1},
           {"buyer", "b-1"},
           {"currency", "ZAR"},
           {"lines", {{{"line_id", "l-1"}}}}}};
}

TEST(Checkout, StartsOneRunPerVendorOrder) {
  const Json orders = {{{"order_id", "o-1"}, {"vendor", "v-1"}, {"balance_due_minor", 100}},
                       {{"order_id", "o-2"}, {"vendor", "v-2"}, {"balance_due_minor", 200}}};

  const FlowEnd end =
      a_checkout()
          .answers("PlaceCheckout",
                   {{"status", "placed"}, {"group_id", "s-1:c-1:1"}, {"orders", orders}, {"failures", Json::array()}})
          .answers("StartVendorOrder", {{"run_id", "r-1"}})
          .answers("StartVendorOrder", {{"run_id", "r-2"}})
          .run();

  EXPECT_EQ(end.status, "SUCCEEDED") << end.error;
  EXPECT_EQ(end.output["status"], "placed");
  EXPECT_EQ(end.output["run_ids"].size(), 2U);
  EXPECT_EQ(end.times("StartVendorOrder"), 2);
  EXPECT_EQ(end.input_of("StartVendorOrder")["order_id"], "o-2");
}

TEST(Checkout, TellsPartialFailures) {
  const Json failures = {{{"line_id", "l-2"}, {"vendor", "v-2"}, {"reason", "out_of_stock"}}};

  const FlowEnd end =
      a_checkout()
          .answers("PlaceCheckout", {{"status", "partially_placed"},
                                     {"group_id", "s-1:c-1:1"},
                                     {"orders", {{{"order_id", "o-1"}, {"vendor", "v-1"}, {"balance_due_minor", 100}}}},
                                     {"failures", failures}})
          .answers("StartVendorOrder", {{"run_id", "r-1"}})
          .run();

  EXPECT_EQ(end.output["status"], "partially_placed");
  EXPECT_EQ(end.output["failures"], failures);
}

TEST(Checkout, StartsNothingWhenEveryVendorFails) {
  const FlowEnd end =
      a_checkout()
          .answers(
              "PlaceCheckout",
              {{"status", "failed"}, {"group_id", "s-1:c-1:1"}, {"orders", Json::array()}, {"failures", Json::array()}})
          .run();

  EXPECT_EQ(end.output["status"], "failed");
  EXPECT_FALSE(end.entered("StartVendorOrders"));
}

}  // namespace
}  // namespace orchestrator::flows
