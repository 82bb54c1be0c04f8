#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

constexpr const char* kKey = "payfast:dp-1";

/// A dispute that is due ten days after it begins.
SimulatedFlow a_dispute(Json config = Json::object(), bool evidence_complete = true) {
  SimulatedFlow flow("wallet-dispute", {{"provider", "payfast"},
                                        {"dispute_id", "dp-1"},
                                        {"m_payment_id", "pay-1"},
                                        {"amount_minor", 15000},
                                        {"fee_minor", 1500},
                                        {"currency", "ZAR"},
                                        {"due_by", "2026-01-11T00:00:00Z"},
                                        {"config", std::move(config)}});
  flow.always("OpenDispute", {{"status", "opened"}, {"user_id", "u-1"}})
      .always("CollectEvidence", {{"evidence_hash", "abc"}, {"round", 1}, {"complete", evidence_complete}})
      .always("Debit", {{"moved", true}, {"user_id", "u-1"}, {"balance_minor", -1500}})
      .always("TellOwner", {{"added", true}})
      .always("Reinstate", {{"moved", true}, {"user_id", "u-1"}, {"balance_minor", 13500}})
      .always("NoteAnswer", {{"noted", true}})
      .always("NoteDefault", {{"noted", true}})
      .always("NoteSubmission", {{"noted", true}})
      .always("RemindFirst", {{"added", true}})
      .always("RemindAgain", {{"added", true}})
      .always("AskForVerdict", {{"added", true}})
      .always("NextRound", {{"round", 2}})
      .always("TakeMoney", {{"moved", false}, {"balance_minor", -1500}})
      .always("GiveBack", {{"moved", true}, {"balance_minor", 13500}})
      .always("StartRecovery", {{"run_id", "r-1"}});
  return flow;
}

SimulatedFlow& sendable(SimulatedFlow& flow) { return flow.always("SubmitEvidence", {{"id", "mail-1"}}); }

Json wallet(int balance) { return {{"balance_minor", balance}, {"negative", balance < 0}}; }
Json settled(const std::string& state) { return {{"state", state}, {"user_id", "u-1"}, {"balance_minor", -1500}}; }
Json answer(const std::string& outcome) { return {{"outcome", outcome}, {"reason", "as the file says"}}; }

TEST(WalletDispute, ContestedAndWonGivesTheMoneyBack) {
  auto flow = a_dispute();

  const FlowEnd end = sendable(flow)
                          .answers("Settle", settled("won"))
                          .signal(1h, "dispute.funds_withdrawn", nullptr)
                          .signal(Days(1), "dispute.answer", answer("contest"))
                          .signal(Days(40), "dispute.closed", {{"outcome", "won"}})
                          .run();

  EXPECT_EQ(end.output["status"], "won") << end.error;
  EXPECT_TRUE(end.entered("TellOwner"));
  EXPECT_TRUE(end.entered("GiveBack"));
  EXPECT_EQ(end.input_of("SubmitEvidence")["key"], std::string(kKey) + "/evidence/1");
  EXPECT_EQ(end.input_of("Settle")["outcome"], "won");
}

TEST(WalletDispute, LostTakesTheMoneyEvenWhenNobodySaidItWasWithdrawn) {
  auto flow = a_dispute();

  const FlowEnd end = sendable(flow)
                          .answers("Settle", settled("lost"))
                          .signal(Days(1), "dispute.answer", answer("contest"))
                          .signal(Days(40), "dispute.closed", {{"outcome", "lost"}})
                          .run();

  EXPECT_EQ(end.output["status"], "lost");
  EXPECT_TRUE(end.entered("TakeMoney"));
  EXPECT_FALSE(end.entered("SubmitEvidence") && end.times("SubmitEvidence") != 1);
}

TEST(WalletDispute, AcceptedByAPersonNeverSubmitsEvidence) {
  const FlowEnd end =
      a_dispute().answers("Settle", settled("accepted")).signal(Days(1), "dispute.answer", answer("accept")).run();

  EXPECT_EQ(end.output["status"], "accepted");
  EXPECT_EQ(end.took, Days(1));
  EXPECT_FALSE(end.entered("SubmitEvidence"));
}

TEST(WalletDispute, RemindsTwiceAndContestsHalfADayBeforeTheDeadline) {
  auto flow = a_dispute();

  const FlowEnd end =
      sendable(flow).answers("Settle", settled("won")).signal(Days(60), "dispute.closed", {{"outcome", "won"}}).run();

  EXPECT_EQ(end.output["status"], "won");
  EXPECT_EQ(end.times("RemindFirst"), 1);
  EXPECT_EQ(end.times("RemindAgain"), 1);
  EXPECT_EQ(end.times("NoteDefault"), 1);
}

TEST(WalletDispute, WithoutCompleteEvidenceSilenceLosesByDefault) {
  const FlowEnd end = a_dispute(Json::object(), false).answers("Settle", settled("expired")).run();

  EXPECT_EQ(end.output["status"], "expired");
  EXPECT_EQ(end.took, Days(10) - 12h);
  EXPECT_FALSE(end.entered("SubmitEvidence"));
}

TEST(WalletDispute, SecondStageIsANewRound) {
  auto flow = a_dispute();

  const FlowEnd end =
      sendable(flow)
          .answers("Settle", settled("won"))
          .signal(Days(1), "dispute.answer", answer("contest"))
          .signal(Days(20), "dispute.updated", {{"stage", "pre_arbitration"}, {"due_by", "2026-02-10T00:00:00Z"}})
          .signal(Days(21), "dispute.answer", answer("contest"))
          .signal(Days(50), "dispute.closed", {{"outcome", "won"}})
          .run();

  EXPECT_EQ(end.output["status"], "won");
  EXPECT_EQ(end.times("CollectEvidence"), 2);
  EXPECT_EQ(end.times("SubmitEvidence"), 2);
}

TEST(WalletDispute, ClosedAtOnceOpensAndClosesInOnePass) {
  const FlowEnd end = a_dispute()
                          .answers("Settle", settled("withdrawn"))
                          .signal(0s, "dispute.closed", {{"outcome", "withdrawn"}})
                          .run();

  EXPECT_EQ(end.output["status"], "withdrawn");
  EXPECT_EQ(end.took, 0s);
}

TEST(WalletDispute, FundsComeAndGoWhileItIsOpen) {
  auto flow = a_dispute();

  const FlowEnd end = sendable(flow)
                          .answers("Settle", settled("won"))
                          .signal(1h, "dispute.funds_withdrawn", nullptr)
                          .signal(2h, "dispute.answer", answer("contest"))
                          .signal(3h, "dispute.funds_reinstated", nullptr)
                          .signal(4h, "dispute.updated", {{"stage", "under_review"}})
                          .signal(5h, "dispute.closed", {{"outcome", "won"}})
                          .run();

  EXPECT_EQ(end.output["status"], "won");
  EXPECT_EQ(end.times("Debit"), 1);
  EXPECT_EQ(end.times("Reinstate"), 1);
}

TEST(WalletDispute, UnknownPaymentIsNamedByAPerson) {
  SimulatedFlow flow("wallet-dispute", {{"provider", "payfast"},
                                        {"dispute_id", "dp-1"},
                                        {"m_payment_id", "nobody-knows"},
                                        {"amount_minor", 15000},
                                        {"fee_minor", 0},
                                        {"currency", "ZAR"}});

  const FlowEnd end = flow.answers("OpenDispute", {{"status", "payment_not_found"}})
                          .answers("OpenDispute", {{"status", "opened"}})
                          .answers("CollectEvidence", {{"evidence_hash", "abc"}, {"round", 1}, {"complete", true}})
                          .answers("NoteAnswer", {{"noted", true}})
                          .answers("TakeMoney", {{"moved", true}})
                          .answers("Settle", settled("accepted"))
                          .answers("StartRecovery", {{"run_id", "r-1"}})
                          .signal(1h, "dispute.payment", {{"m_payment_id", "pay-1"}, {"reason", "found it"}})
                          .signal(2h, "dispute.answer", answer("accept"))
                          .run();

  EXPECT_EQ(end.output["status"], "accepted") << end.error;
  EXPECT_EQ(end.input_of("OpenDispute")["m_payment_id"], "pay-1");
  // The provider named no deadline: seven days of ours.
  EXPECT_EQ(end.input_of("OpenDispute")["due_by"], "2026-01-08T00:00:00.000Z");
}

TEST(WalletDispute, EvidenceThatCannotBeSentBecomesAnUrgentTask) {
  auto flow = a_dispute();

  const FlowEnd end = flow.fails("SubmitEvidence", "Provider.Refused")
                          .answers("Settle", settled("won"))
                          .signal(1h, "dispute.answer", answer("contest"))
                          .signal(2h, "dispute.submitted", {{"reason", "by fax"}})
                          .signal(Days(9), "dispute.closed", {{"outcome", "won"}})
                          .run();

  EXPECT_EQ(end.output["status"], "won");
  EXPECT_TRUE(end.entered("AwaitSubmission"));
}

TEST(WalletDispute, VerdictThatNeverComesIsAskedForAfterItsWatch) {
  auto flow = a_dispute();

  const FlowEnd end = sendable(flow)
                          .answers("Settle", settled("lost"))
                          .signal(1h, "dispute.answer", answer("contest"))
                          .signal(Days(130), "dispute.verdict", {{"outcome", "lost"}, {"reason", "their letter"}})
                          .run();

  EXPECT_EQ(end.output["status"], "lost");
  EXPECT_EQ(end.times("AskForVerdict"), 1);
}

TEST(WalletDispute, RefundMadeBeforeIsContestedWithItsProofAtOnce) {
  SimulatedFlow flow("wallet-dispute", {{"provider", "payfast"},
                                        {"dispute_id", "dp-1"},
                                        {"m_payment_id", "pay-1"},
                                        {"amount_minor", 15000},
                                        {"fee_minor", 0},
                                        {"currency", "ZAR"},
                                        {"due_by", "2026-01-11T00:00:00Z"},
                                        {"config", {{"default_action", "lapse"}}}});
  const Json evidence = {{"evidence_hash", "abc"}, {"round", 1}, {"complete", true}, {"refunded", true}};

  const FlowEnd end = flow.answers("OpenDispute", {{"status", "opened"}})
                          .answers("CollectEvidence", evidence)
                          .answers("NoteRefundProof", {{"noted", true}})
                          .answers("SubmitEvidence", {{"id", "mail-1"}})
                          .answers("NoteSubmission", {{"noted", true}})
                          .answers("GiveBack", {{"moved", false}})
                          .answers("Settle", {{"state", "won"}, {"user_id", "u-1"}, {"balance_minor", 0}})
                          .signal(Days(5), "dispute.closed", {{"outcome", "won"}})
                          .run();

  EXPECT_EQ(end.output["status"], "won") << end.error;
  EXPECT_FALSE(end.entered("AwaitAnswer"));
  EXPECT_EQ(end.input_of("NoteRefundProof")["detail"], evidence);
}

SimulatedFlow a_debt() {
  SimulatedFlow flow("negative-balance", {{"user_id", "u-1"}});
  flow.always("Notify", {{"added", true}}).answers("ShutFeatures", wallet(-1500));
  return flow;
}

TEST(NegativeBalance, FiveNoticesOverAMonthThenAPersonDecides) {
  const FlowEnd end = a_debt()
                          .always("LookBeforeNotice", wallet(-1500))
                          .signal(Days(70), "negbal.outcome",
                                  {{"outcome", "collections"}, {"decided_by", "ann"}, {"reason", "no answer"}})
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "escalated"}, {"user_id", "u-1"}, {"balance_minor", -1500}})) << end.error;
  EXPECT_EQ(end.times("Notify"), 5);
  EXPECT_EQ(end.took, Days(70));
}

TEST(NegativeBalance, TopUpThatCoversTheDebtEndsIt) {
  const FlowEnd end = a_debt()
                          .always("LookBeforeNotice", wallet(-1500))
                          .answers("LookAfterCredit", wallet(-500))
                          .answers("LookAfterCredit", wallet(3500))
                          .signal(Days(4), "ledger.credited", nullptr)
                          .signal(Days(5), "ledger.credited", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "recovered");
  EXPECT_EQ(end.times("Notify"), 2);
}

TEST(NegativeBalance, WritingOffNeedsTwoPeople) {
  const Json by_ann = {{"outcome", "write_off"}, {"decided_by", "ann"}, {"reason", "lost"}};
  Json by_bob = by_ann;
  by_bob["decided_by"] = "bob";

  const FlowEnd end = a_debt()
                          .always("LookBeforeNotice", wallet(-1500))
                          .answers("WriteOff", {{"written_off_minor", 1500}})
                          .answers("OpenFeatures", wallet(0))
                          .signal(Days(70), "negbal.outcome", by_ann)
                          .signal(Days(71), "negbal.second", by_ann)
                          .signal(Days(72), "negbal.second", by_bob)
                          .run();

  EXPECT_EQ(end.output["status"], "written_off");
  EXPECT_EQ(end.took, Days(72));
}

}  // namespace
}  // namespace orchestrator::flows
