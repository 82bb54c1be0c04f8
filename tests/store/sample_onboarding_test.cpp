#include <gtest/gtest.h>

#include "handlers/sample_manifest.hpp"
#include "sample_step.hpp"

namespace orchestrator::samples {
namespace {

const Json kAnswers = {{"business_name", "Tea"}, {"industry", "retail"}, {"goals", {"sell"}}};

/// A user with a workspace.
class SampleSignUp : public testing::Test {
 protected:
  void SetUp() override { profile_ = backend_.output("profile.ensure", {{"user_id", "u-1"}, {"email", "u@x"}}, "p/1"); }

  Json create_payment(const std::string& id) {
    return backend_.output("plan_payment.create",
                           {{"merchant_order_id", id},
                            {"order_id", "ord"},
                            {"workspace_id", "ws-u-1"},
                            {"plan", "starter"},
                            {"amount_minor", 49900}},
                           id + "/create");
  }
  Json activate(const std::string& id, const std::string& key) {
    return backend_.output("plan_payment.activate", {{"merchant_order_id", id}, {"late", false}}, key);
  }
  Json persist(const std::string& key) {
    return backend_.output("bcm.persist",
                           {{"workspace_id", "ws-u-1"},
                            {"submission_version", 1},
                            {"manifest", build_business_context("ws-u-1", kAnswers)},
                            {"degraded", false}},
                           key);
  }

  SampleBackend backend_;
  Json profile_;
};

TEST_F(SampleSignUp, ProfileIsMadeOnceAndSaysWhatIsLeft) {
  const Json again = backend_.output("profile.ensure", {{"user_id", "u-1"}, {"email", "new@x"}}, "p/2");

  EXPECT_EQ(profile_, Json({{"workspace_id", "ws-u-1"}, {"plan", nullptr}, {"status", "needs_payment"}}));
  EXPECT_EQ(again, profile_);
  EXPECT_EQ(backend_.query("select count(*) from backend.outbox where type = 'workspace.created'"), "1");
}

TEST_F(SampleSignUp, PaymentMustFitThePlan) {
  const Json refused = backend_.output("plan_payment.create",
                                       {{"merchant_order_id", "o-1"},
                                        {"order_id", "o"},
                                        {"workspace_id", "ws-u-1"},
                                        {"plan", "starter"},
                                        {"amount_minor", 100}},
                                       "k");

  EXPECT_EQ(refused["status"], "plan_mismatch");
}

TEST_F(SampleSignUp, ActivatesOncePerPaymentAndRefundsTheSecondPayment) {
  create_payment("o-1");
  create_payment("o-2");

  EXPECT_EQ(activate("o-1", "a/1")["status"], "active");
  EXPECT_EQ(activate("o-1", "a/2")["status"], "active");
  EXPECT_EQ(activate("o-2", "b/1")["status"], "refund_due");
  EXPECT_EQ(backend_.output("plan_payment.refund", {{"merchant_order_id", "o-2"}}, "b/r")["refunded"], true);
  EXPECT_EQ(backend_.query("select balance_minor from backend.balances where account = 'plan:ws-u-1'"), "49900");
  EXPECT_EQ(backend_.violations(), Json::array());
}

TEST_F(SampleSignUp, SweepAbandonsOrphanedDraftsOnceAndKeepsTheirSnapshot) {
  const Json settings = {{"batch_size", 500}, {"lifetime_seconds", 604800}, {"grace_seconds", 3600}};
  backend_.output("onboarding.open", {{"workspace_id", "ws-u-1"}}, "s/open");
  backend_.output("onboarding.save", {{"workspace_id", "ws-u-1"}, {"version", 1}, {"answers", {{"industry", "tea"}}}},
                  "s/save");

  const Json fresh = backend_.output("onboarding.sweep", settings, "sw/1");
  backend_.database().execute("update backend.onboarding_sessions set touched_at = now() - interval '8 days'");
  const Json swept = backend_.output("onboarding.sweep", settings, "sw/2");
  const Json again = backend_.output("onboarding.sweep", settings, "sw/3");
  backend_.output("onboarding.open", {{"workspace_id", "ws-u-1"}}, "s/again");

  EXPECT_EQ(fresh["abandoned_count"], 0);
  EXPECT_EQ(swept["abandoned"], Json::array({"ws-u-1"}));
  EXPECT_EQ(again["abandoned_count"], 0);
  EXPECT_EQ(again["cleared_count"], 0);
  EXPECT_EQ(backend_.query("select answers ->> 'industry' from backend.onboarding_sessions"), "tea");
  EXPECT_EQ(backend_.query("select onboarding_state from backend.workspaces"), "draft");
}

TEST_F(SampleSignUp, SweepClearsWhatAFinishedSessionLeftBehind) {
  backend_.output("onboarding.open", {{"workspace_id", "ws-u-1"}}, "s/open");
  backend_.database().execute(
      "update backend.onboarding_sessions "
      "set state = 'finalized', answers = '{\"a\": 1}', touched_at = now() - interval '2 hours'");

  const Json swept = backend_.output(
      "onboarding.sweep", {{"batch_size", 500}, {"lifetime_seconds", 604800}, {"grace_seconds", 3600}}, "sw/1");

  EXPECT_EQ(swept["cleared"], Json::array({"ws-u-1"}));
  EXPECT_EQ(backend_.query("select answers::text from backend.onboarding_sessions"), "{}");
}

TEST_F(SampleSignUp, SameSubmissionTwiceGivesOneManifestVersion) {
  backend_.output("onboarding.open", {{"workspace_id", "ws-u-1"}}, "s/open");
  const Json submitted =
      backend_.output("onboarding.submit", {{"workspace_id", "ws-u-1"}, {"answers", kAnswers}}, "s/1");
  const Json loaded =
      backend_.output("onboarding.load", {{"workspace_id", "ws-u-1"}, {"submission_version", 1}}, "f/load");

  const Json first = persist("f/persist");
  const Json second = persist("f2/persist");

  EXPECT_EQ(submitted["submission_version"], 1);
  EXPECT_EQ(loaded["verdict"], "valid");
  EXPECT_EQ(first["version"], 1);
  EXPECT_EQ(first, second);
  EXPECT_EQ(
      backend_.output("onboarding.load", {{"workspace_id", "ws-u-1"}, {"submission_version", 1}}, "f/l2")["verdict"],
      "stored");
  EXPECT_EQ(backend_.query("select onboarding_state || current_manifest from backend.workspaces"), "finalized1");
}

TEST_F(SampleSignUp, ManifestCannotBeChangedOrStoredWithAnotherChecksum) {
  persist("f/persist");

  EXPECT_TRUE(backend_.refuses("update backend.manifests set body = 'x'"));
  EXPECT_TRUE(
      backend_.refuses("insert into backend.manifests (namespace, workspace_id, version, submission_version, "
                       "checksum, body, is_degraded) values ('default', 'ws-u-1', 2, 2, repeat('0', 64), 'x', false)"));
}

TEST_F(SampleSignUp, AutosaveFromAnOlderVersionIsRefused) {
  backend_.output("onboarding.open", {{"workspace_id", "ws-u-1"}}, "s/open");
  const Json save = {{"workspace_id", "ws-u-1"}, {"version", 1}, {"answers", {{"industry", "retail"}}}};

  EXPECT_EQ(backend_.output("onboarding.save", save, "s/1"), Json({{"saved", true}, {"version", 2}}));
  EXPECT_EQ(backend_.output("onboarding.save", save, "s/2"), Json({{"saved", false}, {"version", 2}}));
}

TEST_F(SampleSignUp, AbandonedSessionResumesFromItsSnapshot) {
  backend_.output("onboarding.open", {{"workspace_id", "ws-u-1"}}, "s/open");
  backend_.output("onboarding.save", {{"workspace_id", "ws-u-1"}, {"version", 1}, {"answers", kAnswers}}, "s/1");
  backend_.output("onboarding.abandon", {{"workspace_id", "ws-u-1"}}, "s/abandon");

  const Json resumed = backend_.output("onboarding.open", {{"workspace_id", "ws-u-1"}}, "s2/open");

  EXPECT_EQ(resumed["state"], "draft");
  EXPECT_EQ(backend_.query("select answers ->> 'business_name' from backend.onboarding_sessions"), "Tea");
}

TEST(SampleManifest, NamesEveryFaultOfTheAnswers) {
  const auto faults = check_answers({{"business_name", ""}, {"goals", {1}}});

  ASSERT_EQ(faults.size(), 3U);
  EXPECT_EQ(faults[0].pointer, "/business_name");
  EXPECT_EQ(faults[1].pointer, "/industry");
  EXPECT_EQ(faults[2].pointer, "/goals/0");
}

}  // namespace
}  // namespace orchestrator::samples
