#include "handlers/sample_checkout.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/handler/typed.hpp"

namespace orchestrator::samples {

namespace {

/// Most lines of one cart. Source: docs/operations/limits.md.
constexpr std::size_t kMaxCartLines = 500;
/// Largest quantity and price of a line; their product stays far from the end of 64 bits.
constexpr std::int64_t kMaxQuantity = 1'000'000;
constexpr std::int64_t kMaxPriceMinor = 1'000'000'000;
/// Most attempts of one cart.
constexpr std::int64_t kMaxAttempts = 1000;
/// How long an ad click counts unless the flow's settings say otherwise: 30 days.
constexpr std::int64_t kAdClickSeconds = 2'592'000;

Json line_json(const CartLine& line) {
  return {{"line_id", line.line_id},
          {"vendor", line.vendor},
          {"sku", line.sku},
          {"quantity", line.quantity},
          {"unit_price_minor", line.unit_price_minor}};
}

Json orders_json(const CheckoutPlan& plan, const std::string& replaces_order_id) {
  Json orders = Json::array();
  for (const PlannedOrder& order : plan.orders) {
    Json item = {{"order_id", order.order_id},
                 {"vendor", order.vendor},
                 {"balance_due_minor", order.balance_due_minor},
                 {"lines", Json::array()}};
    if (!replaces_order_id.empty()) item["replaces_order_id"] = replaces_order_id;
    for (const CartLine& line : order.lines) item["lines"].push_back(line_json(line));
    orders.push_back(std::move(item));
  }
  return orders;
}

/// One line of the cart; its faults are noted at `lines/<index>`.
CartLine read_line(const Json& item, std::size_t index, InputReader& cart) {
  InputReader reader(item);
  CartLine line{.line_id = reader.text("line_id"),
                .vendor = reader.text("vendor"),
                .sku = reader.text("sku"),
                .quantity = reader.integer("quantity", {1, kMaxQuantity}),
                .unit_price_minor = reader.integer("unit_price_minor", {0, kMaxPriceMinor})};
  if (!reader.faults().empty()) cart.refuse("lines/" + std::to_string(index), reader.describe_faults());
  return line;
}

std::int64_t read_ad_click_seconds(const Json* config) {
  if (config == nullptr || !config->is_object()) return kAdClickSeconds;
  const auto found = config->find("ad_click_seconds");
  return found != config->end() && found->is_number_integer() ? found->get<std::int64_t>() : kAdClickSeconds;
}

struct CheckoutInput {
  std::string buyer;
  std::string cart_id;
  std::string currency;
  std::string buyer_store;
  std::int64_t attempt = 0;
  std::string group_id;
  std::string replaces_order_id;  ///< empty: the cart's first checkout
  std::optional<std::string> m_payment_id;
  std::int64_t ad_click_seconds = kAdClickSeconds;
  std::vector<CartLine> cart;

  static CheckoutInput read(InputReader& reader) {
    CheckoutInput input{.buyer = reader.text("buyer"),
                        .cart_id = reader.text("cart_id"),
                        .currency = reader.text("currency"),
                        .buyer_store = reader.text("buyer_store"),
                        .attempt = reader.integer("attempt", {1, kMaxAttempts}),
                        .replaces_order_id = reader.optional_text("replaces_order_id").value_or(""),
                        .m_payment_id = reader.optional_text("m_payment_id"),
                        .ad_click_seconds = read_ad_click_seconds(reader.find("config"))};
    input.group_id = input.buyer_store + ":" + input.cart_id + ":" + std::to_string(input.attempt);
    const Json* lines = reader.value("lines");
    if (lines == nullptr) return input;
    if (!lines->is_array() || lines->empty() || lines->size() > kMaxCartLines) {
      reader.refuse("lines", "must hold 1 to " + std::to_string(kMaxCartLines) + " lines");
      return input;
    }
    std::set<std::pair<std::string, std::string>> seen;
    for (const Json& item : *lines) {
      CartLine line = read_line(item, input.cart.size(), reader);
      if (!seen.emplace(line.vendor, line.line_id).second)
        reader.refuse("lines", "names line '" + line.line_id + "' twice");
      input.cart.push_back(std::move(line));
    }
    return input;
  }
};

Result<std::vector<FreeStock>> lock_stock(const std::vector<CartLine>& cart, const TaskContext& context, Sql& sql) {
  Json wanted = Json::array();
  for (const CartLine& line : cart) wanted.push_back({{"vendor", line.vendor}, {"sku", line.sku}});
  auto rows = sql.execute(statement("checkout.lock_stock"), {context.namespace_name, dump_json(wanted)});
  if (!rows) return rows.error();
  std::vector<FreeStock> stock;
  for (std::size_t row = 0; row < rows->size(); ++row) {
    stock.push_back({rows->text(row, "vendor"), rows->text(row, "sku"), rows->integer(row, "free")});
  }
  return stock;
}

/// The answer of the cart's first checkout, if there was one.
Result<SqlRows> find_answer(const std::string& group_id, const TaskContext& context, Sql& sql) {
  return sql.execute(statement("checkout.find"), {context.namespace_name, group_id});
}

Outcome stored_answer(const SqlRows& rows) {
  auto answer = parse_json(rows.text(0, "answer"));
  if (!answer) return Outcome::failed("Backend.InvalidData", answer.error().message, false);
  return Outcome::completed(make_payload(std::move(*answer)));
}

/// Why this checkout may not happen, or nothing: a cart is converted once, and an order replaced once, after it
/// expired.
Result<std::optional<std::string>> find_refusal(const CheckoutInput& input, const std::string& cart_state,
                                                const TaskContext& context, Sql& sql) {
  if (input.replaces_order_id.empty()) {
    return cart_state == "converted" ? std::optional<std::string>("the cart is converted") : std::nullopt;
  }
  auto rows = sql.execute(statement("checkout.lock_replaced"), {context.namespace_name, input.replaces_order_id});
  if (!rows) return rows.error();
  const std::string name = "order " + input.replaces_order_id;
  if (rows->empty() || rows->text(0, "buyer") != input.buyer) return std::optional(name + " is not the buyer's");
  if (rows->text(0, "state") != "expired") return std::optional(name + " is " + rows->text(0, "state"));
  if (rows->at(0, "replaced_by")) return std::optional(name + " was placed again as " + rows->text(0, "replaced_by"));
  return std::optional<std::string>();
}

Outcome refused_checkout(const CheckoutInput& input, const std::string& reason) {
  return Outcome::completed(make_payload({{"group_id", input.group_id},
                                          {"status", "refused"},
                                          {"reason", reason},
                                          {"orders", Json::array()},
                                          {"failures", Json::array()}}));
}

/// Places the whole cart in one transaction: stock, orders, reservations, events. The same cart and attempt again
/// answers what the first request was told.
Outcome place_checkout(const CheckoutInput& input, TaskContext& context, Sql& sql) {
  auto cart = sql.execute(statement("checkout.lock_cart"),
                          {context.namespace_name, input.buyer_store, input.cart_id, input.buyer});
  if (!cart) return failed_statement(cart.error());
  auto found = find_answer(input.group_id, context, sql);
  if (!found) return failed_statement(found.error());
  if (!found->empty()) return stored_answer(*found);
  auto refusal = find_refusal(input, cart->text(0, "state"), context, sql);
  if (!refusal) return failed_statement(refusal.error());
  if (*refusal) return refused_checkout(input, **refusal);

  auto stock = lock_stock(input.cart, context, sql);
  if (!stock) return failed_statement(stock.error());
  const CheckoutPlan plan = plan_checkout(input.group_id, input.cart, std::move(*stock));
  const Json answer = checkout_answer(input.group_id, plan);
  auto kept = sql.execute(statement("checkout.keep_group"),
                          {context.namespace_name, input.group_id, input.buyer, input.cart_id, plan.state,
                           dump_json(answer), input.buyer_store, std::to_string(input.attempt)});
  if (!kept) return failed_statement(kept.error());
  const Json orders = orders_json(plan, input.replaces_order_id);
  auto placed = sql.execute(statement("checkout.keep_orders"),
                            {context.namespace_name, context.idempotency_key, input.group_id, dump_json(orders),
                             input.buyer, input.currency, input.m_payment_id, std::to_string(input.ad_click_seconds)});
  if (!placed) return failed_statement(placed.error());
  return Outcome::completed(make_payload(answer));
}

}  // namespace

CheckoutPlan plan_checkout(const std::string& group_id, const std::vector<CartLine>& cart,
                           std::vector<FreeStock> stock) {
  CheckoutPlan plan;
  for (const CartLine& line : cart) {
    const auto article = std::find_if(stock.begin(), stock.end(), [&line](const FreeStock& candidate) {
      return candidate.vendor == line.vendor && candidate.sku == line.sku;
    });
    if (article == stock.end() || article->free < line.quantity) {
      plan.failures.push_back({line, article == stock.end() ? "unknown_article" : "out_of_stock"});
      continue;
    }
    article->free -= line.quantity;
    auto order = std::find_if(plan.orders.begin(), plan.orders.end(),
                              [&line](const PlannedOrder& candidate) { return candidate.vendor == line.vendor; });
    if (order == plan.orders.end()) {
      order = plan.orders.insert(plan.orders.end(), {.order_id = group_id + ":" + line.vendor, .vendor = line.vendor});
    }
    order->balance_due_minor += line.quantity * line.unit_price_minor;
    order->lines.push_back(line);
  }
  plan.state = plan.orders.empty() ? "failed" : plan.failures.empty() ? "placed" : "partially_placed";
  return plan;
}

Json checkout_answer(const std::string& group_id, const CheckoutPlan& plan) {
  Json failures = Json::array();
  for (const FailedLine& failure : plan.failures) {
    failures.push_back(
        {{"line_id", failure.line.line_id}, {"vendor", failure.line.vendor}, {"reason", failure.reason}});
  }
  return {{"group_id", group_id}, {"status", plan.state}, {"orders", orders_json(plan, {})}, {"failures", failures}};
}

HandlerEntries checkout_handlers() {
  return {
      transactional("checkout.place", typed_transactional_handler<CheckoutInput>(place_checkout)),
      transactional("cart.save", make_statement_handler(
                                     {{"cart.save", {"@namespace", "buyer_store", "cart_id", "buyer", "lines"}}})),
      // The cart first, as a checkout locks it before the order that it replaces.
      transactional("order.retry",
                    make_statement_handler({{"order.lock_cart", {"@namespace", "order_id"}},
                                            {"order.lock", {"@namespace", "order_id"}},
                                            {"order.retry", {"@namespace", "order_id", "buyer", "retry_seconds"}}})),
  };
}

}  // namespace orchestrator::samples
