#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"

/// What a multi-vendor checkout decides, apart from any database.
namespace orchestrator::samples {

/// One wanted line of a cart.
struct CartLine {
  std::string line_id;
  std::string vendor;
  std::string sku;
  std::int64_t quantity = 0;
  std::int64_t unit_price_minor = 0;
};

/// How much of an article is free to reserve.
struct FreeStock {
  std::string vendor;
  std::string sku;
  std::int64_t free = 0;
};

/// An order for one vendor, with the lines that could be reserved.
struct PlannedOrder {
  std::string order_id;  ///< <group>:<vendor>
  std::string vendor;
  std::int64_t balance_due_minor = 0;
  std::vector<CartLine> lines;
};

/// A line that could not be reserved, and why: `unknown_article` or `out_of_stock`.
struct FailedLine {
  CartLine line;
  std::string reason;
};

struct CheckoutPlan {
  std::string state;  ///< placed | partially_placed | failed
  std::vector<PlannedOrder> orders;
  std::vector<FailedLine> failures;
};

/// Reserves line by line in cart order; two lines of one article share what is free. A vendor without any line left
/// gets no order. Pure.
CheckoutPlan plan_checkout(const std::string& group_id, const std::vector<CartLine>& cart,
                           std::vector<FreeStock> stock);

/// What the buyer is told: `{group_id, status, orders[], failures[]}`.
Json checkout_answer(const std::string& group_id, const CheckoutPlan& plan);

}  // namespace orchestrator::samples
