#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json itn(const std::string& status = "COMPLETE") {
  return {{"m_payment_id", "pay-1"}, {"pf_payment_id", "900"}, {"payment_status", status}, {"amount_gross", "150.00"}};
}

/// A top-up whose payment is open and whose notifications are genuine and right, unless the test says otherwise first.
SimulatedFlow a_topup() {
  SimulatedFlow flow("wallet-topup", {{"m_payment_id", "pay-1"},
                                      {"user_id", "u-1"},
                                      {"email", "u@example.com"},
                                      {"amount_minor", 15000},
                                      {"currency", "ZAR"},
                                      {"item_name", "Wallet"}});
  flow.answers("OpenPayment", {{"state", "pending"}})
      .answers("SignForm", {{"form", {{"fields", {{"amount", "150.00"}}}}}})
      .always("Expire", {{"state", "expired"}})
      .always("Cancel", {{"state", "cancelled"}})
      .always("Fail", {{"state", "failed"}})
      .always("Quarantine", {{"state", "quarantined"}})
      .always("RejectPayment", {{"state", "failed"}})
      .always("OpenFraudCase", {{"opened", true}})
      .always("RemindOutcome", {{"added", true}})
      .always("CloseFraudCase", {{"closed", true}})
      .always("RefundFigure", {{"run_id", "r-1"}})
      .always("RefundReceived", {{"run_id", "r-1"}})
      .always("SendReceipt", {{"id", "mail-1"}});
  return flow;
}

SimulatedFlow& genuine(SimulatedFlow& flow) {
  return flow.always("ConfirmNotification", {{"verdict", "VALID"}})
      .always("CheckPayment",
              {{"verdict", "ok"}, {"pf_payment_id", "900"}, {"gross_minor", 15000}, {"fee_minor", -575}})
      .always("Credit", {{"status", "credited"}, {"balance_minor", 15000}})
      .always("CreditByHand", {{"status", "credited"}, {"balance_minor", 15000}});
}

TEST(WalletTopup, NotificationIsConfirmedCheckedCreditedAndReceipted) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow).signal(60s, "payfast.itn", itn()).run();

  EXPECT_EQ(end.status, "SUCCEEDED") << end.error;
  EXPECT_EQ(end.output,
            Json({{"status", "credited"}, {"m_payment_id", "pay-1"}, {"late", false}, {"balance_minor", 15000}}));
  EXPECT_EQ(end.took, 60s);
  EXPECT_EQ(end.input_of("Credit")["gross_minor"], 15000);
  EXPECT_EQ(end.input_of("SendReceipt")["key"], "receipt/900");
}

TEST(WalletTopup, UnpaidExpiresAfterHalfAnHourAndIsWatchedForThreeDays) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow).run();

  EXPECT_EQ(end.output, Json({{"status", "expired"}, {"m_payment_id", "pay-1"}}));
  EXPECT_EQ(end.took, 72h);
  EXPECT_FALSE(end.entered("Credit"));
}

TEST(WalletTopup, PaymentAfterExpiryIsCreditedAsLate) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow).signal(40h, "payfast.itn", itn()).run();

  EXPECT_EQ(end.output["status"], "credited");
  EXPECT_EQ(end.output["late"], true);
  EXPECT_TRUE(end.entered("Expire"));
}

TEST(WalletTopup, CancelledPaymentIsStillCreditedWhenMoneyArrives) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow).signal(10s, "topup.cancel", nullptr).signal(20s, "payfast.itn", itn()).run();

  EXPECT_EQ(end.output["status"], "credited");
  EXPECT_EQ(end.output["late"], true);
}

TEST(WalletTopup, ReturnWithoutNotificationLooksIntoTheHistory) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow)
                          .answers("LookIntoHistory", {{"found", true}, {"paid", itn()}})
                          .signal(60s, "payer.returned", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "credited");
  EXPECT_EQ(end.took, 60s + 15min);
  EXPECT_FALSE(end.entered("ConfirmNotification"));
}

TEST(WalletTopup, ReturnAloneNeverCredits) {
  auto flow = a_topup();

  const FlowEnd end =
      genuine(flow).always("LookIntoHistory", {{"found", false}}).signal(60s, "payer.returned", nullptr).run();

  EXPECT_EQ(end.output["status"], "expired");
  EXPECT_FALSE(end.entered("Credit"));
}

TEST(WalletTopup, PendingNotificationGoesOnWaiting) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow).signal(60s, "payfast.itn", itn("PENDING")).signal(90s, "payfast.itn", itn()).run();

  EXPECT_EQ(end.output["status"], "credited");
  EXPECT_EQ(end.times("AwaitPayment"), 2);
}

TEST(WalletTopup, FailedNotificationFails) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow).signal(60s, "payfast.itn", itn("FAILED")).run();

  EXPECT_EQ(end.output["status"], "failed");
}

TEST(WalletTopup, ConfirmationIsRetriedWhenTheProviderIsDown) {
  auto flow = a_topup();
  flow.fails("ConfirmNotification", "Provider.Unavailable").fails("ConfirmNotification", "Provider.Unavailable");

  const FlowEnd end = genuine(flow).signal(60s, "payfast.itn", itn()).run();

  EXPECT_EQ(end.output["status"], "credited");
}

TEST(WalletTopup, ForgedNotificationWaitsForAPerson) {
  auto flow = a_topup();

  const FlowEnd end = flow.answers("ConfirmNotification", {{"verdict", "INVALID"}})
                          .signal(60s, "payfast.itn", itn())
                          .signal(Days(30), "topup.outcome", {{"outcome", "reject"}, {"reason", "forged"}})
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "quarantine_resolved"}, {"outcome", "reject"}, {"m_payment_id", "pay-1"}}));
  EXPECT_EQ(end.took, Days(30));
}

TEST(WalletTopup, WrongAmountIsQuarantinedAndCreditedByHandWithItsFigures) {
  auto flow = a_topup();
  flow.answers("ConfirmNotification", {{"verdict", "VALID"}})
      .answers("CheckPayment", {{"verdict", "amount_mismatch"}})
      .answers("CreditByHand", {{"status", "credited"}});
  const Json bare = {{"outcome", "credit"}, {"reason", "seen in the bank"}};
  Json full = bare;
  full.update({{"pf_payment_id", "900"}, {"gross_minor", 14000}, {"fee_minor", -500}});

  const FlowEnd end =
      flow.signal(60s, "payfast.itn", itn()).signal(2h, "topup.outcome", bare).signal(3h, "topup.outcome", full).run();

  EXPECT_EQ(end.output["outcome"], "credit");
  EXPECT_EQ(end.times("AwaitOutcome"), 2);
  EXPECT_EQ(end.input_of("CreditByHand")["gross_minor"], 14000);
}

TEST(WalletTopup, QuarantineRemindsAtHalfTimeAndNineTenthsAndNeverDecidesByItself) {
  auto flow = a_topup();

  const FlowEnd end = flow.answers("ConfirmNotification", {{"verdict", "INVALID"}})
                          .signal(60s, "payfast.itn", itn())
                          .signal(Days(30), "topup.outcome", {{"outcome", "reject"}, {"reason", "forged"}})
                          .run();

  EXPECT_EQ(end.times("RemindOutcome"), 2);
  EXPECT_EQ(end.input_of("RemindOutcome")["body"]["until"], "2026-01-02T19:13:00.000Z");
  EXPECT_EQ(end.took, Days(30));
}

TEST(WalletTopup, ReferenceOfAnotherPaymentIsAFraudTaskThatItsAnswerCloses) {
  auto flow = a_topup();

  const FlowEnd end =
      flow.answers("ConfirmNotification", {{"verdict", "VALID"}})
          .answers("CheckPayment", {{"verdict", "reference_reused"}, {"other", "pay-0"}})
          .signal(60s, "payfast.itn", itn())
          .signal(1h, "topup.outcome", {{"outcome", "fraud"}, {"decided_by", "ann"}, {"reason", "a copied reference"}})
          .run();

  EXPECT_TRUE(end.entered("OpenFraudCase"));
  EXPECT_EQ(end.input_of("CloseFraudCase")["answer"]["outcome"], "fraud");
  EXPECT_EQ(end.output["outcome"], "fraud");
  EXPECT_FALSE(end.entered("Credit"));
}

TEST(WalletTopup, CreditThatLosesTheRaceForItsReferenceIsAFraudTaskToo) {
  auto flow = a_topup();

  const FlowEnd end =
      flow.answers("ConfirmNotification", {{"verdict", "VALID"}})
          .answers("CheckPayment",
                   {{"verdict", "ok"}, {"pf_payment_id", "900"}, {"gross_minor", 15000}, {"fee_minor", -575}})
          .fails("Credit", "Backend.Conflict")
          .signal(60s, "payfast.itn", itn())
          .signal(1h, "topup.outcome", {{"outcome", "reject"}, {"reason", "paid twice"}})
          .run();

  EXPECT_TRUE(end.entered("OpenFraudCase"));
  EXPECT_EQ(end.input_of("Quarantine")["reason"], "reference_reused");
  EXPECT_EQ(end.output["outcome"], "reject");
}

TEST(WalletTopup, RefundOfQuarantinedMoneyBecomesABankPayoutTask) {
  auto flow = a_topup();

  const FlowEnd end = flow.answers("ConfirmNotification", {{"verdict", "VALID"}})
                          .answers("CheckPayment", {{"verdict", "amount_mismatch"}})
                          .signal(60s, "payfast.itn", itn())
                          .signal(1h, "topup.outcome", {{"outcome", "refund"}, {"reason", "paid too much"}})
                          .run();

  EXPECT_EQ(end.output["outcome"], "refund") << end.error;
  EXPECT_EQ(end.input_of("RefundReceived")["refund_id"], "refund:pay-1:1");
  EXPECT_EQ(end.input_of("RefundReceived")["amount"], "150.00");
}

TEST(WalletTopup, RefundOfAForgedNotificationNeedsItsFigure) {
  auto flow = a_topup();

  const FlowEnd end =
      flow.answers("ConfirmNotification", {{"verdict", "INVALID"}})
          .signal(60s, "payfast.itn", itn())
          .signal(1h, "topup.outcome", {{"outcome", "refund"}, {"reason", "seen in the bank"}})
          .signal(2h, "topup.outcome", {{"outcome", "refund"}, {"reason", "seen in the bank"}, {"gross_minor", 14000}})
          .run();

  EXPECT_EQ(end.input_of("RefundFigure")["amount_minor"], 14000) << end.error;
  EXPECT_EQ(end.took, 2h);
}

TEST(WalletTopup, ReturnAfterExpiryLooksIntoTheHistoryToo) {
  auto flow = a_topup();

  const FlowEnd end = genuine(flow)
                          .answers("LookIntoHistory", {{"found", true}, {"paid", itn()}})
                          .signal(2h, "payer.returned", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "credited") << end.error;
  EXPECT_EQ(end.output["late"], true);
  EXPECT_EQ(end.took, 2h + 15min);
}

TEST(WalletTopup, LateReturnWithoutMoneyGoesOnWatching) {
  auto flow = a_topup();

  const FlowEnd end =
      genuine(flow).always("LookIntoHistory", {{"found", false}}).signal(2h, "payer.returned", nullptr).run();

  EXPECT_EQ(end.output["status"], "expired") << end.error;
  EXPECT_EQ(end.times("Expire"), 1);
  EXPECT_EQ(end.took, 72h);
}

TEST(WalletTopup, UnsendableReceiptNeverUndoesTheCredit) {
  SimulatedFlow flow("wallet-topup", {{"m_payment_id", "pay-1"},
                                      {"user_id", "u-1"},
                                      {"email", "u@example.com"},
                                      {"amount_minor", 15000},
                                      {"currency", "ZAR"},
                                      {"item_name", "Wallet"}});
  flow.answers("OpenPayment", {{"state", "pending"}})
      .answers("SignForm", {{"form", {{"fields", {{"amount", "150.00"}}}}}})
      .fails("SendReceipt", "Provider.Refused");

  const FlowEnd end = genuine(flow).signal(60s, "payfast.itn", itn()).run();

  EXPECT_EQ(end.output["status"], "credited");
}

TEST(WalletTopup, CompletePaymentIsNotAskedForAgain) {
  SimulatedFlow flow("wallet-topup", {{"m_payment_id", "pay-1"},
                                      {"user_id", "u-1"},
                                      {"email", "u@example.com"},
                                      {"amount_minor", 15000},
                                      {"currency", "ZAR"},
                                      {"item_name", "Wallet"}});

  const FlowEnd end = flow.answers("OpenPayment", {{"state", "complete"}}).run();

  EXPECT_EQ(end.output["status"], "credited_before");
}

}  // namespace
}  // namespace orchestrator::flows
