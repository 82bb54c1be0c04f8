#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "handlers/sample_statements.hpp"
#include "sample_step.hpp"

namespace orchestrator::samples {
namespace {

Json payment(const std::string& id = "pay-1") {
  return {
      {"m_payment_id", id}, {"user_id", "u-1"}, {"amount_minor", 15000}, {"currency", "ZAR"}, {"item_name", "Wallet"}};
}

Json credit(const std::string& id = "pay-1", const std::string& reference = "900") {
  return {
      {"m_payment_id", id}, {"pf_payment_id", reference}, {"gross_minor", 15000}, {"fee_minor", -575}, {"late", false}};
}

Json paid(const Json& changed = Json::object()) {
  Json fields = {{"pf_payment_id", "900"},
                 {"merchant_id", "10000100"},
                 {"custom_str1", "default"},
                 {"amount_gross", "150.00"},
                 {"amount_fee", "-5.75"}};
  fields.update(changed);
  return {{"m_payment_id", "pay-1"}, {"paid", fields}};
}

Json dispute(const Json& more = Json::object()) {
  Json input = {{"provider", "payfast"}, {"dispute_id", "dp-1"}};
  input.update(more);
  return input;
}

Json opened_dispute() {
  return dispute({{"m_payment_id", "pay-1"},
                  {"amount_minor", 15000},
                  {"fee_minor", 1500},
                  {"currency", "ZAR"},
                  {"due_by", "2030-01-01T00:00:00Z"}});
}

TEST(SampleStatements, EveryOnePreparesOnAFreshlyMigratedDatabase) {
  const test::TestDatabase database;
  pqxx::connection connection(database.url());

  for (const std::string_view name : statement_names()) {
    EXPECT_NO_THROW(connection.prepare(std::string(name), std::string(statement(name)))) << name;
  }
}

TEST(SampleWallet, CreditIsPostedOncePerPaymentWhoeverAsks) {
  SampleBackend backend;
  backend.output("payment.open", payment(), "k/open");

  const Json first = backend.output("wallet.credit", credit(), "k/credit/1");
  const Json second = backend.output("wallet.credit", credit(), "other/credit/1");

  EXPECT_EQ(first["status"], "credited");
  EXPECT_EQ(first["balance_minor"], 15000);
  EXPECT_EQ(second["status"], "already_credited");
  EXPECT_EQ(second["balance_minor"], 15000);
  EXPECT_EQ(backend.query("select count(*) from backend.outbox where type = 'wallet.topup.credited'"), "1");
  EXPECT_EQ(backend.violations(), Json::array());
}

TEST(SampleWallet, FeeGoesToTheCostAccountAndThePostingBalances) {
  SampleBackend backend;
  backend.output("payment.open", payment(), "k/open");

  backend.output("wallet.credit", credit(), "k/credit");

  EXPECT_EQ(backend.query("select balance_minor from backend.balances where account = 'cost:payfast-fees'"), "-575");
  EXPECT_EQ(backend.query("select sum(amount_minor) from backend.ledger_entries"), "0");
}

TEST(SampleWallet, ProviderReferenceOfAnotherPaymentIsAConflict) {
  SampleBackend backend;
  backend.output("payment.open", payment("pay-1"), "k1/open");
  backend.output("payment.open", payment("pay-2"), "k2/open");
  backend.output("wallet.credit", credit("pay-1", "900"), "k1/credit");

  const Outcome outcome = backend.perform("wallet.credit", credit("pay-2", "900"), "k2/credit");

  EXPECT_EQ(outcome.error, "Backend.Conflict");
  EXPECT_EQ(backend.query("select count(*) from backend.postings"), "1");
}

TEST(SampleWallet, CheckComparesAmountMerchantTenantAndReference) {
  SampleBackend backend;
  backend.output("payment.open", payment(), "k/open");

  EXPECT_EQ(backend.output("payment.check", paid(), "k/c")["verdict"], "ok");
  EXPECT_EQ(backend.output("payment.check", paid({{"amount_gross", "150.01"}}), "k/c")["verdict"], "ok");
  EXPECT_EQ(backend.output("payment.check", paid({{"amount_gross", "150.02"}}), "k/c")["verdict"], "amount_mismatch");
  EXPECT_EQ(backend.output("payment.check", paid({{"amount_gross", "1e3"}}), "k/c")["verdict"], "amount_malformed");
  EXPECT_EQ(backend.output("payment.check", paid({{"merchant_id", "1"}}), "k/c")["verdict"], "merchant_mismatch");
  EXPECT_EQ(backend.output("payment.check", paid({{"custom_str1", "other"}}), "k/c")["verdict"], "tenant_mismatch");
}

TEST(SampleWallet, FirstFormStays) {
  SampleBackend backend;
  backend.output("payment.open", payment(), "k/open");
  const Json input = {{"m_payment_id", "pay-1"}, {"amount_minor", 15000}, {"item_name", "Wallet"}};

  const Json first = backend.output("payfast.sign_form", input, "k/form");
  Json changed = input;
  changed["item_name"] = "Another";
  const Json second = backend.output("payfast.sign_form", changed, "k/form");

  EXPECT_EQ(first, second);
  EXPECT_EQ(first["form"]["fields"]["amount"], "150.00");
  EXPECT_EQ(first["form"]["fields"]["signature"].get<std::string>().size(), 32U);
}

TEST(SampleWallet, CompletePaymentCannotBeClosed) {
  SampleBackend backend;
  backend.output("payment.open", payment(), "k/open");
  backend.output("wallet.credit", credit(), "k/credit");

  const Json closed =
      backend.output("payment.close", {{"m_payment_id", "pay-1"}, {"state", "expired"}, {"reason", "late"}}, "k/close");

  EXPECT_EQ(closed["state"], "complete");
}

TEST(SampleLedger, NeitherEntriesNorPostingsCanBeChanged) {
  SampleBackend backend;
  backend.output("payment.open", payment(), "k/open");
  backend.output("wallet.credit", credit(), "k/credit");

  EXPECT_TRUE(backend.refuses("update backend.ledger_entries set amount_minor = 1"));
  EXPECT_TRUE(backend.refuses("delete from backend.ledger_entries"));
  EXPECT_TRUE(backend.refuses("truncate backend.ledger_entries"));
  EXPECT_TRUE(backend.refuses("delete from backend.postings"));
}

TEST(SampleLedger, UnbalancedPostingIsRefused) {
  SampleBackend backend;
  (void)backend.query(
      "insert into backend.postings (namespace, posting_id, kind, subject) values ('default', 'p', 'correction', 's')");

  EXPECT_TRUE(
      backend.refuses("insert into backend.ledger_entries (namespace, posting_id, account, amount_minor, currency) "
                      "values ('default', 'p', 'user:u', 5, 'ZAR'), ('default', 'p', 'cost:c', -4, 'ZAR')"));
}

TEST(SampleLedger, UnpublishedEventCannotBeCleanedUp) {
  SampleBackend backend;
  backend.output("payment.open", payment(), "k/open");

  EXPECT_TRUE(backend.refuses("delete from backend.outbox"));
  (void)backend.query("update backend.outbox set published_at = now()");
  EXPECT_FALSE(backend.refuses("delete from backend.outbox"));
}

/// A credited payment with a dispute about all of it.
class SampleDispute : public testing::Test {
 protected:
  void SetUp() override {
    backend_.output("payment.open", payment(), "k/open");
    backend_.output("wallet.credit", credit(), "k/credit");
    backend_.output("dispute.open", opened_dispute(), "d/open");
  }

  SampleBackend backend_;
};

TEST_F(SampleDispute, OpensOnceAndShutsWithdrawals) {
  EXPECT_EQ(backend_.output("dispute.open", opened_dispute(), "d/open2")["status"], "already_open");
  EXPECT_EQ(backend_.query("select withdrawals_allowed from backend.wallets"), "f");
}

TEST_F(SampleDispute, UnknownPaymentIsAnAnswer) {
  Json input = opened_dispute();
  input.update({{"m_payment_id", "pay-9"}, {"dispute_id", "dp-9"}});

  EXPECT_EQ(backend_.output("dispute.open", input, "d9/open")["status"], "payment_not_found");
}

TEST_F(SampleDispute, DebitMakesTheWalletNegativeOnce) {
  const Json first = backend_.output("dispute.debit", dispute(), "d/debit/1");
  const Json second = backend_.output("dispute.debit", dispute(), "d/debit/2");

  EXPECT_EQ(first["balance_minor"], -1500);
  EXPECT_EQ(second["moved"], false);
  EXPECT_EQ(second["balance_minor"], -1500);
  EXPECT_EQ(backend_.query("select reverses from backend.ledger_entries where posting_id = 'd/debit/1' "
                           "and account = 'user:u-1'"),
            "k/credit");
}

TEST_F(SampleDispute, WonGivesTheAmountBackAndKeepsTheFee) {
  backend_.output("dispute.debit", dispute(), "d/debit");

  const Json back = backend_.output("dispute.reinstate", dispute(), "d/back");
  const Json settled = backend_.output("dispute.settle", dispute({{"outcome", "won"}}), "d/settle");

  EXPECT_EQ(back["balance_minor"], 13500);
  EXPECT_EQ(settled["state"], "won");
  EXPECT_EQ(backend_.query("select withdrawals_allowed from backend.wallets"), "t");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleDispute, LostKeepsANegativeWalletShut) {
  backend_.output("dispute.debit", dispute(), "d/debit");

  const Json settled = backend_.output("dispute.settle", dispute({{"outcome", "lost"}}), "d/settle");

  EXPECT_EQ(settled["balance_minor"], -1500);
  EXPECT_EQ(backend_.query("select withdrawals_allowed or paid_features from backend.wallets"), "f");
}

TEST_F(SampleDispute, WriteOffCoversExactlyTheDebtAndOpensTheWallet) {
  backend_.output("dispute.debit", dispute(), "d/debit");
  backend_.output("dispute.settle", dispute({{"outcome", "lost"}}), "d/settle");
  const Json user = {{"user_id", "u-1"}, {"decision", {{"reason", "lost"}}}};

  const Json written_off = backend_.output("wallet.write_off", user, "n/write_off");
  const Json again = backend_.output("wallet.write_off", user, "n/write_off/2");
  const Json wallet = backend_.output("wallet.recovery", user, "n/open");

  EXPECT_EQ(written_off["written_off_minor"], 1500);
  EXPECT_EQ(again["written_off_minor"], 0);
  EXPECT_EQ(wallet, Json({{"balance_minor", 0}, {"negative", false}}));
  EXPECT_EQ(backend_.query("select withdrawals_allowed and paid_features from backend.wallets"), "t");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleDispute, SecondRoundReversesTheReversalAndChargesNoSecondFee) {
  backend_.output("dispute.debit", dispute(), "d/debit/1");
  backend_.output("dispute.reinstate", dispute(), "d/back/1");
  backend_.output("dispute.next_round", dispute({{"due_by", "2030-02-01T00:00:00Z"}}), "d/round");

  const Json again = backend_.output("dispute.debit", dispute(), "d/debit/2");

  EXPECT_EQ(again["balance_minor"], -1500);
  EXPECT_EQ(backend_.query("select reverses from backend.ledger_entries where posting_id = 'd/debit/2' "
                           "and account = 'user:u-1'"),
            "d/back/1");
}

TEST_F(SampleDispute, EvidenceIsKeptWithItsHash) {
  const Json evidence = backend_.output("dispute.collect_evidence", dispute(), "d/evidence");

  EXPECT_EQ(evidence["complete"], true);
  EXPECT_EQ(backend_.query("select evidence_hash = encode(sha256(convert_to(evidence::text, 'UTF8')), 'hex') "
                           "from backend.disputes"),
            "t");
}

}  // namespace
}  // namespace orchestrator::samples
