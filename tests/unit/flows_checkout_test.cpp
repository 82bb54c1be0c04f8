#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

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

TEST(Checkout, OfAConvertedCartIsRefused) {
  const FlowEnd end =
      a_checkout()
          .answers("PlaceCheckout",
                   {{"status", "refused"}, {"group_id", "s-1:c-1:2"}, {"reason", "the cart is converted"}})
          .run();

  EXPECT_EQ(end.output["status"], "refused") << end.error;
  EXPECT_EQ(end.output["reason"], "the cart is converted");
  EXPECT_FALSE(end.entered("StartVendorOrders"));
}

SimulatedFlow a_retry() { return {"order-retry", {{"order_id", "s-1:c-1:1:v-1"}, {"buyer", "b-1"}}}; }

Json next_checkout() {
  return {{"key", "s-1:c-1:2"},
          {"buyer_store", "s-1"},
          {"cart_id", "c-1"},
          {"attempt", 2},
          {"buyer", "b-1"},
          {"currency", "ZAR"},
          {"replaces_order_id", "s-1:c-1:1:v-1"},
          {"m_payment_id", nullptr},
          {"lines", {{{"line_id", "l-1"}, {"unit_price_minor", 120}}}}};
}

TEST(OrderRetry, ChecksTheExpiredOrdersLinesOutAgain) {
  const FlowEnd end = a_retry()
                          .answers("PrepareRetry", {{"status", "ready"}, {"reason", ""}, {"checkout", next_checkout()}})
                          .answers("CheckOutAgain", {{"status", "placed"},
                                                     {"orders", {{{"order_id", "s-1:c-1:2:v-1"}}}},
                                                     {"failures", Json::array()},
                                                     {"run_ids", {"r-2"}}})
                          .run();

  EXPECT_EQ(end.output["status"], "placed") << end.error;
  EXPECT_EQ(end.input_of("CheckOutAgain")["attempt"], 2);
  EXPECT_EQ(end.input_of("CheckOutAgain")["replaces_order_id"], "s-1:c-1:1:v-1");
  EXPECT_EQ(end.input_of("CheckOutAgain")["lines"][0]["unit_price_minor"], 120);
}

TEST(OrderRetry, OfAnOrderThatIsNotExpiredIsRefused) {
  const FlowEnd end =
      a_retry()
          .answers("PrepareRetry", {{"status", "refused"}, {"reason", "the order is accepted"}, {"checkout", nullptr}})
          .run();

  EXPECT_EQ(end.output["status"], "refused");
  EXPECT_EQ(end.output["reason"], "the order is accepted");
}

TEST(OrderRetry, OfAnUnknownOrderIsRefused) {
  const FlowEnd end = a_retry().fails("PrepareRetry", "Backend.NotFound").run();

  EXPECT_EQ(end.output["reason"], "there is no such order");
}

TEST(OrderRetry, ThatLostTheRaceIsRefused) {
  const FlowEnd end = a_retry()
                          .answers("PrepareRetry", {{"status", "ready"}, {"reason", ""}, {"checkout", next_checkout()}})
                          .fails("CheckOutAgain", "States.TaskFailed")
                          .run();

  EXPECT_EQ(end.output["status"], "refused") << end.error;
}

}  // namespace
}  // namespace orchestrator::flows
