#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json confirmed(const std::string& by) { return {{"outcome", "confirm"}, {"confirmed_by", by}, {"reason", "checked"}}; }
Json held() { return {{"outcome", "hold"}, {"confirmed_by", "ann"}, {"reason", "wrong account"}}; }
Json released() { return {{"released_by", "ann"}, {"reason", "cleared"}}; }
Json listed(int amount_minor = 9000) {
  return {{"amount_minor", amount_minor},
          {"paid_minor", amount_minor * 9 / 10},
          {"vendor", "v-1"},
          {"state", "listed"},
          {"reason", ""},
          {"round", 1},
          {"key", "o-1"}};
}
Json paid(int amount_minor = 9000) {
  return {{"state", "paid"}, {"reason", ""}, {"paid_minor", amount_minor * 9 / 10}};
}

/// A payout whose row is listed; what becomes of a confirmation is the test's to say.
SimulatedFlow an_open_payout(int amount_minor = 9000) {
  SimulatedFlow flow("payout", {{"order_id", "o-1"}});
  flow.answers("OpenPayout", listed(amount_minor))
      .always("Remind", {{"added", true}})
      .always("Escalate", {{"added", true}})
      .always("Hold", {{"state", "held"}, {"reason", "wrong account"}})
      .always("Refuse", {{"state", "held"}, {"reason", "wrong account"}});
  return flow;
}

SimulatedFlow a_payout(int amount_minor = 9000) {
  return an_open_payout(amount_minor)
      .always("Pay", paid(amount_minor))
      .always("Release", {{"state", "listed"}, {"reason", "cleared"}});
}

TEST(Payout, PaysWhenConfirmed) {
  const FlowEnd end = a_payout().signal(1h, "payout.confirm", confirmed("ann")).run();

  EXPECT_EQ(end.output, Json({{"status", "paid"}, {"order_id", "o-1"}, {"paid_minor", 8100}})) << end.error;
  EXPECT_EQ(end.input_of("Pay")["confirmed_by"], "ann");
  EXPECT_EQ(end.input_of("Pay")["second_by"], nullptr);
}

TEST(Payout, RemindsAfterThreeDaysAndEscalatesAfterSeven) {
  const FlowEnd end = a_payout().signal(Days(20), "payout.confirm", confirmed("ann")).run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Remind"), 1);
  EXPECT_EQ(end.times("Escalate"), 1);
  EXPECT_EQ(end.took, Days(20));
}

TEST(Payout, LargeAmountNeedsTwoDifferentPeople) {
  const FlowEnd end = a_payout(600'000)
                          .signal(1h, "payout.confirm", confirmed("ann"))
                          .signal(2h, "payout.second_confirm", confirmed("ann"))
                          .signal(3h, "payout.second_confirm", confirmed("bob"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("AwaitSecondConfirmation"), 2);
  EXPECT_EQ(end.input_of("Pay")["confirmed_by"], "ann");
  EXPECT_EQ(end.input_of("Pay")["second_by"], "bob");
}

TEST(Payout, SecondPairOfEyesIsRemindedToo) {
  const FlowEnd end = a_payout(600'000)
                          .signal(1h, "payout.confirm", confirmed("ann"))
                          .signal(Days(10), "payout.second_confirm", confirmed("bob"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Remind"), 1);
  EXPECT_EQ(end.times("Escalate"), 1);
}

TEST(Payout, SmallAmountNeedsOnePerson) {
  const FlowEnd end = a_payout(500'000).signal(1h, "payout.confirm", confirmed("ann")).run();

  EXPECT_FALSE(end.entered("AwaitSecondConfirmation"));
}

TEST(Payout, HeldWaitsForItsReleaseAndAFreshConfirmation) {
  const FlowEnd end = a_payout()
                          .signal(1h, "payout.confirm", held())
                          .signal(2h, "payout.release", released())
                          .signal(3h, "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Pay"), 1);
}

TEST(Payout, ConfirmationOfAHeldOneIsRefusedAndNotKeptForLater) {
  const FlowEnd end = a_payout()
                          .signal(1h, "payout.confirm", held())
                          .signal(2h, "payout.confirm", confirmed("ann"))
                          .signal(3h, "payout.release", released())
                          .signal(Days(1), "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Refuse"), 1);
  EXPECT_EQ(end.took, Days(1));
}

TEST(Payout, ReleaseSentTwiceLiftsOneHold) {
  const FlowEnd end = a_payout()
                          .signal(1h, "payout.confirm", held())
                          .signal(2h, "payout.release", released())
                          .signal(2h, "payout.release", released())
                          .signal(3h, "payout.confirm", held())
                          .signal(Days(1), "payout.release", released())
                          .signal(Days(2), "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid");
  EXPECT_EQ(end.times("Release"), 2);
  EXPECT_EQ(end.took, Days(2));
}

TEST(Payout, DisputedFromTheStartIsHeld) {
  Json disputed = listed();
  disputed.update({{"state", "held"}, {"reason", "order dispute d-1 is open"}});
  SimulatedFlow flow("payout", {{"order_id", "o-1"}});

  const FlowEnd end = flow.answers("OpenPayout", disputed)
                          .answers("Release", {{"state", "held"}, {"reason", "order dispute d-1 is open"}})
                          .answers("Release", {{"state", "listed"}, {"reason", "cleared"}})
                          .answers("Pay", paid())
                          .signal(1h, "payout.release", released())
                          .signal(2h, "payout.release", released())
                          .signal(3h, "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid") << end.error;
  EXPECT_TRUE(end.entered("TakeHold"));
  EXPECT_EQ(end.times("Release"), 2);
}

TEST(Payout, ConfirmationOfADisputedOrderIsRefusedUntilItsRelease) {
  const FlowEnd end = an_open_payout()
                          .answers("Pay", {{"state", "held"}, {"reason", "order dispute d-1 is open"}})
                          .answers("Release", {{"state", "listed"}, {"reason", "cleared"}})
                          .answers("Pay", paid())
                          .signal(1h, "payout.confirm", confirmed("ann"))
                          .signal(2h, "payout.release", released())
                          .signal(3h, "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid") << end.error;
  EXPECT_EQ(end.times("Pay"), 2);
}

TEST(Payout, DisputeThatSlipsInBeforeTheCommitIsReadAgain) {
  Json disputed = listed();
  disputed.update({{"state", "held"}, {"reason", "order dispute d-1 is open"}});

  const FlowEnd end = an_open_payout()
                          .fails("Pay", "Backend.InvalidData")
                          .answers("OpenPayout", disputed)
                          .answers("Release", {{"state", "listed"}, {"reason", "cleared"}})
                          .answers("Pay", paid())
                          .signal(1h, "payout.confirm", confirmed("ann"))
                          .signal(2h, "payout.release", released())
                          .signal(3h, "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid") << end.error;
}

TEST(Payout, MeaninglessConfirmationPaysNothing) {
  const FlowEnd end = a_payout()
                          .signal(1h, "payout.confirm", nullptr)
                          .signal(2h, "payout.confirm", {{"outcome", "confirm"}})
                          .signal(3h, "payout.confirm", confirmed("ann"))
                          .run();

  EXPECT_EQ(end.output["status"], "paid") << end.error;
  EXPECT_EQ(end.times("Pay"), 1);
  EXPECT_EQ(end.took, 3h);
}

SimulatedFlow a_reversal(Json payout) {
  SimulatedFlow flow("payout-reversal", {{"order_id", "o-1"}, {"requested_by", "ann"}, {"reason", "wrong account"}});
  flow.answers("FindPayout", std::move(payout));
  return flow;
}

Json found(const std::string& state, int paid_minor = 8100) {
  return {{"state", state},           {"round", 1},      {"key", "o-1"},       {"vendor", "v-1"},
          {"paid_minor", paid_minor}, {"next_round", 2}, {"next_key", "o-1/2"}};
}

TEST(PayoutReversal, TakesThePayoutBackAndOpensANewOne) {
  const FlowEnd end = a_reversal(found("paid"))
                          .answers("Reverse", {{"reversed", true}, {"state", "reversed"}})
                          .answers("StartNextPayout", {{"run_id", "r-2"}})
                          .run();

  EXPECT_EQ(end.output["status"], "reversed") << end.error;
  EXPECT_EQ(end.output["reversed_minor"], 8100);
  EXPECT_EQ(end.output["payout_key"], "o-1/2");
  EXPECT_EQ(end.input_of("StartNextPayout")["round"], 2);
}

TEST(PayoutReversal, WhatIsNotPaidIsRefused) {
  const FlowEnd end = a_reversal(found("listed")).run();

  EXPECT_EQ(end.output["status"], "refused");
  EXPECT_EQ(end.output["reason"], "the payout is listed");
}

TEST(PayoutReversal, OfTwoAtTheSameTimeOneIsRefused) {
  const FlowEnd end = a_reversal(found("paid")).answers("Reverse", {{"reversed", false}, {"state", "reversed"}}).run();

  EXPECT_EQ(end.output["status"], "refused");
  EXPECT_FALSE(end.entered("StartNextPayout"));
}

TEST(PayoutReversal, LargeAmountNeedsASecondPerson) {
  const Json by_ann = {{"outcome", "reverse"}, {"confirmed_by", "ann"}, {"reason", "wrong account"}};
  Json by_bob = by_ann;
  by_bob["confirmed_by"] = "bob";

  const FlowEnd end = a_reversal(found("paid", 600'000))
                          .answers("Reverse", {{"reversed", true}, {"state", "reversed"}})
                          .answers("StartNextPayout", {{"run_id", "r-2"}})
                          .signal(1h, "payout.reversal", by_ann)
                          .signal(2h, "payout.reversal", by_bob)
                          .run();

  EXPECT_EQ(end.output["status"], "reversed") << end.error;
  EXPECT_EQ(end.input_of("Reverse")["second_by"], "bob");
  EXPECT_EQ(end.took, 2h);
}

TEST(PayoutReversal, UnknownOrderIsRefused) {
  SimulatedFlow flow("payout-reversal", {{"order_id", "o-9"}, {"requested_by", "ann"}, {"reason", "wrong account"}});

  const FlowEnd end = flow.fails("FindPayout", "Backend.NotFound").run();

  EXPECT_EQ(end.output["reason"], "the order has no payout");
}

SimulatedFlow a_complaint() {
  return {"order-dispute",
          {{"order_id", "o-1"}, {"dispute_id", "d-1"}, {"opened_by", "b-1"}, {"reason", "the cup is broken"}}};
}

TEST(OrderDispute, RemindsAtHalfTimeAndNineTenthsAndNeverDecidesByItself) {
  const FlowEnd end =
      a_complaint()
          .answers("OpenDispute", {{"status", "opened"}, {"payout_held", true}})
          .always("Remind", {{"added", true}})
          .answers("CloseDispute", {{"state", "dismissed"}})
          .signal(Days(1), "order.dispute", {{"outcome", "perhaps"}, {"decided_by", "ann"}, {"reason", "?"}})
          .signal(Days(30), "order.dispute", {{"outcome", "dismissed"}, {"decided_by", "ann"}, {"reason", "a photo"}})
          .run();

  EXPECT_EQ(end.output, Json({{"status", "dismissed"}, {"order_id", "o-1"}})) << end.error;
  EXPECT_EQ(end.times("Remind"), 2);
  EXPECT_EQ(end.took, Days(30));
}

TEST(OrderDispute, SecondOneOfAnOrderIsRefused) {
  const FlowEnd end = a_complaint().answers("OpenDispute", {{"status", "already_open"}}).run();

  EXPECT_EQ(end.output["status"], "refused");
  EXPECT_EQ(end.output["reason"], "already_open");
}

}  // namespace
}  // namespace orchestrator::flows
