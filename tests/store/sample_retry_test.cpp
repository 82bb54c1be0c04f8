#include <gtest/gtest.h>

#include "sample_order.hpp"

namespace orchestrator::samples {
namespace {

/// The order of SampleOrder, expired, and what its buyer does then.
class SampleRetry : public SampleOrder {
 protected:
  Json retry(const std::string& key, const std::string& buyer = "b-1") {
    return backend_.output("order.retry", order({{"buyer", buyer}, {"retry_seconds", 604800}}), key);
  }
  void expire() { backend_.output("order.expire", order(), "o/expire"); }
  Json place(Json checkout, const std::string& key) { return backend_.output("checkout.place", checkout, key); }
};

TEST_F(SampleRetry, PlacesTheLinesAgainAtTodaysPriceAsTheNextAttempt) {
  expire();
  backend_.database().execute("update backend.stock set unit_price_minor = 5000 where sku = 'tea'");

  const Json ready = retry("r/1");
  const Json placed = place(ready["checkout"], "co/2");

  EXPECT_EQ(ready["status"], "ready");
  EXPECT_EQ(ready["checkout"]["key"], "s:c-1:2");
  EXPECT_EQ(placed["status"], "placed");
  EXPECT_EQ(placed["orders"][0]["order_id"], "s:c-1:2:v-1");
  EXPECT_EQ(placed["orders"][0]["balance_due_minor"], 11000);
  EXPECT_EQ(backend_.query("select replaces_order_id from backend.orders where order_id = 's:c-1:2:v-1'"), kOrder);
  EXPECT_EQ(reserved("tea"), "2");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleRetry, ChecksTheStockAfresh) {
  expire();
  backend_.database().execute("update backend.stock set on_hand = 1 where sku = 'tea'");

  const Json placed = place(retry("r/1")["checkout"], "co/2");

  EXPECT_EQ(placed["status"], "partially_placed");
  EXPECT_EQ(placed["failures"][0]["reason"], "out_of_stock");
}

TEST_F(SampleRetry, IsRefusedUnlessTheOrderExpiredLatelyAndIsTheBuyers) {
  EXPECT_EQ(retry("r/1")["reason"], "the order is created_pending");
  expire();
  EXPECT_EQ(retry("r/2", "b-2")["reason"], "the order is another buyer's");
  backend_.database().execute("update backend.orders set expired_at = now() - interval '8 days'");
  EXPECT_EQ(retry("r/3")["reason"], "the order expired too long ago");
}

TEST_F(SampleRetry, DoubleClickReplacesTheOrderOnce) {
  expire();
  const Json first = retry("r/1");
  const Json second = retry("r/2");

  EXPECT_EQ(place(first["checkout"], "co/2")["status"], "placed");
  const Json refused = place(second["checkout"], "co/3");

  EXPECT_EQ(second["checkout"]["attempt"], 3);
  EXPECT_EQ(refused["status"], "refused");
  EXPECT_EQ(refused["reason"], "order s:c-1:1:v-1 was placed again as s:c-1:2:v-1");
  EXPECT_EQ(retry("r/3")["reason"], "the order was placed again as s:c-1:2:v-1");
  EXPECT_TRUE(backend_.refuses("update backend.orders set replaces_order_id = 's:c-1:2:v-1'"));
  EXPECT_EQ(reserved("tea"), "2");
}

TEST_F(SampleRetry, CheckoutNamesOnlyAnExpiredOrderAsReplaced) {
  Json again = cart(Json::array({cart_line("1", "v-1", "tea", 1, 100)}));
  again.update({{"attempt", 2}, {"replaces_order_id", kOrder}});

  EXPECT_EQ(place(again, "co/2")["reason"], "order s:c-1:1:v-1 is created_pending");
}

TEST_F(SampleRetry, ConvertedCartTakesNoFurtherCheckoutOrWrite) {
  Json again = cart(Json::array({cart_line("1", "v-1", "tea", 1, 100)}));
  again["attempt"] = 2;
  const Json write = {{"buyer_store", "s"}, {"cart_id", "c-1"}, {"buyer", "b-1"}, {"lines", Json::array()}};

  EXPECT_EQ(place(again, "co/2")["reason"], "the cart is converted");
  EXPECT_EQ(backend_.output("cart.save", write, "w/1"), Json({{"saved", false}, {"reason", "the cart is converted"}}));
  EXPECT_TRUE(backend_.refuses("update backend.carts set lines = '[1]'"));
}

TEST_F(SampleRetry, OpenCartIsWrittenAndAFailedCheckoutLeavesItOpen) {
  Json write = {{"buyer_store", "s"}, {"cart_id", "c-9"}, {"buyer", "b-1"}, {"lines", Json::array({1})}};
  Json failing = cart(Json::array({cart_line("1", "v-1", "jam", 1, 100)}));
  failing["cart_id"] = "c-9";

  EXPECT_EQ(backend_.output("cart.save", write, "w/1")["saved"], true);
  EXPECT_EQ(place(failing, "co/9")["status"], "failed");
  EXPECT_EQ(backend_.output("cart.save", write, "w/2")["saved"], true);
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleRetry, LastValidClickOfThirtyDaysIsAttached) {
  backend_.database().execute(
      "insert into backend.ad_clicks (namespace, click_id, buyer, vendor, campaign, is_valid, clicked_at) values "
      "('default', 'old', 'b-7', 'v-1', 'c', true, now() - interval '31 days'), "
      "('default', 'early', 'b-7', 'v-1', 'c', true, now() - interval '3 days'), "
      "('default', 'last', 'b-7', 'v-1', 'c', true, now() - interval '2 days'), "
      "('default', 'fraud', 'b-7', 'v-1', 'c', false, now() - interval '1 day'), "
      "('default', 'other', 'b-7', 'v-2', 'c', true, now())");
  Json checkout = cart(Json::array({cart_line("1", "v-1", "tea", 1, 100)}));
  checkout.update({{"cart_id", "c-7"}, {"buyer", "b-7"}});

  place(checkout, "co/7");

  EXPECT_EQ(backend_.query("select ad_click_id from backend.orders where buyer = 'b-7'"), "last");
  EXPECT_EQ(backend_.query("select payload ->> 'ad_click_id' from backend.outbox where correlation_id = 'co/7'"),
            "last");
}

TEST_F(SampleRetry, ClickThatIsTooOldCountsNothing) {
  backend_.database().execute(
      "insert into backend.ad_clicks (namespace, click_id, buyer, vendor, campaign, clicked_at) values "
      "('default', 'old', 'b-7', 'v-1', 'c', now() - interval '31 days')");
  Json checkout = cart(Json::array({cart_line("1", "v-1", "tea", 1, 100)}));
  checkout.update({{"cart_id", "c-7"}, {"buyer", "b-7"}});

  place(checkout, "co/7");

  EXPECT_EQ(backend_.query("select coalesce(ad_click_id, 'none') from backend.orders where buyer = 'b-7'"), "none");
}

TEST_F(SampleRetry, AdministratorCancelsUntilDeliveryAndARefusalIsKept) {
  const Json by_ann = order({{"by", "ann"}, {"reason", "stolen card"}});

  EXPECT_EQ(backend_.output("order.force_cancel", by_ann, "o/f1"), Json({{"canceled", true}, {"state", "canceled"}}));
  EXPECT_EQ(backend_.output("order.force_cancel", by_ann, "o/f2")["canceled"], false);
  EXPECT_EQ(backend_.query("select reason from backend.audit_log where action = 'order_force_canceled'"),
            "stolen card");
  EXPECT_EQ(backend_.query("select count(*) from backend.audit_log where action = 'order_cancel_refused'"), "1");
  EXPECT_EQ(reserved("tea"), "0");
  EXPECT_EQ(backend_.query("select string_agg(change, ' ' order by change) from backend.stock_log where line_id = '1'"),
            "held released");
}

TEST_F(SampleRetry, LateCancelTellsTheBuyer) {
  settle();

  const Json refused = backend_.output("order.refuse_cancel", order(), "o/rc");

  EXPECT_EQ(refused, Json({{"canceled", false}, {"state", "settled"}}));
  EXPECT_EQ(backend_.query("select recipient from backend.notifications where kind = 'order_cancel_refused'"), "b-1");
}

TEST_F(SampleRetry, SweepSettlesWhatOutlivedItsOrderOnce) {
  backend_.database().execute("update backend.orders set state = 'canceled'");

  const Json swept = backend_.output("stock.sweep", {{"batch_size", 500}}, "sw/1");
  const Json again = backend_.output("stock.sweep", {{"batch_size", 500}}, "sw/2");

  EXPECT_EQ(swept["settled_count"], 2);
  EXPECT_EQ(swept["settled"][0]["now"], "released");
  EXPECT_EQ(again["settled_count"], 0);
  EXPECT_EQ(reserved("tea"), "0");
  EXPECT_EQ(backend_.query("select count(*) from backend.notifications where kind = 'stock_leak'"), "1");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleRetry, SweepLeavesOpenOrdersAloneAndTellsADifference) {
  backend_.database().execute("update backend.stock set reserved = 5 where sku = 'tea'");

  const Json swept = backend_.output("stock.sweep", {{"batch_size", 500}}, "sw/1");

  EXPECT_EQ(swept["settled_count"], 0);
  EXPECT_EQ(swept["drifted"], Json::array({{{"vendor", "v-1"}, {"sku", "tea"}, {"reserved", 5}, {"held", 2}}}));
}

}  // namespace
}  // namespace orchestrator::samples
