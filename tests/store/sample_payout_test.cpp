#include <gtest/gtest.h>

#include "sample_order.hpp"

namespace orchestrator::samples {
namespace {

Json event(const Json& payload) { return {{"name", "an answer"}, {"payload", payload}}; }
Json release_by_ann() { return event({{"released_by", "ann"}, {"reason", "looked into it"}}); }

/// A delivered order whose cash is collected; 1 000 of its 10 000 minor units are commission.
class SamplePayout : public SampleOrder {
 protected:
  void SetUp() override {
    SampleOrder::SetUp();
    settle();
  }

  Json open_payout(int round = 1) {
    return backend_.output("payout.open", order({{"round", round}, {"commission_basis_points", 1000}}),
                           "po/" + std::to_string(round));
  }
  Json round(const Json& more = Json::object()) {
    Json input = order({{"round", 1}});
    input.update(more);
    return input;
  }
  Json pay(const std::string& key, const Json& more = Json::object()) {
    Json input = round({{"confirmed_by", "ann"}});
    input.update(more);
    return backend_.output("payout.pay", input, key);
  }
  Json reverse(const std::string& key, int of_round = 1) {
    return backend_.output("payout.reverse",
                           order({{"round", of_round}, {"requested_by", "ann"}, {"reason", "wrong account"}}), key);
  }
  Json dispute(const std::string& id) {
    return backend_.output("order_dispute.open",
                           order({{"dispute_id", id}, {"opened_by", "b-1"}, {"reason", "broken cup"}}), "od/" + id);
  }
  Json close_dispute(const std::string& id) {
    const Json answer = {{"outcome", "dismissed"}, {"decided_by", "ann"}, {"reason", "a photo"}};
    return backend_.output("order_dispute.close", order({{"dispute_id", id}, {"answer", answer}}), "od/close/" + id);
  }
  std::string vendor_balance() {
    return backend_.query("select balance_minor from backend.balances where account = 'vendor:v-1'");
  }
  std::string notices(const std::string& kind) {
    return backend_.query("select count(*) from backend.notifications where kind = '" + kind + "'");
  }
};

TEST_F(SamplePayout, DoubleClickPaysOnce) {
  const Json payout = open_payout();
  const Json paid = pay("o/pay/1");
  const Json again = pay("o/pay/2", {{"confirmed_by", "bob"}});

  EXPECT_EQ(payout["amount_minor"], 10000);
  EXPECT_EQ(payout["key"], kOrder);
  EXPECT_EQ(paid, Json({{"state", "paid"}, {"reason", ""}, {"paid_minor", 9000}}));
  EXPECT_EQ(again, paid);
  EXPECT_EQ(state(), "closed");
  EXPECT_EQ(vendor_balance(), "0");
  EXPECT_EQ(backend_.query("select actor from backend.audit_log where action = 'payout_confirmed'"), "ann");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SamplePayout, HeldOneIsRefusedAndTheOperatorsAreTold) {
  open_payout();
  const Json held = backend_.output(
      "payout.hold", round({{"event", event({{"confirmed_by", "ann"}, {"reason", "wrong account"}})}}), "o/hold");
  const Json refused = pay("o/pay/1");
  const Json refused_again =
      backend_.output("payout.refuse", round({{"event", event({{"confirmed_by", "bob"}})}}), "o/refuse");

  EXPECT_EQ(held, Json({{"state", "held"}, {"reason", "wrong account"}}));
  EXPECT_EQ(refused["state"], "held");
  EXPECT_EQ(refused["reason"], "wrong account");
  EXPECT_EQ(refused_again["reason"], "wrong account");
  EXPECT_EQ(notices("payout_confirmation_refused"), "2");
  EXPECT_EQ(vendor_balance(), "10000");
}

TEST_F(SamplePayout, DisputeHoldsAListedPayoutAndNothingReleasesItWhileOpen) {
  open_payout();

  EXPECT_EQ(dispute("d-1"), Json({{"status", "opened"}, {"payout_held", true}}));
  EXPECT_EQ(dispute("d-2")["status"], "already_open");
  EXPECT_EQ(pay("o/pay/1")["reason"], "order dispute d-1 is open");
  EXPECT_EQ(backend_.output("payout.release", round({{"event", release_by_ann()}}), "o/release/1"),
            Json({{"state", "held"}, {"reason", "order dispute d-1 is open"}}));
  EXPECT_EQ(notices("payout_release_refused"), "1");
  EXPECT_EQ(close_dispute("d-1")["state"], "dismissed");
  EXPECT_EQ(pay("o/pay/2")["state"], "held");
  EXPECT_EQ(backend_.output("payout.release", round({{"event", release_by_ann()}}), "o/release/2")["state"], "listed");
  EXPECT_EQ(pay("o/pay/3")["state"], "paid");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SamplePayout, DisputeFromBeforeHoldsItFromTheStart) {
  dispute("d-1");

  const Json payout = open_payout();

  EXPECT_EQ(payout["state"], "held");
  EXPECT_EQ(payout["reason"], "order dispute d-1 is open");
  EXPECT_EQ(notices("payout_held"), "1");
}

TEST_F(SamplePayout, ConfirmationMeetsADisputeThatMissedTheRow) {
  open_payout();
  backend_.database().execute(
      "insert into backend.order_disputes (namespace, order_id, dispute_id, opened_by, reason) values "
      "('default', '" +
      std::string(kOrder) + "', 'd-1', 'b-1', 'late')");

  EXPECT_TRUE(backend_.refuses("update backend.payouts set state = 'paid', confirmed_by = 'x', paid_at = now()"));
  EXPECT_EQ(pay("o/pay/1"), Json({{"state", "held"}, {"reason", "order dispute d-1 is open"}, {"paid_minor", 9000}}));
}

TEST_F(SamplePayout, ChargebackOfTheOrdersPaymentHoldsIt) {
  backend_.output("payment.open",
                  {{"m_payment_id", "pay-1"},
                   {"user_id", "b-1"},
                   {"amount_minor", 10000},
                   {"currency", "ZAR"},
                   {"item_name", "order"}},
                  "p/open");
  backend_.output(
      "wallet.credit",
      {{"m_payment_id", "pay-1"}, {"pf_payment_id", "9"}, {"gross_minor", 10000}, {"fee_minor", 0}, {"late", false}},
      "p/credit");
  backend_.database().execute("update backend.orders set m_payment_id = 'pay-1'");
  open_payout();
  backend_.output("dispute.open",
                  {{"provider", "payfast"},
                   {"dispute_id", "dp-1"},
                   {"m_payment_id", "pay-1"},
                   {"amount_minor", 10000},
                   {"fee_minor", 0},
                   {"currency", "ZAR"},
                   {"due_by", "2030-01-01T00:00:00Z"}},
                  "dp/open");

  EXPECT_EQ(pay("o/pay/1")["reason"], "chargeback payfast:dp-1 is open");
  EXPECT_EQ(backend_.query("select state from backend.payouts"), "held");
}

TEST_F(SamplePayout, ReversalPostsTheOppositeOnceAndOpensTheNextRound) {
  open_payout();
  pay("o/pay/1");

  EXPECT_EQ(reverse("o/reverse/1"), Json({{"reversed", true}, {"state", "reversed"}}));
  EXPECT_EQ(reverse("o/reverse/2"), Json({{"reversed", false}, {"state", "reversed"}}));
  EXPECT_EQ(vendor_balance(), "10000");
  EXPECT_EQ(state(), "settled");
  EXPECT_EQ(backend_.query("select count(*) from backend.ledger_entries where reverses = 'o/pay/1'"), "3");
  EXPECT_TRUE(
      backend_.refuses("insert into backend.postings (namespace, posting_id, kind, subject) values "
                       "('default', 'again', 'payout_reversal', '" +
                       std::string(kOrder) + "')"));
  EXPECT_TRUE(backend_.refuses("update backend.ledger_entries set amount_minor = 1"));
  EXPECT_EQ(open_payout(2)["key"], std::string(kOrder) + "/2");
  EXPECT_EQ(pay("o/pay/2", {{"round", 2}})["state"], "paid");
  EXPECT_EQ(state(), "closed");
  EXPECT_EQ(vendor_balance(), "0");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SamplePayout, NextRoundNeedsAReversalBefore) {
  open_payout();

  const Outcome early =
      backend_.perform("payout.open", order({{"round", 2}, {"commission_basis_points", 1000}}), "po/2");

  EXPECT_EQ(early.error, "Backend.NotFound");
}

TEST_F(SamplePayout, UnpaidOneIsNotReversed) {
  open_payout();

  EXPECT_EQ(reverse("o/reverse/1"), Json({{"reversed", false}, {"state", "listed"}}));
}

TEST_F(SamplePayout, TwoEyesAreTwoPeopleToTheDatabaseToo) {
  open_payout();

  const Outcome alone =
      backend_.perform("payout.pay", round({{"confirmed_by", "ann"}, {"second_by", "ann"}}), "o/pay/1");

  EXPECT_EQ(alone.error, "Backend.InvalidData");
  EXPECT_EQ(pay("o/pay/2", {{"second_by", "bob"}})["state"], "paid");
}

TEST_F(SamplePayout, VendorsWordIsKeptOnceAndChangesNothing) {
  open_payout();
  const auto confirm_receipt = [this](const std::string& vendor, const std::string& key) {
    return backend_.output("payout.note_receipt", order({{"vendor", vendor}, {"text", "it came"}}), key);
  };

  EXPECT_EQ(confirm_receipt("v-1", "r/0")["reason"], "the payout is listed");
  pay("o/pay/1");
  EXPECT_EQ(confirm_receipt("v-2", "r/1")["reason"], "the payout is another vendor's");
  EXPECT_EQ(confirm_receipt("v-1", "r/2")["noted"], true);
  EXPECT_EQ(confirm_receipt("v-1", "r/3")["reason"], "noted before");
  EXPECT_EQ(backend_.query("select actor || ': ' || reason from backend.audit_log where action = 'payout_received'"),
            "v-1: it came");
  EXPECT_TRUE(backend_.refuses("delete from backend.audit_log"));
}

}  // namespace
}  // namespace orchestrator::samples
