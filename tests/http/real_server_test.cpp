// The most important sentences of the HTTP contract, against the shipped binary and its real engine.
#include "tests/http/real_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <memory>
#include <set>
#include <thread>
#include <tuple>

#include "orchestrator/base/json.hpp"
#include "orchestrator/telemetry/metric_declarations.hpp"
#include "tests/support/http_client.hpp"

namespace orchestrator::testing_support {
namespace {

constexpr const char* kEcho =
    R"({"StartAt":"Say","States":{"Say":{"Type":"Task","Resource":"handler:echo","End":true}}})";
constexpr const char* kWait = R"({"StartAt":"Wait","States":{"Wait":{"Type":"Task","Resource":"signal:paid|cancelled",
  "Parameters":{"key.$":"$.order"},"End":true}}})";
constexpr const char* kFail = R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:fail",
  "Parameters":{"error":"Boom","cause":"asked to"},"End":true}}})";
constexpr const char* kDecide = R"({"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"decision:approve",
  "Parameters":{"title":"Pay?","schema":{"type":"object","required":["approved"],"additionalProperties":false,
  "properties":{"approved":{"type":"boolean"}}}},"End":true}}})";

class RealServerTest : public testing::Test {
 protected:
  // One server for all tests, which therefore name their own workflows and keys: a fresh PostgreSQL for each would take
  // most of the time.
  static void SetUpTestSuite() {
    server_ = std::make_unique<RealServer>();
    ASSERT_TRUE(server_->start()) << server_->log();
  }
  static void TearDownTestSuite() { server_.reset(); }

  ClientResponse call(const std::string& method, const std::string& target, const std::string& body = {},
                      ClientHeaders headers = {}) {
    headers.emplace_back("Authorization", std::string("Bearer ") + RealServer::kAdminKey);
    if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
    HttpClient client(server_->port());
    return client.request(method, target, body, headers);
  }
  ClientResponse get(const std::string& target) { return call("GET", target); }
  ClientResponse post(const std::string& target, const Json& body, ClientHeaders headers = {}) {
    return call("POST", target, dump_json(body), std::move(headers));
  }

  void deploy(const std::string& name, const char* definition) {
    const auto answer = call("POST", "/v1/workflows/" + name + "/versions", definition);
    ASSERT_LE(answer.status, 201) << answer.body;
  }

  /// What is at `target` once its member has that value, or as it is after ten seconds.
  Json once_it_has(const std::string& target, const char* member, const std::string& value) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    Json object;
    do {
      object = get(target).json();
      if (object.at(member) == value) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    } while (std::chrono::steady_clock::now() < give_up);
    EXPECT_EQ(object.at(member), value) << dump_json(object);
    return object;
  }
  Json run_in(const std::string& run_id, const std::string& state) {
    return once_it_has("/v1/runs/" + run_id, "state", state);
  }

  static std::string slug(const ClientResponse& response) { return string_member(response.json(), "type"); }

  static std::unique_ptr<RealServer> server_;
};

std::unique_ptr<RealServer> RealServerTest::server_;

TEST_F(RealServerTest, DefinitionsAreVersionedComparedAndChecked) {
  const std::string path = "/v1/workflows/versioned/versions";

  const auto first = call("POST", path, kEcho);
  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(first.header("location"), "/v1/workflows/versioned/versions/1");
  EXPECT_EQ(first.json().at("version"), 1);
  EXPECT_TRUE(first.json().at("warnings").empty());
  EXPECT_EQ(call("POST", path, kEcho).status, 200);
  EXPECT_EQ(call("POST", path, kFail).json().at("version"), 2);
  EXPECT_EQ(call("POST", path, kEcho).json().at("version"), 3);

  const auto invalid = call("POST", path, R"({"StartAt":"Nowhere","States":{}})");
  EXPECT_EQ(invalid.status, 422);
  EXPECT_EQ(slug(invalid), "/problems/invalid-definition");
  EXPECT_FALSE(invalid.json().at("errors").empty());
  const auto repeated =
      call("POST", path, R"({"StartAt":"A","StartAt":"A","States":{"A":{"Type":"Pass","End":true}}})");
  EXPECT_EQ(repeated.status, 422);
  EXPECT_EQ(repeated.json().at("errors").at(0).at("pointer"), "/StartAt");

  EXPECT_EQ(get("/v1/workflows/versioned").json().at("versions"), Json({1, 2, 3}));
  EXPECT_EQ(get("/v1/workflows/versioned/versions/1").json().at("definition"), *parse_json(kEcho));
  const auto missing = get("/v1/workflows/versioned/versions/9");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(slug(missing), "/problems/not-found");
  EXPECT_EQ(post("/v1/runs", {{"workflow", "nobody"}}).status, 404);
  EXPECT_EQ(slug(post("/v1/runs", {{"workflow", "nobody"}})), "/problems/unknown-workflow");
}

TEST_F(RealServerTest, ARunIsStartedReadListedAndTold) {
  deploy("echo", kEcho);
  const char* body = R"({"workflow":"echo","key":"k-1","attributes":{"city":"Pune","count":5},
    "input":{"large":9223372036854775807,"least":-9223372036854775808,"unsigned":18446744073709551615,"zero":"a\u0000b"}})";

  const auto started = call("POST", "/v1/runs?wait=10", body);
  ASSERT_EQ(started.status, 200) << started.body;
  const Json run = started.json();
  const std::string run_id = string_member(run, "run_id");
  EXPECT_EQ(run.at("state"), "succeeded");
  EXPECT_EQ(run.at("output"), run.at("input"));
  EXPECT_EQ(run.at("output").at("unsigned"), 18446744073709551615ULL);
  EXPECT_EQ(run.at("output").at("least").get<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(run.at("output").at("zero"), std::string("a\0b", 3));
  EXPECT_TRUE(run.at("waiting_on").empty());
  EXPECT_TRUE(run.at("error").is_null());

  const Json history = get("/v1/runs/" + run_id + "/history").json().at("items");
  for (std::size_t index = 0; index < history.size(); ++index) EXPECT_EQ(history[index].at("seq"), index + 1);
  EXPECT_EQ(history.front().at("type"), "ExecutionStarted");
  EXPECT_EQ(history.at(2).at("type"), "TaskScheduled");
  EXPECT_EQ(history.at(2).at("idempotency_key"), "default/echo/k-1/Say/1");
  EXPECT_EQ(history.back().at("type"), "ExecutionSucceeded");

  for (const char* filter : {"key=k-1", "attribute.city=Pune", "attribute.count=5", "state=succeeded&key=k-1", "q=k-",
                             "workflow=echo&version=1&key=k-1"}) {
    EXPECT_EQ(get(std::string("/v1/runs?") + filter).json().at("items").size(), 1U) << filter;
  }
  EXPECT_TRUE(get("/v1/runs?attribute.city=Delhi").json().at("items").empty());
  for (const char* wrong : {"limit=0", "limit=501", "cursor=x", "color=red", "state=asleep"}) {
    const auto refused = get(std::string("/v1/runs?") + wrong);
    EXPECT_EQ(refused.status, 400) << wrong;
    EXPECT_EQ(slug(refused), "/problems/invalid-parameter") << wrong;
  }

  // Any UUID may stand in a path, also one whose bits name a shard that does not exist.
  for (const char* id : {"x", "0190a4e5-0000-7fff-bfff-ffffffffffff"}) {
    EXPECT_EQ(get(std::string("/v1/runs/") + id).status, 404);
    EXPECT_EQ(post(std::string("/v1/runs/") + id + "/cancel", Json::object()).status, 404);
    EXPECT_EQ(post(std::string("/v1/runs/") + id + "/signals/paid", Json::object()).status, 404);
  }
}

TEST_F(RealServerTest, OneOpenRunPerKeyAndOneRunPerIdempotencyKey) {
  deploy("wait", kWait);
  deploy("echo", kEcho);
  const Json start = {{"workflow", "wait"}, {"key", "o-1"}, {"input", {{"order", "o-1"}}}};
  const auto with = [&start](const char* name, const char* value) {
    Json body = start;
    body[name] = value;
    return body;
  };
  const std::string first = string_member(post("/v1/runs", start).json(), "run_id");
  const Json waiting = run_in(first, "waiting").at("waiting_on").at(0);
  EXPECT_EQ(waiting.at("kind"), "signal");
  EXPECT_EQ(waiting.at("names"), Json({"paid", "cancelled"}));
  EXPECT_EQ(waiting.at("key"), "o-1");

  const auto conflict = post("/v1/runs", start);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(slug(conflict), "/problems/run-key-conflict");
  EXPECT_EQ(conflict.json().at("run_id"), first);
  const auto existing = post("/v1/runs", with("on_conflict", "return_existing"));
  EXPECT_EQ(existing.status, 200);
  EXPECT_EQ(existing.json().at("run_id"), first);
  EXPECT_EQ(existing.json().at("existing"), true);
  Json unknown_version = with("on_conflict", "cancel_existing");
  unknown_version["version"] = 9;
  EXPECT_EQ(post("/v1/runs", unknown_version).status, 404);
  EXPECT_EQ(get("/v1/runs/" + first).json().at("state"), "waiting");
  EXPECT_EQ(post("/v1/runs", with("on_conflict", "cancel_existing")).status, 201);
  EXPECT_EQ(get("/v1/runs/" + first).json().at("state"), "cancelled");

  const ClientHeaders key = {{"Idempotency-Key", "once"}};
  const auto refused = post("/v1/runs", {{"workflow", "nobody"}}, key);
  EXPECT_EQ(refused.status, 404);
  const auto done = post("/v1/runs", {{"workflow", "echo"}, {"input", 1}}, key);
  ASSERT_EQ(done.status, 201) << done.body;
  EXPECT_EQ(slug(post("/v1/runs", {{"workflow", "echo"}, {"input", 2}}, key)), "/problems/idempotency-mismatch");

  server_->kill();
  ASSERT_TRUE(server_->start()) << server_->log();

  const auto again = post("/v1/runs", {{"input", 1}, {"workflow", "echo"}}, key);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, done.body);
  EXPECT_EQ(again.header("idempotent-replayed"), "true");
  EXPECT_EQ(server_->stop(), 0);
  ASSERT_TRUE(server_->start()) << server_->log();
}

TEST_F(RealServerTest, SignalsMeetWaitsEarlyLateTwiceAndAfterTheEnd) {
  deploy("wait", kWait);
  const auto send = [this](Json body) { return post("/v1/signals/paid", body); };

  const auto early = send({{"key", "s-o-1"}, {"payload", 1}, {"id", "s-1"}});
  EXPECT_EQ(early.status, 202);
  EXPECT_EQ(early.json().at("fate"), "buffered");
  EXPECT_EQ(send({{"key", "s-o-1"}, {"payload", 2}, {"id", "s-1"}}).json().at("fate"), "duplicate");
  const Json run =
      post("/v1/runs?wait=10", {{"workflow", "wait"}, {"key", "r-1"}, {"input", {{"order", "s-o-1"}}}}).json();
  EXPECT_EQ(run.at("output").at("payload"), 1);
  EXPECT_EQ(run.at("output").at("name"), "paid");
  // A signal by key is settled by its own shard, a message after the run took it.
  const Json signal = once_it_has("/v1/signals/" + string_member(early.json(), "signal_id"), "fate", "consumed");
  EXPECT_EQ(signal.at("run_id"), run.at("run_id"));
  EXPECT_EQ(signal.at("state_name"), "Wait");

  const auto begun = send({{"key", "s-o-2"}, {"payload", {{"order", "s-o-2"}}}, {"start", {{"workflow", "wait"}}}});
  EXPECT_EQ(begun.json().at("fate"), "started");
  run_in(string_member(begun.json(), "run_id"), "succeeded");

  const std::string run_path = "/v1/runs/" + string_member(run, "run_id");
  const auto late = post(run_path + "/signals/paid", 3);
  EXPECT_EQ(late.status, 409);
  EXPECT_EQ(slug(late), "/problems/run-closed");
  const Json kept = get("/v1/signals/" + string_member(late.json(), "signal_id")).json();
  EXPECT_EQ(kept.at("fate"), "rejected");
  EXPECT_EQ(kept.at("reason"), "run-closed");
  EXPECT_EQ(send({{"payload", 1}}).status, 422);
  EXPECT_EQ(send({{"key", "s-o-3"}, {"ttl_seconds", 0}}).status, 422);
}

TEST_F(RealServerTest, PeopleDecideCancelAndRetry) {
  deploy("decide", kDecide);
  deploy("fail", kFail);

  const std::string asked = string_member(post("/v1/runs", {{"workflow", "decide"}}).json(), "run_id");
  EXPECT_EQ(run_in(asked, "waiting").at("waiting_on").at(0).at("kind"), "decision");
  const auto wrong = post("/v1/runs/" + asked + "/signals/approve", {{"approved", "yes"}});
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.json().at("errors").at(0).at("pointer"), "/approved");
  EXPECT_EQ(post("/v1/runs/" + asked + "/signals/approve", {{"approved", true}}).status, 202);
  EXPECT_EQ(run_in(asked, "succeeded").at("output").at("payload").at("approved"), true);

  const Json failed = post("/v1/runs?wait=10", {{"workflow", "fail"}}).json();
  const std::string failed_path = "/v1/runs/" + string_member(failed, "run_id");
  EXPECT_EQ(failed.at("error"), Json({{"error", "Boom"}, {"cause", "asked to"}}));
  EXPECT_EQ(get("/v1/runs?error=Boom").json().at("items").size(), 1U);
  EXPECT_EQ(post(failed_path + "/cancel", Json::object()).status, 409);
  EXPECT_EQ(post(failed_path + "/retry", {{"reason", "again"}}).status, 202);
  run_in(string_member(failed, "run_id"), "failed");
  std::set<std::string> keys;
  const Json history = get(failed_path + "/history").json().at("items");
  for (const Json& item : history) {
    if (item.at("type") == "TaskScheduled") keys.insert(string_member(item, "idempotency_key"));
  }
  EXPECT_EQ(keys.size(), 1U);

  const std::string later =
      string_member(post("/v1/runs", {{"workflow", "fail"}, {"run_at", "2100-01-01T00:00:00Z"}}).json(), "run_id");
  EXPECT_EQ(run_in(later, "waiting").at("waiting_on").at(0).at("kind"), "timer");
  EXPECT_EQ(slug(post("/v1/runs/" + later + "/cancel", {{"mode", "kill"}})), "/problems/invalid-body");
  EXPECT_EQ(post("/v1/runs/" + later + "/cancel", Json::object()).status, 202);
  run_in(later, "cancelled");
}

TEST_F(RealServerTest, WhatWaitsIsRescheduledOrTriedNow) {
  deploy("slow-retry", R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:fail",
    "Parameters":{"error":"Boom","times":1},
    "Retry":[{"ErrorEquals":["Boom"],"IntervalSeconds":3600,"MaxAttempts":1}],"End":true}}})");
  deploy("wait", kWait);
  const std::string run_id = string_member(post("/v1/runs", {{"workflow", "slow-retry"}}).json(), "run_id");
  run_in(run_id, "waiting");
  const std::string path = "/v1/runs/" + run_id + "/edit";

  EXPECT_EQ(post(path, {{"set", {{"run_at", "2100-01-01T00:00:00Z"}, {"priority", 5}}}, {"reason", "later"}}).status,
            202);
  const Json later = once_it_has("/v1/runs/" + run_id, "wake_at", "2100-01-01T00:00:00.000Z");
  EXPECT_EQ(later.at("priority"), 5);
  EXPECT_EQ(post(path, {{"set", {{"run_at", "2020-01-01T00:00:00Z"}}}, {"reason", "mended"}}).status, 202);
  run_in(run_id, "succeeded");
  EXPECT_EQ(slug(post(path, {{"set", {{"priority", 1}}}, {"reason", "late"}})), "/problems/run-closed");

  for (const Json& wrong :
       {Json{{"set", {{"run_at", "soon"}}}, {"reason", "r"}}, Json{{"set", {{"run_at", nullptr}}}, {"reason", "r"}},
        Json{{"set", {{"priority", 101}}}, {"reason", "r"}}, Json{{"set", {{"priority", 1}}}},
        Json{{"set", {{"variables", {{"1", 1}}}}}, {"reason", "r"}}, Json{{"reason", "r"}}}) {
    EXPECT_EQ(post(path, wrong).status, 422) << dump_json(wrong);
  }
  const std::string waits =
      string_member(post("/v1/runs", {{"workflow", "wait"}, {"input", {{"order", "edit-1"}}}}).json(), "run_id");
  run_in(waits, "waiting");
  EXPECT_EQ(slug(post("/v1/runs/" + waits + "/edit", {{"set", {{"run_at", "2020-01-01T00:00:00Z"}}}, {"reason", "r"}})),
            "/problems/wrong-state");
}

TEST_F(RealServerTest, DeadLettersSayWhyAndAreRetriedOrDiscarded) {
  deploy("boom", R"({"StartAt":"Try","States":{"Try":{"Type":"Task","Resource":"handler:fail",
    "Retry":[{"ErrorEquals":["Boom"],"IntervalSeconds":1,"MaxAttempts":1}],"End":true}}})");
  const Json failed =
      post("/v1/runs?wait=20", {{"workflow", "boom"}, {"input", {{"error", "Boom"}, {"cause", "asked to"}}}}).json();
  const std::string run_id = string_member(failed, "run_id");
  const std::string path = "/v1/dead-letters/" + run_id;

  const Json items = get("/v1/dead-letters?workflow=boom").json().at("items");
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items.at(0).at("run_id"), run_id);
  EXPECT_EQ(items.at(0).at("reason"), "exhausted");
  EXPECT_EQ(items.at(0).at("failed_at"), items.at(0).at("closed_at"));
  EXPECT_EQ(items.at(0).at("worker"), "http-test");
  ASSERT_EQ(items.at(0).at("failed_attempts").size(), 2U);
  EXPECT_EQ(items.at(0).at("failed_attempts").at(1).at("cause"), "asked to");
  EXPECT_TRUE(get("/v1/dead-letters?workflow=boom&reason=poison").json().at("items").empty());

  EXPECT_EQ(post(path + "/retry", {{"input", {{"error", "Bang"}}}, {"reason", "another one"}}).status, 202);
  EXPECT_EQ(run_in(run_id, "failed").at("error").at("error"), "Bang");
  EXPECT_EQ(get("/v1/dead-letters?workflow=boom").json().at("items").at(0).at("reason"), "permanent");
  EXPECT_EQ(post(path + "/discard", {{"reason", "enough"}}).json().at("dead_letter"), "discarded");
  EXPECT_TRUE(get("/v1/dead-letters?workflow=boom").json().at("items").empty());
  EXPECT_EQ(slug(post(path + "/discard", {{"reason", "enough"}})), "/problems/wrong-state");
  EXPECT_EQ(slug(post(path + "/retry", {{"reason", "after all"}})), "/problems/wrong-state");
  EXPECT_EQ(get("/v1/runs/" + run_id).json().at("state"), "failed");
}

TEST_F(RealServerTest, DecisionsTakeAnswersOfTheirRolesAndShapeHoweverTheyCome) {
  deploy("ask", R"({"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"decision:release|signal:stop",
    "Parameters":{"key.$":"$.order","title":"Pay?","roles":["developer"],"schema":{"type":"boolean"}},"End":true}}})");
  const auto ask = [this](const std::string& order, const Json& key) {
    Json body = {{"workflow", "ask"}, {"input", {{"order", order}}}};
    if (!key.is_null()) body["key"] = key;
    const std::string id = string_member(post("/v1/runs", body).json(), "run_id");
    run_in(id, "waiting");
    return id;
  };
  const auto answer_as = [](const char* key, const std::string& target, const Json& body) {
    HttpClient client(server_->port());
    return client.request("POST", target, dump_json(body),
                          {{"Authorization", std::string("Bearer ") + key}, {"Content-Type", "application/json"}});
  };
  const auto by_key = [](const std::string& order, const Json& payload) -> Json {
    return {{"key", order}, {"payload", payload}};
  };
  const std::string answers = "/v1/signals/release";

  // By run id, and by a key that lives where the run lives: refused at once, and nothing is kept.
  const std::string near = ask("near", "near");
  for (const std::string& target : {"/v1/runs/" + near + "/signals/release", answers}) {
    const bool to_run = target != answers;
    const auto told = [&](const Json& payload) { return to_run ? payload : by_key("near", payload); };
    EXPECT_EQ(slug(answer_as(RealServer::kOperatorKey, target, told(true))), "/problems/decision-role") << target;
    EXPECT_EQ(slug(answer_as(RealServer::kAdminKey, target, told("yes"))), "/problems/invalid-body") << target;
  }
  EXPECT_EQ(answer_as(RealServer::kOperatorKey, "/v1/signals/other", by_key("near", 1)).status, 202);
  EXPECT_EQ(post(answers, by_key("near", true)).status, 202);
  run_in(near, "succeeded");

  // A run without a key lives anywhere: the answer is accepted, offered there, and its fate tells.
  for (int i = 0; i < 4; ++i) {
    const std::string order = "far-" + std::to_string(i);
    const std::string far = ask(order, nullptr);
    for (const auto& [key, payload, problem] : {std::tuple{RealServer::kOperatorKey, Json(true), "decision-role"},
                                                std::tuple{RealServer::kAdminKey, Json("yes"), "invalid-body"}}) {
      const auto told = answer_as(key, answers, by_key(order, payload));
      if (told.status != 202) {
        EXPECT_EQ(slug(told), std::string("/problems/") + problem);
        continue;
      }
      const std::string signal = "/v1/signals/" + string_member(told.json(), "signal_id");
      EXPECT_EQ(once_it_has(signal, "fate", "rejected").at("reason"), problem);
    }
    EXPECT_EQ(string_member(get("/v1/runs/" + far).json(), "state"), "waiting");
    EXPECT_EQ(post(answers, by_key(order, true)).status, 202);
    run_in(far, "succeeded");
  }

  // What came before the question keeps no credential, and is checked when the question is asked.
  const Json early = post(answers, by_key("early", true)).json();
  EXPECT_EQ(early.at("fate"), "buffered");
  const std::string asked = ask("early", "early");
  const Json settled = once_it_has("/v1/signals/" + string_member(early, "signal_id"), "fate", "rejected");
  EXPECT_EQ(settled.at("reason"), "decision-role");
  EXPECT_EQ(string_member(settled, "run_id"), asked);
  const auto listed = get("/v1/decisions?workflow=ask").json().at("items");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed.at(0).at("run_id"), asked);
  EXPECT_EQ(listed.at(0).at("name"), "release");
  EXPECT_EQ(listed.at(0).at("roles"), Json({"developer"}));
  EXPECT_TRUE(get("/v1/decisions?workflow=ask&role=operator").json().at("items").empty());
  EXPECT_EQ(answer_as(RealServer::kOperatorKey, "/v1/signals/stop", by_key("early", "any")).status, 202);
  run_in(asked, "succeeded");
}

TEST_F(RealServerTest, NamespacesAreCreatedBeforeTheyAreUsed) {
  deploy("echo", kEcho);
  const ClientHeaders there{{"Orchestrator-Namespace", "stall"}};

  const auto unknown = call("POST", "/v1/workflows/echo/versions", kEcho, there);
  EXPECT_EQ(unknown.status, 403);
  EXPECT_EQ(slug(unknown), "/problems/forbidden");
  EXPECT_EQ(post("/v1/namespaces", {{"name", "stall"}}).status, 201);
  EXPECT_EQ(post("/v1/namespaces", {{"name", "stall"}}).status, 200);
  EXPECT_EQ(call("POST", "/v1/workflows/echo/versions", kEcho, there).status, 201);
  const auto run = post("/v1/runs?wait=10", {{"workflow", "echo"}}, there);
  EXPECT_EQ(run.json().at("state"), "succeeded");
  EXPECT_EQ(get("/v1/runs/" + string_member(run.json(), "run_id")).status, 404);
  EXPECT_EQ(get("/v1/namespaces").json().at("items").size(), 2U);
}

TEST_F(RealServerTest, BatchesIdentityProbesAndMetrics) {
  deploy("echo", kEcho);

  const auto batch =
      post("/v1/runs/batch", {{"runs", Json::array({{{"workflow", "echo"}}, {{"workflow", "nobody"}}, {{"x", 1}}})}});
  ASSERT_EQ(batch.status, 201) << batch.body;
  const Json items = batch.json().at("items");
  EXPECT_TRUE(items.at(0).contains("run_id"));
  EXPECT_EQ(items.at(1).at("error").at("type"), "/problems/unknown-workflow");
  EXPECT_EQ(items.at(2).at("error").at("errors").at(0).at("pointer"), "/runs/2/workflow");
  EXPECT_EQ(post("/v1/runs/batch", {{"runs", Json::array()}}).status, 422);

  HttpClient nobody(server_->port());
  const auto refused = nobody.request("GET", "/v1/runs");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("www-authenticate"), "Bearer");
  EXPECT_EQ(nobody.request("GET", "/livez").status, 200);
  EXPECT_EQ(nobody.request("GET", "/readyz").status, 200);
  EXPECT_EQ(call("DELETE", "/v1/runs").status, 405);
  EXPECT_NE(call("DELETE", "/v1/runs").header("allow").find("POST"), std::string::npos);
  EXPECT_EQ(slug(get("/v1/nothing")), "/problems/no-such-route");
  EXPECT_EQ(get("/v1/audit").status, 200);
  EXPECT_EQ(slug(call("POST", "/v1/runs", "{")), "/problems/malformed-json");

  const std::string metrics = nobody.request("GET", "/metrics").body;
  for (const char* name :
       {"orchestrator_queue_depth{queue=\"default\"}", "orchestrator_queue_in_flight{queue=\"default\"}",
        "orchestrator_queue_oldest_ready_age_seconds{queue=\"default\"}", "orchestrator_runs_stuck 0",
        "orchestrator_signals_unmatched", "orchestrator_store_oldest_snapshot_age_seconds",
        "orchestrator_shards_owned 64"}) {
    EXPECT_NE(metrics.find(name), std::string::npos) << name;
  }
}

TEST_F(RealServerTest, EveryMetricOfTheDocumentIsThere) {
  const auto one_step = [this](const char* name, const char* handler, const Json& input) {
    const std::string resource = std::string("handler:") + handler;
    const Json step = {{"Type", "Task"}, {"Resource", resource}, {"End", true}};
    deploy(name, dump_json({{"StartAt", "A"}, {"States", {{"A", step}}}}).c_str());
    return string_member(post("/v1/runs", {{"workflow", name}, {"input", input}}).json(), "run_id");
  };
  const std::string stranded = one_step("nobody-does", "nobody", Json::object());
  run_in(one_step("sleeps", "sleep", {{"seconds", 0}}), "succeeded");
  run_in(stranded, "ready");
  const auto metrics = [] { return HttpClient(server_->port()).request("GET", "/metrics").body; };
  const auto shows = [&](const std::string& line) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < give_up) {
      if (metrics().find(line) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return false;
  };

  // Counted by the sweep, once a second; gone with the run.
  EXPECT_TRUE(shows("orchestrator_steps_without_handler{handler=\"nobody\"} 1"));
  EXPECT_EQ(post("/v1/runs/" + stranded + "/cancel", {{"mode", "kill"}, {"reason", "nobody comes"}}).status, 202);
  EXPECT_TRUE(shows("orchestrator_steps_without_handler{handler=\"nobody\"} 0"));

  const std::string text = metrics();
  for (const telemetry::MetricDeclaration& declaration : telemetry::kMetricDeclarations) {
    EXPECT_NE(text.find("\n# TYPE " + std::string(declaration.name) + " "), std::string::npos) << declaration.name;
  }
  EXPECT_NE(text.find("orchestrator_store_connections_lost_total{use=\"committer\"} 0"), std::string::npos);
  EXPECT_NE(text.find("orchestrator_webhooks_total{provider=\"payfast\",verdict=\"poison\"} 0"), std::string::npos);
  EXPECT_EQ(text.find("orchestrator_store_rows_total{table=\"journal\"} 0\n"), std::string::npos);
}

}  // namespace
}  // namespace orchestrator::testing_support
