#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "sample_step.hpp"

namespace orchestrator::samples {

inline constexpr const char* kOrder = "s:c-1:1:v-1";

inline Json cart_line(const std::string& id, const std::string& vendor, const std::string& sku, int quantity,
                      int price) {
  return {{"line_id", id}, {"vendor", vendor}, {"sku", sku}, {"quantity", quantity}, {"unit_price_minor", price}};
}

inline Json cart(Json lines) {
  return {{"buyer_store", "s"}, {"cart_id", "c-1"},  {"attempt", 1},
          {"buyer", "b-1"},     {"currency", "ZAR"}, {"lines", std::move(lines)}};
}

/// Ten teas and five cups at vendor v-1, and one agent; one order of two teas and one cup.
class SampleOrder : public testing::Test {
 protected:
  void SetUp() override {
    backend_.output(
        "sample.seed",
        {{"stock",
          {{{"vendor", "v-1"}, {"sku", "tea"}, {"on_hand", 10}}, {{"vendor", "v-1"}, {"sku", "cup"}, {"on_hand", 5}}}},
         {"agents", {"a-1"}}},
        "seed");
    placed_ = backend_.output(
        "checkout.place", cart({cart_line("1", "v-1", "tea", 2, 4500), cart_line("2", "v-1", "cup", 1, 1000)}), "co/1");
  }

  Json order(const Json& more = Json::object()) {
    Json input = {{"order_id", kOrder}};
    input.update(more);
    return input;
  }
  Json decide(const std::string& id, const std::string& outcome, const Json& more = Json::object()) {
    Json input = order({{"decision_id", id}, {"outcome", outcome}});
    input.update(more);
    return backend_.output("order.decide", input, "o/decide/" + id);
  }
  /// From the vendor's yes to the cash in the agent's hand: 10 000 minor units.
  void settle() {
    decide("d-settle", "accept");
    backend_.output("order.fulfil", order(), "settle/fulfil");
    const Json assigned = backend_.output("dispatch.assign", order(), "settle/assign");
    const Json agent = order({{"assignment_id", assigned["assignment_id"]}});
    backend_.output("dispatch.pick_up", agent, "settle/pick-up");
    backend_.output("dispatch.deliver", agent, "settle/deliver");
    Json cash = agent;
    cash["amount_minor"] = 10000;
    backend_.output("dispatch.collect_cash", cash, "settle/cash");
  }
  std::string reserved(const std::string& sku) {
    return backend_.query("select reserved from backend.stock where sku = '" + sku + "'");
  }
  std::string state() { return backend_.query("select state from backend.orders"); }

  SampleBackend backend_;
  Json placed_;
};

}  // namespace orchestrator::samples
