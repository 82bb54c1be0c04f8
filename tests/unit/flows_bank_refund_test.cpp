#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json paid(const std::string& reference = "eft-1") {
  return {{"outcome", "paid"}, {"decided_by", "ann"}, {"reason", "transferred"}, {"bank_reference", reference}};
}

SimulatedFlow a_refund(int amount_minor = 15000) {
  SimulatedFlow flow("bank-refund", {{"refund_id", "refund:pay-1:1"},
                                     {"subject_type", "topup"},
                                     {"subject", "pay-1"},
                                     {"amount_minor", amount_minor},
                                     {"reason", "paid twice"}});
  flow.answers("OpenRefund", {{"status", "due"}, {"reason", ""}, {"amount_minor", amount_minor}, {"recipient", "u-1"}})
      .always("RemindBank", {{"added", true}})
      .always("TellTransferIsUsed", {{"added", true}});
  return flow;
}

SimulatedFlow a_settled_refund(int amount_minor = 15000) {
  return a_refund(amount_minor).always("Settle", {{"state", "paid"}, {"amount_minor", amount_minor}});
}

TEST(BankRefund, WaitsForAPersonWithTwoRemindersAndNoDefault) {
  const FlowEnd end = a_settled_refund().signal(Days(40), "refund.bank", paid()).run();

  EXPECT_EQ(end.output, Json({{"status", "paid"}, {"refund_id", "refund:pay-1:1"}, {"amount_minor", 15000}}))
      << end.error;
  EXPECT_EQ(end.times("RemindBank"), 2);
  EXPECT_EQ(end.took, Days(40));
}

TEST(BankRefund, PaidWithoutATransferIsNotPaid) {
  Json bare = paid();
  bare.erase("bank_reference");

  const FlowEnd end = a_settled_refund().signal(1h, "refund.bank", bare).signal(2h, "refund.bank", paid()).run();

  EXPECT_EQ(end.took, 2h);
  EXPECT_EQ(end.times("Settle"), 1);
}

TEST(BankRefund, LargeAmountNeedsASecondPerson) {
  const Json by_ann = {{"outcome", "confirm"}, {"decided_by", "ann"}, {"reason", "seen"}};
  Json by_bob = by_ann;
  by_bob["decided_by"] = "bob";

  const FlowEnd end = a_settled_refund(600'000)
                          .signal(1h, "refund.bank", paid())
                          .signal(2h, "refund.second", by_ann)
                          .signal(3h, "refund.second", by_bob)
                          .run();

  EXPECT_EQ(end.output["status"], "paid") << end.error;
  EXPECT_EQ(end.input_of("Settle")["second_by"], "bob");
}

TEST(BankRefund, TransferOfAnotherRefundIsAskedForAgain) {
  const FlowEnd end = a_refund()
                          .fails("Settle", "Backend.Conflict")
                          .answers("Settle", {{"state", "paid"}, {"amount_minor", 15000}})
                          .signal(1h, "refund.bank", paid("used-before"))
                          .signal(2h, "refund.bank", paid())
                          .run();

  EXPECT_EQ(end.output["status"], "paid") << end.error;
  EXPECT_TRUE(end.entered("TellTransferIsUsed"));
}

TEST(BankRefund, RefusedByThePolicyEndsAtOnce) {
  SimulatedFlow flow("bank-refund", {{"refund_id", "refund:pay-1:1"},
                                     {"subject_type", "topup"},
                                     {"subject", "pay-1"},
                                     {"amount", "150.00"},
                                     {"reason", "asked for"}});

  const FlowEnd end =
      flow.answers(
              "OpenRefund",
              {{"status", "refused"}, {"reason", "a dispute is open"}, {"amount_minor", 15000}, {"recipient", "u-1"}})
          .run();

  EXPECT_EQ(end.output["reason"], "a dispute is open") << end.error;
  EXPECT_EQ(end.input_of("OpenRefund")["amount_minor"], nullptr);
  EXPECT_EQ(end.took, 0s);
}

}  // namespace
}  // namespace orchestrator::flows
