#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

constexpr auto kExpiry = 1195s;  // the poll table's sum: 25 + 30 + 60 + 60 + 60 + 16 x 60

Json status(const std::string& state, int amount = 49900) { return {{"state", state}, {"amount_minor", amount}}; }

SimulatedFlow a_payment() {
  SimulatedFlow flow("plan-payment", {{"merchant_order_id", "ord-1-1"},
                                      {"order_id", "ord-1"},
                                      {"workspace_id", "ws-1"},
                                      {"plan", "starter"},
                                      {"amount_minor", 49900},
                                      {"email", "u@example.com"}});
  flow.answers("CreatePayment", {{"status", "created"}})
      .always("KeepRedirect", {{"redirect_url", "https://pay.example/1"}})
      .always("MailActive", {{"id", "m"}})
      .always("MailExpired", {{"id", "m"}})
      .always("MailFailed", {{"id", "m"}})
      .always("MarkExpired", {{"state", "expired"}})
      .always("MarkFailed", {{"state", "failed"}})
      .always("Quarantine", {{"state", "quarantined"}})
      .always("StartBankRefund", {{"run_id", "r-1"}})
      .always("RemindOutcome", {{"added", true}})
      .always("BookRefund", {{"refunded", true}})
      .always("Reject", {{"state", "failed"}});
  return flow;
}

SimulatedFlow an_open_payment() {
  SimulatedFlow flow = a_payment();
  flow.answers("Pay", {{"state", "PENDING"}, {"provider_order_id", "OMO1"}, {"redirect_url", "https://pay.example/1"}});
  return flow;
}

TEST(PlanPayment, CallbackCutsThePollingShort) {
  const FlowEnd end = an_open_payment()
                          .answers("ReadStatus", status("COMPLETED"))
                          .answers("Activate", {{"status", "active"}})
                          .signal(7s, "phonepe.callback", {{"event", "checkout.order.completed"}})
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "active"}, {"late", false}, {"merchant_order_id", "ord-1-1"}})) << end.error;
  EXPECT_EQ(end.took, 7s);
  EXPECT_EQ(end.times("ReadStatus"), 1);
  EXPECT_EQ(end.input_of("MailActive")["key"], "planpay/ord-1-1/completed");
}

TEST(PlanPayment, LostCallbackIsFoundByPolling) {
  const FlowEnd end = an_open_payment()
                          .answers("ReadStatus", status("PENDING"))
                          .answers("ReadStatus", status("PENDING"))
                          .answers("ReadStatus", status("COMPLETED"))
                          .answers("Activate", {{"status", "active"}})
                          .run();

  EXPECT_EQ(end.output["status"], "active");
  EXPECT_EQ(end.took, 25s + 3s + 3s);
}

TEST(PlanPayment, CallbackThatLiesChangesNothing) {
  const FlowEnd end = an_open_payment()
                          .answers("ReadStatus", status("PENDING"))
                          .answers("ReadStatus", status("FAILED"))
                          .signal(1s, "phonepe.callback", {{"event", "checkout.order.completed"}})
                          .run();

  EXPECT_EQ(end.output["status"], "failed");
  EXPECT_FALSE(end.entered("Activate"));
}

TEST(PlanPayment, LostAnswerIsAskedAboutBeforeAnythingIsSentAgain) {
  SimulatedFlow flow = a_payment();

  const FlowEnd end =
      flow.fails("Pay", "States.Timeout")
          .answers("Pay", {{"state", "PENDING"}, {"provider_order_id", "OMO1"}, {"redirect_url", nullptr}})
          .answers("Pay/Inquire", {{"outcome", "not_found"}})
          .answers("ReadStatus", status("COMPLETED"))
          .answers("Activate", {{"status", "active"}})
          .run();

  EXPECT_EQ(end.output["status"], "active");
}

TEST(PlanPayment, UnpaidExpiresByThePollTableAndLeavesALateWatch) {
  const FlowEnd end = an_open_payment().always("ReadStatus", status("PENDING")).run();

  EXPECT_EQ(end.output, Json({{"status", "expired"}, {"merchant_order_id", "ord-1-1"}})) << end.error;
  EXPECT_EQ(end.times("MarkExpired"), 1);
  EXPECT_EQ(end.took, kExpiry);
  EXPECT_EQ(end.input_of("LeaveLateWatch")["run_key"], "ord-1-1:late");
  EXPECT_EQ(end.input_of("LeaveLateWatch")["late"], true);
}

TEST(PlanPayment, FailureIsShownAtOnceAndLeavesALateWatchToo) {
  const FlowEnd end = an_open_payment().answers("ReadStatus", status("FAILED")).run();

  EXPECT_EQ(end.output["status"], "failed") << end.error;
  EXPECT_EQ(end.took, 25s);
  EXPECT_TRUE(end.entered("LeaveLateWatch"));
}

TEST(PlanPayment, OrderThatTheProviderRefusesIsNotWatched) {
  SimulatedFlow flow = a_payment();

  const FlowEnd end = flow.fails("Pay", "Provider.Refused").run();

  EXPECT_EQ(end.output["status"], "failed") << end.error;
  EXPECT_FALSE(end.entered("LeaveLateWatch"));
}

SimulatedFlow a_late_watch() {
  SimulatedFlow flow("plan-payment", {{"merchant_order_id", "ord-1-1"},
                                      {"order_id", "ord-1"},
                                      {"workspace_id", "ws-1"},
                                      {"plan", "starter"},
                                      {"amount_minor", 49900},
                                      {"email", "u@example.com"},
                                      {"late", true}});
  flow.always("MailActive", {{"id", "m"}});
  return flow;
}

TEST(PlanPayment, LateWatchGivesUpAfterAWeek) {
  const FlowEnd end = a_late_watch().always("ReadStatus", status("FAILED")).run();

  EXPECT_EQ(end.output["status"], "expired") << end.error;
  EXPECT_FALSE(end.entered("MarkFailed"));
  EXPECT_GT(end.took, Days(5));
  EXPECT_LT(end.took, Days(8));
}

TEST(PlanPayment, SuccessAfterAShownFailureIsHonoured) {
  const FlowEnd end = a_late_watch()
                          .answers("ReadStatus", status("FAILED"))
                          .answers("ReadStatus", status("COMPLETED"))
                          .answers("Activate", {{"status", "active"}})
                          .signal(10s, "phonepe.callback", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "active") << end.error;
  EXPECT_EQ(end.output["late"], true);
  EXPECT_EQ(end.input_of("Activate")["late"], true);
}

TEST(PlanPayment, LateSuccessOfAWorkspaceThatPaidOtherwiseIsRefunded) {
  const FlowEnd end = an_open_payment()
                          .answers("ReadStatus", status("COMPLETED"))
                          .answers("Activate", {{"status", "refund_due"}})
                          .answers("Refund", {{"state", "PENDING"}})
                          .answers("ConfirmRefund", {{"state", "PENDING"}})
                          .answers("ConfirmRefund", {{"state", "COMPLETED"}})
                          .run();

  EXPECT_EQ(end.output["status"], "refunded");
  EXPECT_EQ(end.input_of("Refund")["merchant_refund_id"], "ord-1-1-r1");
}

TEST(PlanPayment, OtherAmountWaitsForAPerson) {
  const FlowEnd end = an_open_payment()
                          .answers("ReadStatus", status("COMPLETED", 100))
                          .signal(Days(2), "planpay.outcome", {{"outcome", "reject"}, {"reason", "not ours"}})
                          .run();

  EXPECT_EQ(end.output["status"], "failed");
  EXPECT_TRUE(end.entered("Quarantine"));
}

TEST(PlanPayment, ProviderOutageKeepsPolling) {
  SimulatedFlow flow = an_open_payment();
  for (int attempt = 0; attempt < 9; ++attempt) flow.fails("ReadStatus", "Provider.Unavailable");

  const FlowEnd end = flow.answers("ReadStatus", status("COMPLETED")).answers("Activate", {{"status", "active"}}).run();

  EXPECT_EQ(end.output["status"], "active");
  EXPECT_EQ(end.times("NoStatus"), 1);
}

TEST(PlanPayment, AmountThatIsNotThePlansIsRefused) {
  SimulatedFlow flow("plan-payment", {{"merchant_order_id", "ord-1-1"},
                                      {"order_id", "ord-1"},
                                      {"workspace_id", "ws-1"},
                                      {"plan", "starter"},
                                      {"amount_minor", 100},
                                      {"email", "u@example.com"}});

  const FlowEnd end = flow.answers("CreatePayment", {{"status", "plan_mismatch"}}).run();

  EXPECT_EQ(end.output["status"], "refused");
}

}  // namespace
}  // namespace orchestrator::flows
