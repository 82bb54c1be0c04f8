#include <gtest/gtest.h>

#include "flows_simulation.hpp"

namespace orchestrator::flows {
namespace {

Json purchase(int attempt = 1) {
  return {{"order_id", "ord-1"}, {"attempt", attempt}, {"plan", "starter"}, {"amount_minor", 49900}};
}

SimulatedFlow a_journey(const std::string& profile_status = "needs_payment") {
  SimulatedFlow flow("journey", {{"user_id", "u-1"}, {"email", "u@example.com"}});
  for (const char* state : {"EnterProfile", "CloseBlocked", "EnterPayment", "NotePayment", "NotePaymentFailure",
                            "FallDormant", "EnterOnboarding", "FallDormantInOnboarding", "EnterFinalizing",
                            "BecomeActive", "NoteOnboardingFailure", "NoteFinalizeFailure"}) {
    flow.always(state, {{"stage", state}});
  }
  flow.always("RemindOfPurchase", {{"added", true}})
      .always("EnsureProfile", {{"status", profile_status}, {"workspace_id", "ws-1"}, {"plan", nullptr}});
  return flow;
}

Json submitted() { return {{"status", "submitted"}, {"submission_version", 1}}; }
Json finalized() { return {{"status", "finalized"}, {"version", 1}}; }

TEST(Journey, LeadsFromSignUpToTheDashboard) {
  const FlowEnd end = a_journey()
                          .answers("PayPlan", {{"status", "active"}})
                          .answers("Onboard", submitted())
                          .answers("Finalize", finalized())
                          .signal(1h, "journey.purchase", purchase())
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "active"}, {"user_id", "u-1"}, {"workspace_id", "ws-1"}})) << end.error;
  EXPECT_EQ(end.input_of("PayPlan")["merchant_order_id"], "ord-1-1");
  EXPECT_EQ(end.input_of("Finalize")["run_key"], "ws-1:1");
}

TEST(Journey, FailedPaymentLeavesTheStageOpenForAnotherAttempt) {
  const FlowEnd end = a_journey()
                          .answers("PayPlan", {{"status", "failed"}})
                          .answers("PayPlan", {{"status", "active"}})
                          .answers("Onboard", submitted())
                          .answers("Finalize", finalized())
                          .signal(1h, "journey.purchase", purchase())
                          .signal(2h, "journey.purchase", purchase(2))
                          .run();

  EXPECT_EQ(end.output["status"], "active");
  EXPECT_EQ(end.times("NotePayment"), 1);
  EXPECT_EQ(end.input_of("PayPlan")["merchant_order_id"], "ord-1-2");
}

TEST(Journey, RemindsThreeTimesThenFallsDormantAndWakesAgain) {
  const FlowEnd end = a_journey()
                          .answers("PayPlan", {{"status", "active"}})
                          .answers("Onboard", submitted())
                          .answers("Finalize", finalized())
                          .signal(Days(50), "journey.seen", nullptr)
                          .signal(Days(51), "journey.purchase", purchase())
                          .run();

  EXPECT_EQ(end.output["status"], "active");
  // Days 1, 3 and 7, dormant at day 30, and on day 51 the first reminder after waking, which comes a day after it.
  EXPECT_EQ(end.times("FallDormant"), 1);
  EXPECT_GE(end.times("RemindOfPurchase"), 3);
}

TEST(Journey, PaidUserResumesAtOnboarding) {
  const FlowEnd end =
      a_journey("needs_onboarding").answers("Onboard", submitted()).answers("Finalize", finalized()).run();

  EXPECT_EQ(end.output["status"], "active");
  EXPECT_FALSE(end.entered("PayPlan"));
}

TEST(Journey, InvalidAnswersOpenAnotherRoundOfOnboarding) {
  const FlowEnd end = a_journey("needs_onboarding")
                          .answers("Onboard", submitted())
                          .answers("Onboard", {{"status", "submitted"}, {"submission_version", 2}})
                          .answers("Finalize", {{"status", "invalid"}})
                          .answers("Finalize", finalized())
                          .run();

  EXPECT_EQ(end.output["status"], "active");
  EXPECT_EQ(end.input_of("Onboard")["run_key"], "ws-1:2");
}

TEST(Journey, AbandonedOnboardingSleepsUntilTheUserReturns) {
  const FlowEnd end = a_journey("needs_onboarding")
                          .answers("Onboard", {{"status", "abandoned"}})
                          .answers("Onboard", submitted())
                          .answers("Finalize", finalized())
                          .signal(Days(90), "journey.seen", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "active");
  EXPECT_EQ(end.took, Days(90));
}

TEST(Journey, BlockedUserEndsThere) {
  const FlowEnd end = a_journey("blocked").run();

  EXPECT_EQ(end.output, Json({{"status", "closed"}, {"user_id", "u-1"}}));
}

SimulatedFlow a_session() {
  SimulatedFlow flow("onboarding", {{"workspace_id", "ws-1"}, {"user_id", "u-1"}});
  flow.always("OpenSession", {{"state", "draft"}, {"submission_version", 0}})
      .always("NudgeFirst", {{"added", true}})
      .always("NudgeAgain", {{"added", true}})
      .always("Abandon", {{"abandoned", true}})
      .always("Submit", {{"state", "submitted"}, {"submission_version", 1}});
  return flow;
}

TEST(Onboarding, IdleSessionIsNudgedTwiceAndAbandonedAfterAWeek) {
  const FlowEnd end = a_session().run();

  EXPECT_EQ(end.output["status"], "abandoned") << end.error;
  EXPECT_EQ(end.times("NudgeFirst"), 1);
  EXPECT_EQ(end.times("NudgeAgain"), 1);
  EXPECT_EQ(end.took, Days(7));
}

TEST(Onboarding, EveryTouchRenewsTheLifetime) {
  const FlowEnd end = a_session().signal(Days(6), "onboarding.touched", nullptr).run();

  EXPECT_EQ(end.output["status"], "abandoned");
  EXPECT_EQ(end.took, Days(13));
}

TEST(Onboarding, SubmissionEndsIt) {
  const FlowEnd end = a_session().signal(2h, "onboarding.submitted", {{"answers", {{"business_name", "Tea"}}}}).run();

  EXPECT_EQ(end.output, Json({{"status", "submitted"}, {"workspace_id", "ws-1"}, {"submission_version", 1}}));
}

TEST(Onboarding, SubmissionWithoutAnswersIsATouch) {
  const FlowEnd end = a_session().signal(Days(6), "onboarding.submitted", nullptr).run();

  EXPECT_EQ(end.output["status"], "abandoned");
  EXPECT_EQ(end.took, Days(13));
}

SimulatedFlow a_finalisation(const Json& loaded) {
  SimulatedFlow flow("finalize", {{"workspace_id", "ws-1"}, {"submission_version", 1}});
  flow.answers("LoadSubmission", loaded)
      .always("Reopen", {{"reopened", true}})
      .always("BuildContext", {{"business", {{"name", "Tea"}}}})
      .always("StoreTiers", {{"tier_count", 3}})
      .always("ClearSession", {{"cleared", true}});
  return flow;
}

Json valid() { return {{"verdict", "valid"}, {"answers", {{"business_name", "Tea"}}}}; }

TEST(Finalize, StoresWhatTheModelSummedUp) {
  const FlowEnd end = a_finalisation(valid())
                          .answers("ReduceByModel", {{"manifest", {{"summary", "x"}}}, {"degraded", false}})
                          .answers("Persist", {{"version", 3}, {"checksum", "abc"}, {"degraded", false}})
                          .run();

  EXPECT_EQ(end.output, Json({{"status", "finalized"}, {"version", 3}, {"checksum", "abc"}})) << end.error;
}

TEST(Finalize, SilentModelIsReplacedByTheRuleAfterThreeSeconds) {
  SimulatedFlow flow = a_finalisation(valid());

  const FlowEnd end = flow.fails("ReduceByModel", "States.Timeout")
                          .answers("ReduceLocally", {{"manifest", {{"summary", "x"}}}, {"degraded", true}})
                          .answers("Persist", {{"version", 1}, {"checksum", "abc"}, {"degraded", true}})
                          .run();

  EXPECT_EQ(end.output["status"], "degraded");
  EXPECT_EQ(end.input_of("Persist")["degraded"], true);
}

TEST(Finalize, InvalidAnswersReopenTheSession) {
  const Json errors = {{{"pointer", "/goals"}, {"code", "missing"}, {"message", "name one to twenty goals"}}};

  const FlowEnd end = a_finalisation({{"verdict", "invalid"}, {"errors", errors}}).run();

  EXPECT_EQ(end.output, Json({{"status", "invalid"}, {"errors", errors}}));
  EXPECT_TRUE(end.entered("Reopen"));
}

TEST(Finalize, SameSubmissionAgainGetsTheStoredVersion) {
  const Json stored = {{"version", 2}, {"checksum", "abc"}, {"degraded", false}};

  const FlowEnd end = a_finalisation({{"verdict", "stored"}, {"stored", stored}}).run();

  EXPECT_EQ(end.output, Json({{"status", "finalized"}, {"version", 2}, {"checksum", "abc"}}));
  EXPECT_FALSE(end.entered("Persist"));
}

TEST(Profile, AnswersWhatIsLeftToDo) {
  SimulatedFlow flow("profile", {{"user_id", "u-1"}, {"email", "u@example.com"}});

  const FlowEnd end =
      flow.answers("EnsureProfile", {{"status", "needs_payment"}, {"workspace_id", "ws-1"}, {"plan", nullptr}}).run();

  EXPECT_EQ(end.output, Json({{"status", "needs_payment"}, {"workspace_id", "ws-1"}, {"plan", nullptr}})) << end.error;
}

TEST(Journey, FailedChildLeavesItsStageOpenUntilTheNextVisit) {
  const FlowEnd end = a_journey("needs_onboarding")
                          .fails("Onboard", "States.TaskFailed")
                          .answers("Onboard", submitted())
                          .fails("Finalize", "States.TaskFailed")
                          .answers("Finalize", finalized())
                          .signal(1h, "journey.seen", nullptr)
                          .signal(2h, "journey.seen", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "active") << end.error;
  EXPECT_EQ(end.input_of("NoteFinalizeFailure")["stage"], "finalizing");
  EXPECT_EQ(end.times("Onboard"), 2);
  EXPECT_EQ(end.times("Finalize"), 2);
}

TEST(Journey, FailedProfileIsTriedAgainAtTheNextVisit) {
  SimulatedFlow flow("journey", {{"user_id", "u-1"}, {"email", "u@example.com"}});

  const FlowEnd end = flow.answers("EnterProfile", {{"stage", "profile"}})
                          .fails("EnsureProfile", "States.TaskFailed")
                          .answers("NoteProfileFailure", {{"stage", "profile"}})
                          .answers("EnsureProfile", {{"status", "ready"}, {"workspace_id", "ws-1"}})
                          .answers("BecomeActive", {{"stage", "active"}})
                          .signal(1h, "journey.seen", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "active") << end.error;
}

TEST(Journey, VisitFindsAPaymentThatArrivedLate) {
  SimulatedFlow flow("journey", {{"user_id", "u-1"}, {"email", "u@example.com"}});
  for (const char* state : {"EnterProfile", "EnterPayment", "EnterOnboarding", "EnterFinalizing", "BecomeActive"}) {
    flow.always(state, {{"stage", state}});
  }

  const FlowEnd end = flow.answers("EnsureProfile", {{"status", "needs_payment"}, {"workspace_id", "ws-1"}})
                          .answers("EnsureProfile", {{"status", "needs_onboarding"}, {"workspace_id", "ws-1"}})
                          .answers("Onboard", submitted())
                          .answers("Finalize", finalized())
                          .signal(2h, "journey.seen", nullptr)
                          .run();

  EXPECT_EQ(end.output["status"], "active") << end.error;
  EXPECT_EQ(end.took, 2h);
}

}  // namespace
}  // namespace orchestrator::flows
