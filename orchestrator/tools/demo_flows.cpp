#include "orchestrator/tools/demo_flows.hpp"

#include <chrono>
#include <utility>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/digest/provider_signatures.hpp"

namespace orchestrator::tools {

namespace {

constexpr std::int64_t kTopupMinor = 15'000;
constexpr std::int64_t kDisputeFeeMinor = 1'500;
constexpr std::int64_t kStarterPlanMinor = 49'900;
constexpr int kDemoStock = 1'000'000;

std::string in_one_hour() {
  const auto later = std::chrono::system_clock::now() + std::chrono::hours(1);
  return to_rfc3339(std::chrono::floor<Duration>(later));
}

/// The payer opens the signed form at the provider.
void post_payment_form(DemoStage& stage, const std::string& run_id) {
  const Json signed_form = stage.await_result(run_id, "SignForm");
  if (stage.failed()) return;
  digest::FormFields fields;
  const Json form = signed_form.value(Json::json_pointer("/form/form/fields"), Json::object());
  for (const auto& [name, value] : form.items()) fields.emplace_back(name, value.get<std::string>());
  stage.post_form("/eng/process", digest::format_form(fields));
}

/// A top-up from the form to the credit; answers the user's payment.
std::string play_topup(DemoStage& stage) {
  const std::string payment = stage.name("pay");
  const std::string run_id = stage.start("wallet-topup", payment,
                                         {{"m_payment_id", payment},
                                          {"user_id", stage.name("user")},
                                          {"email", stage.name("user") + "@example.com"},
                                          {"amount_minor", kTopupMinor},
                                          {"currency", "ZAR"},
                                          {"item_name", "Wallet top-up"}});
  post_payment_form(stage, run_id);
  switch (stage.copy() % 5) {
    case 1: stage.fault("payfast.itn", "duplicate", payment); break;
    case 2: stage.fault("payfast.validate", "server_error", payment); break;
    case 3: stage.fault("mail.send", "drop_after_effect", ""); break;
    case 4: stage.fault("payfast.itn", "bad_signature", payment); break;
    default: break;
  }
  stage.await_wait(run_id, "payer.returned");
  stage.signal("payer.returned", payment, nullptr);
  // Notified twice: a forged notification, where one is scripted, must not keep the genuine one from counting.
  stage.sandbox("/control/payfast/pay", {{"m_payment_id", payment}});
  stage.sandbox("/control/payfast/pay", {{"m_payment_id", payment}});
  const Json output = stage.await_end(run_id);
  if (stage.failed()) return payment;
  stage.expect("the top-up", output.value("status", Json()), "credited");
  stage.expect("the balance", output.value("balance_minor", Json()), kTopupMinor);
  return payment;
}

void play_wallet(DemoStage& stage) { play_topup(stage); }

/// The bank takes the money back: the wallet goes below zero; won or lost by turns.
void play_dispute(DemoStage& stage) {
  const std::string payment = play_topup(stage);
  const std::string dispute = stage.name("dispute");
  const std::string key = "payfast:" + dispute;
  const bool wins = stage.copy() % 2 == 0;
  const std::string run_id = stage.start("wallet-dispute", key,
                                         {{"provider", "payfast"},
                                          {"dispute_id", dispute},
                                          {"m_payment_id", payment},
                                          {"amount_minor", kTopupMinor},
                                          {"fee_minor", kDisputeFeeMinor},
                                          {"currency", "ZAR"},
                                          {"due_by", in_one_hour()},
                                          // Reminders of an hour's dispute, not of a month's.
                                          {"config",
                                           {{"first_reminder_offset_seconds", -1800},
                                            {"second_reminder_offset_seconds", -1200},
                                            {"default_offset_seconds", -600}}}});
  stage.await_wait(run_id, "dispute.answer");
  stage.signal("dispute.funds_withdrawn", key, nullptr);
  const Json debited = stage.await_result(run_id, "Debit");
  if (stage.failed()) return;
  stage.expect("the balance after the debit", debited.value(Json::json_pointer("/debit/balance_minor"), Json()),
               -kDisputeFeeMinor);
  stage.await_wait(run_id, "dispute.answer");
  stage.signal("dispute.answer", key, {{"outcome", "contest"}, {"reason", "the goods were delivered"}});
  stage.await_wait(run_id, "dispute.verdict");
  stage.signal("dispute.closed", key, {{"outcome", wins ? "won" : "lost"}});
  const Json output = stage.await_end(run_id);
  if (stage.failed()) return;
  stage.expect("the dispute", output.value("status", Json()), wins ? "won" : "lost");
  stage.expect("the balance after the verdict", output.value("balance_minor", Json()),
               wins ? kTopupMinor - kDisputeFeeMinor : -kDisputeFeeMinor);
}

Json confirmation(const char* reason) { return {{"outcome", "confirm"}, {"confirmed_by", "ann"}, {"reason", reason}}; }

/// The buyer complains before the vendor is paid: the confirmation is refused until a person has looked into it.
void play_disputed_payout(DemoStage& stage, const std::string& payout, const std::string& order) {
  const std::string dispute = stage.start(
      "order-dispute", order + "/dispute",
      {{"order_id", order}, {"dispute_id", "d-1"}, {"opened_by", stage.name("buyer")}, {"reason", "a cup is broken"}});
  stage.await_wait(dispute, "order.dispute");
  stage.signal("payout.confirm", order, confirmation("checked"));
  stage.await_wait(payout, "payout.release");
  stage.signal("order.dispute", order, {{"outcome", "dismissed"}, {"decided_by", "bob"}, {"reason", "it was whole"}});
  const Json closed = stage.await_end(dispute);
  if (!stage.failed()) stage.expect("the complaint", closed.value("status", Json()), "dismissed");
  stage.signal("payout.release", order, {{"released_by", "bob"}, {"reason", "the complaint is dismissed"}});
}

/// The payout went to the wrong account: taken back by a posting of the opposite sign, confirmed and paid anew.
void play_reversed_payout(DemoStage& stage, const std::string& order, const std::string& vendor) {
  const std::string reversal =
      stage.start("payout-reversal", order + "/reversal",
                  {{"order_id", order}, {"requested_by", "bob"}, {"reason", "the bank account was an old one"}});
  const Json reversed = stage.await_end(reversal);
  if (stage.failed()) return;
  stage.expect("the reversal", reversed.value("status", Json()), "reversed");
  if (stage.failed()) return;
  const std::string next = reversed["payout_run_id"].get<std::string>();
  stage.watch(next);
  stage.await_wait(next, "payout.confirm");
  stage.signal("payout.confirm", reversed["payout_key"].get<std::string>(), confirmation("the new account"));
  const Json paid = stage.await_end(next);
  if (!stage.failed()) stage.expect("the second payout", paid.value("status", Json()), "paid");
  const std::string receipt = stage.start("payout-receipt", order + "/receipt",
                                          {{"order_id", order}, {"vendor", vendor}, {"text", "it came, thank you"}});
  const Json noted = stage.await_end(receipt);
  if (!stage.failed()) stage.expect("the vendor's receipt", noted.value("noted", Json()), true);
}

/// From the vendor's yes to the confirmed payout.
void play_fulfilled_order(DemoStage& stage, const std::string& run_id, const std::string& order, std::int64_t due) {
  stage.await_wait(run_id, "order.decision");
  stage.signal("order.decision", order, {{"decision_id", "d-1"}, {"outcome", "accept"}, {"reason", "in stock"}});
  const std::string dispatch = stage.await_child(run_id, "dispatch");
  stage.await_wait(dispatch, "dispatch.picked_up");
  const Json assigned = stage.await_result(dispatch, "AssignAgent");
  if (stage.failed()) return;
  const Json assignment = assigned.value(Json::json_pointer("/agent/assignment_id"), Json());
  // Somebody who never had the order is refused before the right agent comes.
  stage.signal("dispatch.picked_up", order, {{"assignment_id", "somebody-else"}});
  stage.signal("dispatch.picked_up", order, {{"assignment_id", assignment}});
  stage.await_wait(dispatch, "dispatch.delivered");
  // Too late for the buyer; the delivery goes on.
  stage.signal("order.cancel", order, {{"by", stage.name("buyer")}});
  stage.signal("dispatch.delivered", order, {{"assignment_id", assignment}});
  stage.await_wait(dispatch, "dispatch.cash_collected");
  stage.signal("dispatch.cash_collected", order, {{"assignment_id", assignment}, {"amount_minor", due}});
  const std::string payout = stage.await_child(run_id, "payout");
  stage.await_wait(payout, "payout.confirm");
  const bool is_eventful = stage.copy() % 2 == 0;
  if (is_eventful) play_disputed_payout(stage, payout, order);
  stage.signal("payout.confirm", order, confirmation("checked again"));
  const Json output = stage.await_end(run_id);
  if (stage.failed()) return;
  stage.expect("the order", output.value("status", Json()), "closed");
  stage.expect("the payout", output.value("paid_minor", Json()), due - due / 10);
  if (is_eventful) play_reversed_payout(stage, order, stage.shared_name("swift"));
}

/// The buyer of an expired order tries again, and then thinks better of it.
void play_retried_order(DemoStage& stage, const std::string& order) {
  const std::string retry = stage.start("order-retry", order + "/retry",
                                        {{"order_id", order},
                                         {"buyer", stage.name("buyer")},
                                         {"config", {{"nudge_seconds", 600}, {"expire_seconds", 600}}}});
  const Json placed = stage.await_end(retry);
  if (stage.failed()) return;
  stage.expect("the retry", placed.value("status", Json()), "placed");
  if (stage.failed()) return;
  const std::string next_order = placed["orders"][0]["order_id"].get<std::string>();
  const std::string next_run = placed["run_ids"][0].get<std::string>();
  stage.watch(next_run);
  stage.await_wait(next_run, "order.cancel");
  stage.signal("order.nudge", next_order, {{"by", stage.name("buyer")}});
  stage.signal("order.cancel", next_order, {{"by", stage.name("buyer")}, {"reason", "bought elsewhere"}});
  const Json canceled = stage.await_end(next_run);
  if (!stage.failed()) stage.expect("the retried order", canceled.value("status", Json()), "canceled");
}

/// One cart, three vendors: one delivers, one says no, one never answers; and a line that is out of stock. Even copies
/// have a complaint and a wrong payout as well.
void play_marketplace(DemoStage& stage) {
  const auto line = [&stage](const char* id, const std::string& vendor, const char* sku, int price) {
    return Json{{"line_id", id},
                {"vendor", stage.shared_name(vendor)},
                {"sku", sku},
                {"quantity", 2},
                {"unit_price_minor", price}};
  };
  const std::string cart = stage.name("cart");
  const std::string run_id = stage.start("checkout", "store:" + cart + ":1",
                                         {{"buyer_store", "store"},
                                          {"cart_id", cart},
                                          {"attempt", 1},
                                          {"buyer", stage.name("buyer")},
                                          {"currency", "ZAR"},
                                          {"lines",
                                           {line("1", "swift", "tea", 4'500), line("2", "proud", "tea", 3'000),
                                            line("3", "silent", "tea", 2'000), line("4", "swift", "sold-out", 100)}},
                                          {"config",
                                           {{"nudge_seconds", stage.options().decision_seconds},
                                            {"expire_seconds", stage.options().decision_seconds},
                                            {"pick_up_seconds", 600}}}});
  const Json placed = stage.await_end(run_id);
  if (stage.failed()) return;
  stage.expect("the checkout", placed.value("status", Json()), "partially_placed");
  stage.expect("the number of orders", placed.value("orders", Json::array()).size(), 3);
  if (stage.failed()) return;

  std::vector<std::pair<std::string, std::string>> runs;
  for (std::size_t i = 0; i < 3; ++i) {
    runs.emplace_back(placed["orders"][i]["order_id"].get<std::string>(), placed["run_ids"][i].get<std::string>());
  }
  const auto& [swift_order, swift_run] = runs[0];
  const auto& [proud_order, proud_run] = runs[1];
  const auto& [silent_order, silent_run] = runs[2];
  stage.watch(swift_run);
  stage.signal("order.line_decision", proud_order, {{"decision_id", "d-1"}, {"outcome", "reject"}, {"line_id", "2"}});
  play_fulfilled_order(stage, swift_run, swift_order, 9'000);
  stage.watch(proud_run);
  const Json rejected = stage.await_end(proud_run);
  if (!stage.failed()) stage.expect("the refused order", rejected.value("status", Json()), "rejected");
  stage.watch(silent_run);
  const Json expired = stage.await_end(silent_run);
  if (!stage.failed()) stage.expect("the unanswered order", expired.value("status", Json()), "expired");
  play_retried_order(stage, silent_order);
}

/// Sign-up, plan payment with a lost answer and a late webhook, onboarding, manifest.
void play_journey(DemoStage& stage) {
  const std::string user = stage.name("user");
  const std::string order = stage.name("order");
  const std::string payment = order + "-1";
  const std::string workspace = "ws-" + user;
  switch (stage.copy() % 4) {
    case 1: stage.fault("phonepe.pay", "drop_after_effect", payment); break;
    case 2: stage.fault("phonepe.webhook", "drop", payment); break;
    case 3: stage.fault("phonepe.webhook", "duplicate", payment); break;
    default: stage.fault("phonepe.status", "server_error", payment); break;
  }
  const std::string run_id =
      stage.start("journey", user,
                  {{"user_id", user},
                   {"email", user + "@example.com"},
                   {"config", {{"poll_seconds", Json(std::vector<int>(60, 2))}, {"model_seconds", 5}}}});
  stage.await_wait(run_id, "journey.purchase");
  stage.signal("journey.purchase", user,
               {{"order_id", order}, {"attempt", 1}, {"plan", "starter"}, {"amount_minor", kStarterPlanMinor}});
  const std::string paying = stage.await_child(run_id, "plan-payment");
  stage.await_wait(paying, "phonepe.callback");
  stage.sandbox(
      "/control/phonepe/settle",
      {{"merchant_order_id", payment}, {"state", "COMPLETED"}, {"webhook", stage.copy() % 2 == 0 ? "v2" : "v1"}});
  const std::string onboarding = stage.await_child(run_id, "onboarding");
  stage.await_wait(onboarding, "onboarding.submitted");
  stage.signal("onboarding.touched", workspace, nullptr);
  stage.signal(
      "onboarding.submitted", workspace,
      {{"answers",
        {{"business_name", "Rooibos & Co"}, {"industry", "retail"}, {"goals", {"sell more tea", "open a shop"}}}}});
  const Json output = stage.await_end(run_id);
  if (stage.failed()) return;
  stage.expect("the journey", output.value("status", Json()), "active");
}

}  // namespace

const std::vector<NamedScript>& demo_scripts() {
  static const std::vector<NamedScript> scripts = {
      {"wallet", play_wallet}, {"dispute", play_dispute}, {"marketplace", play_marketplace}, {"journey", play_journey}};
  return scripts;
}

Json demo_seed(const std::string& tag) {
  Json stock = Json::array();
  for (const char* vendor : {"swift", "proud", "silent"}) {
    stock.push_back({{"vendor", tag + "-" + vendor}, {"sku", "tea"}, {"on_hand", kDemoStock}});
  }
  stock.push_back({{"vendor", tag + "-swift"}, {"sku", "sold-out"}, {"on_hand", 0}});
  return {{"stock", stock}, {"agents", {tag + "-agent-1", tag + "-agent-2", tag + "-agent-3"}}};
}

}  // namespace orchestrator::tools
