#include <gtest/gtest.h>

#include "handlers/sample_checkout.hpp"
#include "sample_order.hpp"

namespace orchestrator::samples {
namespace {

TEST_F(SampleOrder, CheckoutReservesAndARepeatAnswersTheSame) {
  const Json again = backend_.output("checkout.place", cart(Json::array({cart_line("1", "v-1", "tea", 9, 1)})), "co/2");

  EXPECT_EQ(placed_["status"], "placed");
  EXPECT_EQ(again, placed_);
  EXPECT_EQ(reserved("tea"), "2");
  EXPECT_EQ(backend_.query("select count(*) from backend.outbox where type = 'order_created'"), "1");
}

TEST_F(SampleOrder, AcceptedOrderGoesToHold) {
  const Json decided = decide("d-1", "accept");
  const Json held = backend_.output("order.fulfil", order(), "o/fulfil");

  EXPECT_EQ(decided["state"], "accepted");
  EXPECT_EQ(held["state"], "hold");
  EXPECT_EQ(held["balance_due_minor"], 10000);
}

TEST_F(SampleOrder, RejectedLineReleasesItsStockOnceAndLowersTheBalance) {
  decide("d-1", "accept", {{"line_id", "1"}});
  const Json decided = decide("d-2", "reject", {{"line_id", "2"}});
  decide("d-2", "reject", {{"line_id", "2"}});

  EXPECT_EQ(decided["state"], "partially_accepted");
  EXPECT_EQ(decided["balance_due_minor"], 9000);
  EXPECT_EQ(reserved("cup"), "0");
  EXPECT_EQ(reserved("tea"), "2");
}

TEST_F(SampleOrder, DecisionCancelAndExpiryHaveOneWinner) {
  const Json expired = backend_.output("order.expire", order(), "o/expire");
  const Json decided = decide("d-1", "accept");
  const Json canceled = backend_.output("order.cancel", order(), "o/cancel");

  EXPECT_EQ(expired["expired"], true);
  EXPECT_EQ(decided["state"], "expired");
  EXPECT_EQ(canceled["canceled"], false);
  EXPECT_EQ(reserved("tea"), "0");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleOrder, ExpiryAfterADecisionChangesNothing) {
  decide("d-1", "accept");

  const Json expired = backend_.output("order.expire", order(), "o/expire");

  EXPECT_EQ(expired["expired"], false);
  EXPECT_EQ(expired["state"], "accepted");
}

TEST_F(SampleOrder, AutomaticNudgeHappensOnceAndBuyersAtMostOneADay) {
  EXPECT_EQ(backend_.output("order.nudge", order(), "o/nudge/1")["nudged"], true);
  EXPECT_EQ(backend_.output("order.nudge", order(), "o/nudge/2")["nudged"], false);
  EXPECT_EQ(backend_.output("order.buyer_nudge", order({{"interval_seconds", 86400}}), "o/b/1")["nudged"], true);
  EXPECT_EQ(backend_.output("order.buyer_nudge", order({{"interval_seconds", 86400}}), "o/b/2")["nudged"], false);
}

TEST_F(SampleOrder, DeliversAndCollectsOnce) {
  decide("d-1", "accept");
  backend_.output("order.fulfil", order(), "o/fulfil");
  const Json assigned = backend_.output("dispatch.assign", order(), "o/assign");
  const Json agent = {{"assignment_id", assigned["assignment_id"]}};
  EXPECT_EQ(backend_.output("dispatch.pick_up", order({{"assignment_id", "stale"}}), "o/p0")["accepted"], false);
  EXPECT_EQ(backend_.output("dispatch.pick_up", order(agent), "o/p1")["accepted"], true);
  EXPECT_EQ(backend_.output("order.cancel", order(), "o/cancel")["canceled"], false);
  EXPECT_EQ(backend_.output("dispatch.deliver", order(agent), "o/d1")["accepted"], true);
  Json cash = order(agent);
  cash["amount_minor"] = 10000;
  EXPECT_EQ(backend_.output("dispatch.collect_cash", cash, "o/c1")["accepted"], true);
  EXPECT_EQ(backend_.output("dispatch.collect_cash", cash, "o/c2")["accepted"], false);

  EXPECT_EQ(state(), "settled");
  EXPECT_EQ(backend_.query("select on_hand from backend.stock where sku = 'tea'"), "8");
  EXPECT_EQ(backend_.query("select balance_minor from backend.balances where account = 'vendor:v-1'"), "10000");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleOrder, ReservationSettlesOnce) {
  decide("d-1", "reject");

  EXPECT_TRUE(backend_.refuses("update backend.reservations set state = 'consumed'"));
}

TEST(SampleCheckout, PlansPartialFailuresByLineAndVendor) {
  const std::vector<CartLine> lines = {{"1", "v-1", "tea", 2, 100},
                                       {"2", "v-1", "tea", 2, 100},
                                       {"3", "v-2", "cup", 1, 100},
                                       {"4", "v-1", "jam", 1, 50}};

  const CheckoutPlan plan = plan_checkout("g", lines, {{"v-1", "tea", 3}, {"v-1", "jam", 1}});

  EXPECT_EQ(plan.state, "partially_placed");
  ASSERT_EQ(plan.orders.size(), 1U);
  EXPECT_EQ(plan.orders[0].order_id, "g:v-1");
  EXPECT_EQ(plan.orders[0].balance_due_minor, 250);
  ASSERT_EQ(plan.failures.size(), 2U);
  EXPECT_EQ(plan.failures[0].reason, "out_of_stock");
  EXPECT_EQ(plan.failures[1].reason, "unknown_article");
}

}  // namespace
}  // namespace orchestrator::samples
