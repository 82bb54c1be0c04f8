#include <gtest/gtest.h>

#include "sample_step.hpp"

namespace orchestrator::samples {
namespace {

/// A user with a credited top-up of 15 000 minor units.
class SampleRefund : public testing::Test {
 protected:
  void SetUp() override {
    open_payment("pay-1");
    backend_.output("wallet.credit",
                    {{"m_payment_id", "pay-1"},
                     {"pf_payment_id", "900"},
                     {"gross_minor", 15000},
                     {"fee_minor", -575},
                     {"late", false}},
                    "pay-1/credit");
  }

  void open_payment(const std::string& id) {
    backend_.output("payment.open",
                    {{"m_payment_id", id},
                     {"user_id", "u-1"},
                     {"amount_minor", 15000},
                     {"currency", "ZAR"},
                     {"item_name", "Wallet"}},
                    id + "/open");
  }
  Json open_refund(const std::string& id, const Json& more = Json::object()) {
    Json input = {{"refund_id", id},
                  {"subject_type", "topup"},
                  {"subject", "pay-1"},
                  {"amount_minor", 5000},
                  {"reason", "asked"}};
    input.update(more);
    return backend_.output("refund.open", input, id + "/open");
  }
  Outcome settle(const std::string& id, const std::string& key, const std::string& outcome = "paid",
                 const std::string& reference = "eft-1") {
    return backend_.perform("refund.settle",
                            {{"refund_id", id},
                             {"decided_by", "ann"},
                             {"answer", {{"outcome", outcome}, {"reason", "done"}, {"bank_reference", reference}}}},
                            key);
  }
  std::string balance(const std::string& account) {
    return backend_.query("select coalesce(sum(amount_minor), 0) from backend.ledger_entries where account = '" +
                          account + "'");
  }

  SampleBackend backend_;
};

TEST_F(SampleRefund, SetsTheMoneyAsideAndPaysItOnce) {
  const Json opened = open_refund("r-1");
  const Json again = open_refund("r-1");
  EXPECT_EQ(balance("user:u-1"), "10000");
  EXPECT_EQ(balance("provider:refunds-due"), "5000");
  const Outcome paid = settle("r-1", "s/1");
  const Outcome double_click = settle("r-1", "s/2");

  EXPECT_EQ(opened["status"], "due");
  EXPECT_EQ(again["status"], "due");
  EXPECT_EQ(json_of(paid.output)["state"], "paid");
  EXPECT_EQ(json_of(double_click.output)["state"], "paid");
  EXPECT_EQ(balance("provider:refunds-due"), "0");
  EXPECT_EQ(balance("provider:bank"), "5000");
  EXPECT_EQ(backend_.query("select outcome from backend.review_cases where kind = 'refund_due'"), "paid");
  EXPECT_TRUE(
      backend_.refuses("insert into backend.postings (namespace, posting_id, kind, subject) "
                       "values ('default', 'x', 'bank_refund_release', 'r-1')"));
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleRefund, RefusedOneGivesTheMoneyBack) {
  open_refund("r-1");

  const Outcome refused = settle("r-1", "s/1", "refused");

  EXPECT_EQ(json_of(refused.output)["state"], "refused");
  EXPECT_EQ(balance("user:u-1"), "15000");
  EXPECT_EQ(balance("provider:refunds-due"), "0");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleRefund, IsRefusedByThePolicy) {
  EXPECT_EQ(open_refund("r-1", {{"amount_minor", 15001}})["reason"], "it is more than was paid");
  EXPECT_EQ(open_refund("r-2", {{"amount_minor", nullptr}, {"amount", "1e3"}})["reason"], "the amount is not known");
  open_refund("r-3");
  EXPECT_EQ(open_refund("r-4")["reason"], "another refund is under way");
  settle("r-3", "s/3");
  EXPECT_EQ(open_refund("r-5", {{"amount_minor", 10001}})["reason"], "it is more than was paid");
}

TEST_F(SampleRefund, SpentBalanceIsNotPaidBack) {
  backend_.database().execute(
      "insert into backend.postings (namespace, posting_id, kind, subject) values ('default', 'spent', 'correction', "
      "'x');"
      "insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency) values "
      "('default', 'spent', 'user:u-1', -12000, 'ZAR'), ('default', 'spent', 'income:sales', 12000, 'ZAR')");

  EXPECT_EQ(open_refund("r-1")["reason"], "the balance is spent");
}

TEST_F(SampleRefund, DisputedPaymentIsNotPaidBackTwice) {
  backend_.output("dispute.open",
                  {{"provider", "payfast"},
                   {"dispute_id", "dp-1"},
                   {"m_payment_id", "pay-1"},
                   {"amount_minor", 15000},
                   {"fee_minor", 0},
                   {"currency", "ZAR"},
                   {"due_by", "2030-01-01T00:00:00Z"}},
                  "dp/open");

  EXPECT_EQ(open_refund("r-1")["reason"], "a dispute is open");
}

TEST_F(SampleRefund, MoneyThatWasNeverCreditedGoesBackWithoutTheWallet) {
  open_payment("pay-2");

  const Json opened = open_refund("r-1", {{"subject", "pay-2"}, {"amount_minor", nullptr}, {"amount", "140.5"}});
  settle("r-1", "s/1");

  EXPECT_EQ(opened["amount_minor"], 14050);
  EXPECT_EQ(balance("user:u-1"), "15000");
  EXPECT_EQ(balance("provider:bank"), "14050");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleRefund, OneTransferProvesOneRefund) {
  open_payment("pay-2");
  open_refund("r-1");
  settle("r-1", "s/1", "paid", "eft-7");
  open_refund("r-2", {{"subject", "pay-2"}});

  EXPECT_EQ(settle("r-2", "s/2", "paid", "eft-7").error, "Backend.Conflict");
  EXPECT_EQ(json_of(settle("r-2", "s/3", "paid", "eft-8").output)["state"], "paid");
}

TEST_F(SampleRefund, UnknownPaymentHasNothingToPayBack) {
  const Outcome outcome = backend_.perform("refund.open",
                                           {{"refund_id", "r-1"},
                                            {"subject_type", "topup"},
                                            {"subject", "nobody-knows"},
                                            {"amount_minor", 1},
                                            {"reason", "asked"}},
                                           "r/open");

  EXPECT_EQ(outcome.error, "Backend.NotFound");
}

TEST_F(SampleRefund, IsProofInALaterDispute) {
  open_refund("r-1");
  settle("r-1", "s/1");
  const Json dispute = {{"provider", "payfast"}, {"dispute_id", "dp-1"}};
  Json opening = dispute;
  opening.update({{"m_payment_id", "pay-1"},
                  {"amount_minor", 15000},
                  {"fee_minor", 0},
                  {"currency", "ZAR"},
                  {"due_by", "2030-01-01T00:00:00Z"}});
  backend_.output("dispute.open", opening, "dp/open");

  EXPECT_EQ(backend_.output("dispute.collect_evidence", dispute, "dp/evidence")["refunded"], true);
  EXPECT_EQ(backend_.query("select evidence -> 'refunds' -> 0 ->> 'bank_reference' from backend.disputes"), "eft-1");
}

TEST_F(SampleRefund, CaseIsClosedOnceWithItsAnswer) {
  const Json fraud = {{"kind", "fraud"}, {"subject", "pay-1"}};
  Json opening = fraud;
  opening["facts"] = Json::object();
  Json closing = fraud;
  closing["answer"] = {{"outcome", "fraud"}, {"decided_by", "ann"}, {"reason", "a copied reference"}};
  backend_.output("review.open", opening, "c/1");

  EXPECT_EQ(backend_.output("review.close", closing, "c/2")["closed"], true);
  EXPECT_EQ(backend_.output("review.close", closing, "c/3")["closed"], false);
  EXPECT_EQ(backend_.query("select closed_by || ' ' || outcome from backend.review_cases"), "ann fraud");
}

}  // namespace
}  // namespace orchestrator::samples
