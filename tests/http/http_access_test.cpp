// API keys, what they open, and actions that need a second person.
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

class HttpAccess : public ApiServer {
 protected:
  void SetUp() override {
    ApiOptions options;
    options.now = [this] { return now_.load(); };
    start(std::move(options), ServerOptions{});
  }

  /// The key itself.
  std::string make_key(const Json& body) {
    const auto made = call("POST", "/v1/api-keys", dump_json(body));
    EXPECT_EQ(made.status, 201) << made.body;
    return made.status == 201 ? made.json().at("key").get<std::string>() : std::string{};
  }
  std::string make_key(const std::string& name, const std::string& role) {
    return make_key({{"name", name}, {"role", role}, {"namespaces", {"default"}}});
  }
  ClientResponse call_with(const std::string& key, const std::string& method, const std::string& target,
                           const std::string& body = {}, ClientHeaders headers = {}) {
    headers.emplace_back("Authorization", "Bearer " + key);
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    return call_as(method, target, body, headers);
  }
  void set_rules(const Json& rules) {
    const auto set = call("PUT", "/v1/policies", dump_json(Json{{"rules", rules}}));
    ASSERT_EQ(set.status, 200) << set.body;
  }
  RunId a_run(const std::string& workflow = "payout") {
    store::RunView view;
    view.header.namespace_name = "default";
    view.header.workflow = workflow;
    return service_.add_run(std::move(view));
  }
  void move_clock(std::chrono::seconds by) {
    now_ = now_.load() + by;
    service_.access().set_now(now_);
  }

  std::atomic<Timestamp> now_{Timestamp{std::chrono::seconds{1'763'613'000}}};
};

TEST_F(HttpAccess, AKeyIsShownOnceAndOpensWhatItsRoleMay) {
  const auto made = call("POST", "/v1/api-keys", R"({"name":"till","role":"viewer","namespaces":["default","shop"]})");

  ASSERT_EQ(made.status, 201) << made.body;
  const Json key = made.json();
  EXPECT_EQ(key.at("role"), "viewer");
  EXPECT_EQ(key.at("namespaces"), Json({"default", "shop"}));
  EXPECT_TRUE(key.at("expires_at").is_null());
  EXPECT_TRUE(key.at("key").get<std::string>().starts_with(key.at("prefix").get<std::string>()));
  EXPECT_EQ(made.header("location"), "/v1/api-keys/" + key.at("key_id").get<std::string>());
  const std::string secret = key.at("key");
  EXPECT_EQ(call_with(secret, "GET", "/v1/runs").status, 200);
  EXPECT_EQ(call_with(secret, "GET", "/v1/runs", "", {{"Orchestrator-Namespace", "shop"}}).status, 200);
  expect_problem(call_with(secret, "GET", "/v1/runs", "", {{"Orchestrator-Namespace", "other"}}), 403, "forbidden");
  expect_problem(call_with(secret, "POST", "/v1/queues/mail/pause"), 403, "forbidden");
  expect_problem(call_with(secret, "GET", "/v1/audit"), 403, "forbidden");
  const auto listed = call("GET", "/v1/api-keys");
  EXPECT_EQ(listed.body.find(secret), std::string::npos);
  EXPECT_EQ(listed.json().at("items").at(0).at("name"), "till");
}

TEST_F(HttpAccess, ARevokedExpiredOrUnknownKeyIsNobody) {
  const auto made = call("POST", "/v1/api-keys", R"({"name":"till","role":"viewer"})").json();
  const std::string expiring =
      make_key({{"name", "soon"}, {"role", "viewer"}, {"expires_at", to_rfc3339(now_.load() + std::chrono::hours{1})}});
  EXPECT_EQ(call_with(expiring, "GET", "/v1/runs").status, 200);

  const auto revoked = call("DELETE", "/v1/api-keys/" + made.at("key_id").get<std::string>());
  move_clock(std::chrono::hours{1});

  EXPECT_EQ(revoked.status, 204);
  expect_problem(call_with(made.at("key"), "GET", "/v1/runs"), 401, "unauthenticated");
  expect_problem(call_with(expiring, "GET", "/v1/runs"), 401, "unauthenticated");
  expect_problem(call_with("orc_0123456789abcdef", "GET", "/v1/runs"), 401, "unauthenticated");
  expect_problem(call("DELETE", "/v1/api-keys/nobody"), 404, "not-found");
}

TEST_F(HttpAccess, NoKeyReachesFurtherThanItsMaker) {
  const std::string admin = make_key({{"name", "boss"}, {"role", "admin"}, {"namespaces", {"shop"}}});
  make_key("till", "viewer");

  expect_problem(call_with(admin, "POST", "/v1/api-keys", R"({"name":"x","role":"viewer","namespaces":["default"]})"),
                 403, "forbidden");
  expect_problem(call_with(admin, "POST", "/v1/api-keys", R"({"name":"x","role":"viewer","namespaces":["*"]})"), 403,
                 "forbidden");
  const Json items = call_with(admin, "GET", "/v1/api-keys").json().at("items");
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items.at(0).at("name"), "boss");
  const Json all = call("GET", "/v1/api-keys").json().at("items");
  ASSERT_EQ(all.size(), 2U);
  expect_problem(call_with(admin, "DELETE", "/v1/api-keys/" + all.at(0).at("key_id").get<std::string>()), 404,
                 "not-found");
  expect_problem(call_with(admin, "GET", "/v1/audit?all_namespaces=true"), 403, "forbidden");
}

TEST_F(HttpAccess, AKeyOfAllNamespacesMeansDefaultWithoutAHeader) {
  const std::string key = make_key({{"name", "root"}, {"role", "admin"}, {"namespaces", {"*"}}});

  EXPECT_EQ(call_with(key, "GET", "/v1/runs").status, 200);
  EXPECT_EQ(service_.last_filter().namespace_name, "default");
  EXPECT_EQ(call_with(key, "GET", "/v1/runs", "", {{"Orchestrator-Namespace", "shop"}}).status, 200);
  EXPECT_EQ(call_with(key, "GET", "/v1/audit?all_namespaces=true").status, 200);
}

TEST_F(HttpAccess, EveryMemberOfAKeyIsChecked) {
  for (const char* body :
       {R"({"role":"viewer"})", R"({"name":"a b","role":"viewer"})", R"({"name":"a","role":"king"})",
        R"({"name":"a","role":"viewer","namespaces":[]})", R"({"name":"a","role":"viewer","namespaces":["*","shop"]})",
        R"({"name":"a","role":"viewer","namespaces":"shop"})", R"({"name":"a","role":"viewer","scopes":["all"]})",
        R"({"name":"a","role":"viewer","expires_at":"2001-01-01T00:00:00Z"})",
        R"({"name":"a","role":"viewer","key":"mine"})"}) {
    expect_problem(call("POST", "/v1/api-keys", body), 422, "invalid-body");
  }
}

TEST_F(HttpAccess, ScopesNarrowAKeyToVerbsAndQueues) {
  const std::string reader = make_key({{"name", "r"}, {"role", "developer"}, {"scopes", {"verb:read", "verb:cancel"}}});
  const std::string worker = make_key({{"name", "w"}, {"role", "developer"}, {"scopes", {"queue:mail"}}});
  const std::string run = a_run().str();
  service_.add_workflow("send");

  EXPECT_EQ(call_with(reader, "GET", "/v1/runs").status, 200);
  EXPECT_EQ(call_with(reader, "POST", "/v1/runs/" + run + "/cancel", "{}").status, 202);
  expect_problem(call_with(reader, "POST", "/v1/runs/" + run + "/retry", "{}"), 403, "forbidden");
  EXPECT_EQ(call_with(worker, "POST", "/v1/queues/mail/pause").status, 200);
  expect_problem(call_with(worker, "POST", "/v1/queues/other/pause"), 403, "forbidden");
  expect_problem(call_with(worker, "GET", "/v1/runs"), 403, "forbidden");
  EXPECT_EQ(call_with(worker, "POST", "/v1/jobs", R"({"handler":"send","queue":"mail"})").status, 201);
  expect_problem(call_with(worker, "POST", "/v1/jobs", R"({"handler":"send"})"), 403, "forbidden");
  const Json batch =
      call_with(worker, "POST", "/v1/jobs/batch", R"({"jobs":[{"handler":"send"},{"handler":"send","queue":"mail"}]})")
          .json();
  EXPECT_EQ(batch.at("items").at(0).at("error").at("type"), "/problems/forbidden");
  EXPECT_TRUE(batch.at("items").at(1).contains("run_id"));
}

// ---- a second person ---------------------------------------------------------------------------------------------

TEST_F(HttpAccess, AKillWaitsForSomebodyElse) {
  set_rules({{{"action", "run.kill"}}});
  const std::string alice = make_key("alice", "operator");
  const std::string bob = make_key("bob", "operator");
  const std::string run = a_run().str();

  const auto asked = call_with(alice, "POST", "/v1/runs/" + run + "/cancel", R"({"mode":"kill","reason":"stuck"})");
  ASSERT_EQ(asked.status, 202) << asked.body;
  const Json waiting = asked.json();
  EXPECT_EQ(waiting.at("state"), "waiting");
  EXPECT_EQ(waiting.at("action"), "run.kill");
  EXPECT_EQ(waiting.at("target"), run);
  EXPECT_EQ(waiting.at("reason"), "stuck");
  EXPECT_EQ(waiting.at("requested_by"), "alice");
  EXPECT_EQ(waiting.at("request").at("body").at("mode"), "kill");
  EXPECT_TRUE(service_.cancels().empty());

  const std::string path = "/v1/approvals/" + waiting.at("approval_id").get<std::string>();
  expect_problem(call_with(alice, "POST", path + "/approve"), 403, "forbidden");
  const auto approved = call_with(bob, "POST", path + "/approve", R"({"reason":"seen"})");

  ASSERT_EQ(approved.status, 200) << approved.body;
  EXPECT_EQ(approved.json().at("state"), "done");
  EXPECT_EQ(approved.json().at("decided_by"), "bob");
  EXPECT_EQ(approved.json().at("status"), 202);
  EXPECT_EQ(approved.json().at("answer").at("run_id"), run);
  const auto cancels = service_.cancels();
  ASSERT_EQ(cancels.size(), 1U);
  EXPECT_EQ(cancels[0].mode, CancelMode::kill);
  EXPECT_EQ(cancels[0].actor, "alice");
  expect_problem(call_with(bob, "POST", path + "/approve"), 409, "wrong-state");
}

TEST_F(HttpAccess, SomebodyElseIsAnotherNameAndAnotherKey) {
  set_rules({{{"action", "run.kill"}}});
  const std::string alice = make_key("alice", "operator");
  const std::string body = R"({"mode":"kill","reason":"stuck"})";
  const auto ask = [&](const std::string& key) {
    const auto asked = call_with(key, "POST", "/v1/runs/" + a_run().str() + "/cancel", body);
    return "/v1/approvals/" + asked.json().at("approval_id").get<std::string>() + "/approve";
  };

  const std::string by_alice = ask(alice);
  const std::string second_key_of_alice = make_key({{"name", "alice"}, {"role", "admin"}});

  expect_problem(call_with(second_key_of_alice, "POST", by_alice), 403, "forbidden");
  expect_problem(call_with(make_key("eve", "viewer"), "POST", by_alice), 403, "forbidden");
  EXPECT_EQ(call("POST", by_alice).status, 200);
}

TEST_F(HttpAccess, WhatNoRuleSpeaksOfHappensAtOnce) {
  set_rules({{{"action", "run.kill"}, {"workflows", {"payout"}}}});
  const std::string payout = a_run("payout").str();
  const std::string other = a_run("mail").str();
  const std::string kill = R"({"mode":"kill","reason":"stuck"})";

  EXPECT_EQ(call("POST", "/v1/runs/" + payout + "/cancel", R"({"reason":"x"})").json().count("approval_id"), 0U);
  EXPECT_EQ(call("POST", "/v1/runs/" + other + "/cancel", kill).json().count("approval_id"), 0U);
  EXPECT_EQ(call("POST", "/v1/runs/" + payout + "/cancel", kill).json().count("approval_id"), 1U);
  EXPECT_EQ(service_.cancels().size(), 2U);
  expect_problem(call("POST", "/v1/runs/nobody/cancel", kill), 404, "not-found");
  expect_problem(call("POST", "/v1/runs/" + other + "/cancel", R"({"mode":"kill"})"), 422, "invalid-body");
}

TEST_F(HttpAccess, DecisionsAreGuardedByNameHoweverTheyAreAddressed) {
  set_rules({{{"action", "decision.answer"}, {"decisions", {"release"}}, {"approver_role", "admin"}}});
  const std::string run = a_run().str();

  const auto by_run = call("POST", "/v1/runs/" + run + "/signals/release", R"({"ok":true})");
  const auto by_key = call("POST", "/v1/signals/release", R"({"key":"k-1","payload":{"ok":true}})");
  const auto other = call("POST", "/v1/runs/" + run + "/signals/paid", "{}");

  EXPECT_EQ(by_run.json().at("action"), "decision.answer");
  EXPECT_EQ(by_key.json().at("approver_role"), "admin");
  EXPECT_EQ(other.json().count("approval_id"), 0U);
  const std::string path = "/v1/approvals/" + by_run.json().at("approval_id").get<std::string>();
  expect_problem(call_with(make_key("bob", "operator"), "POST", path + "/approve"), 403, "forbidden");
  EXPECT_EQ(call_with(make_key("carol", "admin"), "POST", path + "/approve").status, 200);
  EXPECT_EQ(service_.signals().size(), 2U);
}

TEST_F(HttpAccess, ASignalSentAgainOrElsewhereIsNoWayAroundARule) {
  set_rules({{{"action", "decision.answer"}, {"decisions", {"release"}}}});
  const std::string other =
      call("POST", "/v1/signals/note", R"({"key":"k-1","payload":{"ok":true}})").json().at("signal_id");
  const std::string run = a_run().str();

  const auto moved = call("POST", "/v1/signals/" + other + "/retarget",
                          dump_json({{"name", "release"}, {"run_id", run}, {"reason", "x"}}));
  const auto replayed = call("POST", "/v1/signals/" + other + "/replay", R"({"reason":"x"})");

  EXPECT_EQ(moved.json().at("action"), "decision.answer") << moved.body;
  EXPECT_EQ(replayed.json().count("approval_id"), 0U) << replayed.body;
  ASSERT_EQ(service_.redirected().size(), 1U);
  const std::string path = "/v1/approvals/" + moved.json().at("approval_id").get<std::string>();
  EXPECT_EQ(call_with(make_key("bob", "operator"), "POST", path + "/approve").json().at("state"), "done");
  ASSERT_EQ(service_.redirected().size(), 2U);
  EXPECT_EQ(service_.redirected()[1].name, "release");
}

TEST_F(HttpAccess, ARequestIsRejectedOrRunsOutOfTime) {
  set_rules({{{"action", "run.kill"}, {"expires_in_seconds", 60}}});
  const std::string bob = make_key("bob", "operator");
  const auto ask = [&] {
    const auto asked = call("POST", "/v1/runs/" + a_run().str() + "/cancel", R"({"mode":"kill","reason":"stuck"})");
    return "/v1/approvals/" + asked.json().at("approval_id").get<std::string>();
  };
  const std::string first = ask();
  const std::string second = ask();

  const auto rejected = call_with(bob, "POST", first + "/reject", R"({"reason":"no"})");
  EXPECT_EQ(rejected.json().at("state"), "rejected");
  expect_problem(call_with(bob, "POST", first + "/approve"), 409, "wrong-state");
  EXPECT_EQ(call("GET", "/v1/approvals?state=waiting").json().at("items").size(), 1U);
  move_clock(std::chrono::seconds{60});
  EXPECT_EQ(call("GET", second).json().at("state"), "expired");
  expect_problem(call_with(bob, "POST", second + "/approve"), 409, "wrong-state");
  EXPECT_EQ(call("GET", "/v1/approvals?state=waiting").json().at("items").size(), 0U);
  service_.access().sweep();
  EXPECT_EQ(call("GET", "/v1/approvals?state=expired").json().at("items").size(), 1U);
  EXPECT_TRUE(service_.cancels().empty());
}

TEST_F(HttpAccess, WhatARevokedKeyAskedForIsNotDone) {
  set_rules({{{"action", "run.kill"}}});
  const auto alice = call("POST", "/v1/api-keys", R"({"name":"alice","role":"operator"})").json();
  const auto asked = call_with(alice.at("key"), "POST", "/v1/runs/" + a_run().str() + "/cancel",
                               R"({"mode":"kill","reason":"stuck"})");
  ASSERT_EQ(call("DELETE", "/v1/api-keys/" + alice.at("key_id").get<std::string>()).status, 204);

  const auto approved = call("POST", "/v1/approvals/" + asked.json().at("approval_id").get<std::string>() + "/approve");

  expect_problem(approved, 409, "wrong-state");
  EXPECT_TRUE(service_.cancels().empty());
}

TEST_F(HttpAccess, AnActionThatFailedForAMomentIsApprovedAgain) {
  set_rules({{{"action", "run.kill"}}});
  const std::string bob = make_key("bob", "operator");
  const auto asked = call("POST", "/v1/runs/" + a_run().str() + "/cancel", R"({"mode":"kill","reason":"stuck"})");
  const std::string path = "/v1/approvals/" + asked.json().at("approval_id").get<std::string>();
  service_.fail_next(Error(ErrorCode::unavailable, "the database does not answer"));

  expect_problem(call_with(bob, "POST", path + "/approve"), 503, "unavailable");
  EXPECT_EQ(call("GET", path).json().at("state"), "approved");

  EXPECT_EQ(call_with(bob, "POST", path + "/approve").json().at("state"), "done");
}

TEST_F(HttpAccess, WhatWasCutShortIsGoneOnWithUnasked) {
  set_rules({{{"action", "run.kill"}}});
  const auto asked = call("POST", "/v1/runs/" + a_run().str() + "/cancel", R"({"mode":"kill","reason":"stuck"})");
  const std::string path = "/v1/approvals/" + asked.json().at("approval_id").get<std::string>();
  service_.fail_next(Error(ErrorCode::unavailable, "the node dies"));
  expect_problem(call_with(make_key("bob", "operator"), "POST", path + "/approve"), 503, "unavailable");
  service_.access().sweep();
  EXPECT_EQ(call("GET", path).json().at("state"), "approved") << "it is in somebody's hands";

  move_clock(std::chrono::seconds{31});
  service_.access().sweep();

  EXPECT_EQ(call("GET", path).json().at("state"), "done");
  EXPECT_EQ(service_.cancels().size(), 1U);
}

TEST_F(HttpAccess, WhatHadItsEffectBeforeItWasCutShortIsOnlyFinished) {
  set_rules({{{"action", "run.kill"}}});
  const std::string run = a_run().str();
  const auto asked = call("POST", "/v1/runs/" + run + "/cancel", R"({"mode":"kill","reason":"stuck"})");
  const std::string path = "/v1/approvals/" + asked.json().at("approval_id").get<std::string>();
  service_.fail_next(Error(ErrorCode::unavailable, "the answer was lost"));
  expect_problem(call_with(make_key("bob", "operator"), "POST", path + "/approve"), 503, "unavailable");
  store::AuditRow effect;
  effect.at = now_.load();
  effect.seq = 7;
  effect.entry = *audited("default", {"admin-key", Role::admin}, "run.kill", run, "stuck");
  service_.set_audit({effect});

  move_clock(std::chrono::seconds{31});
  service_.access().sweep();

  const Json done = call("GET", path).json();
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("answer").at("audit").at("seq"), 7);
  EXPECT_TRUE(service_.cancels().empty());
}

TEST_F(HttpAccess, WhatARevokedKeyAskedForIsNotGoneOnWith) {
  set_rules({{{"action", "run.kill"}}});
  const auto alice = call("POST", "/v1/api-keys", R"({"name":"alice","role":"operator"})").json();
  const auto asked = call_with(alice.at("key"), "POST", "/v1/runs/" + a_run().str() + "/cancel",
                               R"({"mode":"kill","reason":"stuck"})");
  const std::string path = "/v1/approvals/" + asked.json().at("approval_id").get<std::string>();
  service_.fail_next(Error(ErrorCode::unavailable, "the node dies"));
  expect_problem(call("POST", path + "/approve"), 503, "unavailable");
  ASSERT_EQ(call("DELETE", "/v1/api-keys/" + alice.at("key_id").get<std::string>()).status, 204);

  move_clock(std::chrono::seconds{31});
  service_.access().sweep();

  const Json done = call("GET", path).json();
  EXPECT_EQ(done.at("state"), "done");
  EXPECT_EQ(done.at("status"), 409);
  EXPECT_TRUE(service_.cancels().empty());
}

TEST_F(HttpAccess, ARequestWhoseTimeIsOverHasItsRowUnasked) {
  set_rules({{{"action", "run.kill"}, {"expires_in_seconds", 60}}});
  const std::string run = a_run().str();
  ASSERT_EQ(call("POST", "/v1/runs/" + run + "/cancel", R"({"mode":"kill","reason":"stuck"})").status, 202);

  service_.access().sweep();
  EXPECT_TRUE(service_.access().audit().empty());
  move_clock(std::chrono::seconds{60});
  service_.access().sweep();

  ASSERT_EQ(service_.access().audit().size(), 1U);
  EXPECT_EQ(service_.access().audit()[0].entry.action, "approval.expire");
  EXPECT_EQ(service_.access().audit()[0].entry.target, run);
}

TEST_F(HttpAccess, AskingAgainWithTheSameKeyIsOneRequest) {
  set_rules({{{"action", "run.kill"}}});
  const std::string path = "/v1/runs/" + a_run().str() + "/cancel";
  const std::string body = R"({"mode":"kill","reason":"stuck"})";

  const auto first = call("POST", path, body, {{"Idempotency-Key", "k-1"}});
  const auto again = call("POST", path, body, {{"Idempotency-Key", "k-1"}});

  EXPECT_EQ(first.json().at("approval_id"), again.json().at("approval_id"));
  EXPECT_EQ(call("GET", "/v1/approvals").json().at("items").size(), 1U);
}

TEST_F(HttpAccess, NobodyIsAskedAboutWhatCannotBeDone) {
  set_rules({{{"action", "run.kill"}},
             {{"action", "run.edit"}},
             {{"action", "run.discard"}},
             {{"action", "decision.answer"}, {"decisions", {"release"}}},
             {{"action", "operation.start"}}});
  const std::string open = a_run().str();
  const RunId over_id = a_run();
  service_.close_run(over_id, RunState::succeeded);
  const std::string over = over_id.str();
  const std::string nobody = "01890000-0000-7000-8000-00000000ffff";
  const std::string kill = R"({"mode":"kill","reason":"stuck"})";

  expect_problem(call("POST", "/v1/runs/" + open + "/cancel", R"({"mode":"kill"})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/runs/" + nobody + "/cancel", kill), 404, "not-found");
  expect_problem(call("POST", "/v1/runs/" + over + "/cancel", kill), 409, "run-closed");
  expect_problem(call("POST", "/v1/runs/" + open + "/edit", R"({"reason":"x","set":{"priority":1000}})"), 422,
                 "invalid-body");
  expect_problem(call("POST", "/v1/runs/" + over + "/edit", R"({"reason":"x","set":{"priority":1}})"), 409,
                 "run-closed");
  expect_problem(call("POST", "/v1/dead-letters/" + open + "/discard", R"({"reason":"x"})"), 409, "wrong-state");
  expect_problem(call("POST", "/v1/runs/" + over + "/signals/release", "{}"), 409, "run-closed");
  expect_problem(call("POST", "/v1/signals/release", R"({"payload":{}})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/operations", R"({"action":"cancel","filter":{"planet":"x"},"reason":"x"})"), 422,
                 "invalid-body");

  EXPECT_TRUE(call("GET", "/v1/approvals").json().at("items").empty());
  EXPECT_TRUE(service_.cancels().empty());
  EXPECT_TRUE(service_.steerings().empty());
  EXPECT_TRUE(service_.signals().empty());
}

TEST_F(HttpAccess, AnAnswerIsComparedWithTheQuestionBeforeAnybodyIsAsked) {
  set_rules({{{"action", "decision.answer"}, {"decisions", {"release"}}}});
  store::RunView view;
  view.header.namespace_name = "default";
  view.header.workflow = "payout";
  view.waiting_on =
      R"([{"kind":"decision","names":["release"],"schema":{"type":"object","required":["ok"]},"roles":["admin"]}])";
  const std::string path = "/v1/runs/" + service_.add_run(std::move(view)).str() + "/signals/release";

  expect_problem(call("POST", path, R"({"no":1})"), 422, "invalid-body");
  expect_problem(call_with(make_key("till", "operator"), "POST", path, R"({"ok":true})"), 403, "decision-role");
  EXPECT_TRUE(call("GET", "/v1/approvals").json().at("items").empty());
  EXPECT_EQ(call("POST", path, R"({"ok":true})").json().at("action"), "decision.answer");
}

TEST_F(HttpAccess, WhatWasAskedIsAnsweredAsBeforeWhateverBecameOfIt) {
  set_rules({{{"action", "run.kill"}}});
  const RunId run = a_run();
  const std::string path = "/v1/runs/" + run.str() + "/cancel";
  const std::string kill = R"({"mode":"kill","reason":"stuck"})";
  const auto first = call("POST", path, kill, {{"Idempotency-Key", "k-1"}});
  service_.close_run(run, RunState::cancelled);

  const auto again = call("POST", path, kill, {{"Idempotency-Key", "k-1"}});

  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.json().at("approval_id"), first.json().at("approval_id"));
  expect_problem(call("POST", path, kill, {{"Idempotency-Key", "k-2"}}), 409, "run-closed");
}

TEST_F(HttpAccess, EveryMemberOfARuleIsChecked) {
  for (const char* rules :
       {R"({})", R"({"rules":{}})", R"({"rules":[{}]})", R"({"rules":[{"action":"run.start"}]})",
        R"({"rules":[{"action":"decision.answer"}]})", R"({"rules":[{"action":"run.kill","decisions":["a"]}]})",
        R"({"rules":[{"action":"run.kill","over":5}]})",
        R"({"rules":[{"action":"run.kill","approver_role":"viewer"}]})",
        R"({"rules":[{"action":"run.kill","expires_in_seconds":0}]})", R"({"rules":[{"action":"run.kill","x":1}]})"}) {
    expect_problem(call("PUT", "/v1/policies", rules), 422, "invalid-body");
  }
  expect_problem(call_with(make_key("dev", "developer"), "PUT", "/v1/policies", R"({"rules":[]})"), 403, "forbidden");
  EXPECT_EQ(call("GET", "/v1/policies").json().at("rules"), Json::array());
}

}  // namespace
}  // namespace orchestrator::api
