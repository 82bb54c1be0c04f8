#include <set>

#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

constexpr const char* kTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class HttpRuns : public ApiServer {
 protected:
  void SetUp() override {
    ApiServer::SetUp();
    service_.add_workflow("order");
  }

  static std::set<std::string> pointers_of(const ClientResponse& response) {
    std::set<std::string> pointers;
    const Json problem = response.json();
    for (const Json& fault : problem.at("errors")) pointers.insert(fault.at("pointer").get<std::string>());
    return pointers;
  }
};

TEST_F(HttpRuns, StartAnswersCreatedWithLocationAndTheRun) {
  const auto response = call("POST", "/v1/runs",
                             R"({"workflow":"order","input":{"n":9223372036854775807},"key":"o-1","priority":7,
                                 "attributes":{"city":"Pune"},"run_at":"2026-01-31T10:00:00+05:30","timeout_seconds":60})",
                             {{"traceparent", kTraceparent}});

  ASSERT_EQ(response.status, 201) << response.body;
  const Json body = response.json();
  EXPECT_EQ(response.header("location"), "/v1/runs/" + body.at("run_id").get<std::string>());
  EXPECT_EQ(body.at("workflow"), "order");
  EXPECT_EQ(body.at("version"), 1);
  EXPECT_EQ(body.at("key"), "o-1");
  EXPECT_EQ(body.at("state"), "ready");
  EXPECT_FALSE(body.contains("existing"));
  const auto started = service_.started();
  ASSERT_EQ(started.size(), 1U);
  EXPECT_EQ(json_of(started[0].input).at("n"), 9223372036854775807LL);
  EXPECT_EQ(started[0].priority, 7);
  EXPECT_EQ(started[0].traceparent, kTraceparent);
  EXPECT_EQ(started[0].namespace_name, "default");
  EXPECT_EQ(to_rfc3339(*started[0].run_at), "2026-01-31T04:30:00.000Z");
}

TEST_F(HttpRuns, ReadShowsEveryMemberNullWhileOpen) {
  const auto started = call("POST", "/v1/runs", R"({"workflow":"order","input":{"a":1}})");

  const auto response = call("GET", started.header("location"));

  ASSERT_EQ(response.status, 200);
  const Json run = response.json();
  EXPECT_EQ(run.at("kind"), "workflow");
  EXPECT_EQ(run.at("input"), Json({{"a", 1}}));
  EXPECT_EQ(run.at("waiting_on").at(0).at("kind"), "worker");
  EXPECT_EQ(run.at("created_at"), "2025-11-20T04:30:00.000Z");
  EXPECT_EQ(run.at("attributes"), Json::object());
  for (const char* name :
       {"key", "output", "error", "parent_run_id", "started_at", "closed_at", "traceparent", "run_at"}) {
    ASSERT_TRUE(run.contains(name)) << name;
    EXPECT_TRUE(run.at(name).is_null()) << name;
  }
}

TEST_F(HttpRuns, BrokenJsonIsMalformed) {
  expect_problem(call("POST", "/v1/runs", R"({"workflow":)"), 400, "malformed-json");
}

TEST_F(HttpRuns, EmptyBodyIsMalformed) { expect_problem(call("POST", "/v1/runs"), 400, "malformed-json"); }

TEST_F(HttpRuns, JsonNestedTooDeepIsMalformed) {
  const std::string deep = R"({"workflow":"order","input":)" + std::string(101, '[') + std::string(101, ']') + "}";

  expect_problem(call("POST", "/v1/runs", deep), 400, "malformed-json");
}

TEST_F(HttpRuns, EveryFaultOfABodyIsReportedAtOnce) {
  const auto response = call("POST", "/v1/runs",
                             R"({"workflow":"bad name","version":0,"priority":101,"on_conflict":"maybe","run_at":"soon",
                                 "key":"","attributes":{"a/b":[1]},"timeout_seconds":"1","surprise":true})");

  expect_problem(response, 422, "invalid-body");
  const std::set<std::string> expected{"/workflow", "/version",  "/priority",        "/on_conflict",    "/run_at",
                                       "/key",      "/surprise", "/attributes/a~1b", "/timeout_seconds"};
  EXPECT_EQ(pointers_of(response), expected);
  EXPECT_EQ(response.json().at("instance"), "/v1/runs");
}

TEST_F(HttpRuns, MissingWorkflowIsNamed) {
  const auto response = call("POST", "/v1/runs", "{}");

  expect_problem(response, 422, "invalid-body");
  EXPECT_EQ(response.json().at("errors").at(0).at("code"), "missing");
}

TEST_F(HttpRuns, BodyThatIsNoObjectIsInvalid) { expect_problem(call("POST", "/v1/runs", "[1]"), 422, "invalid-body"); }

TEST_F(HttpRuns, UnknownWorkflowIsItsOwnProblem) {
  expect_problem(call("POST", "/v1/runs", R"({"workflow":"nope"})"), 404, "unknown-workflow");
}

TEST_F(HttpRuns, KeyConflictNamesTheOpenRun) {
  const auto first = call("POST", "/v1/runs", R"({"workflow":"order","key":"k"})");

  const auto second = call("POST", "/v1/runs", R"({"workflow":"order","key":"k"})");

  expect_problem(second, 409, "run-key-conflict");
  EXPECT_EQ(second.json().at("run_id"), first.json().at("run_id"));
}

TEST_F(HttpRuns, ReturnExistingAnswersOkWithTheOpenRun) {
  const auto first = call("POST", "/v1/runs", R"({"workflow":"order","key":"k"})");

  const auto second = call("POST", "/v1/runs", R"({"workflow":"order","key":"k","on_conflict":"return_existing"})");

  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.json().at("run_id"), first.json().at("run_id"));
  EXPECT_EQ(second.json().at("existing"), true);
}

TEST_F(HttpRuns, RepeatedKeyReturnsTheFirstRun) {
  const ClientHeaders key{{"Idempotency-Key", "once"}};
  const auto first = call("POST", "/v1/runs", R"({"workflow":"order","input":{"a":1,"b":2}})", key);

  const auto second = call("POST", "/v1/runs", R"( {"input": {"b":2,"a":1}, "workflow":"order"} )", key);

  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(first.header("idempotent-replayed"), "");
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.header("idempotent-replayed"), "true");
  EXPECT_EQ(second.header("location"), first.header("location"));
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(service_.started().size(), 1U);
}

TEST_F(HttpRuns, RepeatedKeyWithAnotherBodyIsRefused) {
  const ClientHeaders key{{"Idempotency-Key", "once"}};
  call("POST", "/v1/runs", R"({"workflow":"order"})", key);

  expect_problem(call("POST", "/v1/runs", R"({"workflow":"order","priority":1})", key), 422, "idempotency-mismatch");
}

TEST_F(HttpRuns, KeyOfAFailedStartMayBeTriedAgain) {
  const ClientHeaders key{{"Idempotency-Key", "once"}};
  expect_problem(call("POST", "/v1/runs", R"({"workflow":"later"})", key), 404, "unknown-workflow");
  service_.add_workflow("later");

  EXPECT_EQ(call("POST", "/v1/runs", R"({"workflow":"later"})", key).status, 201);
}

TEST_F(HttpRuns, SecondOfTwoAtOnceIsToldThatTheFirstIsInFlight) {
  service_.hold_starts();
  HttpClient first(server_->port());
  const ClientHeaders headers{{"Idempotency-Key", "once"}, {"Authorization", std::string("Bearer ") + kAdminKey}};
  first.send(format_request("POST", "/v1/runs", R"({"workflow":"order"})", headers));
  while (service_.held_count() == 0) std::this_thread::yield();

  const auto second = call("POST", "/v1/runs", R"({"workflow":"order"})", {{"Idempotency-Key", "once"}});

  expect_problem(second, 409, "idempotency-in-flight");
  service_.release_held();
  EXPECT_EQ(first.read_response().status, 201);
}

TEST_F(HttpRuns, BadIdempotencyKeyIsAnInvalidParameter) {
  const ClientHeaders key{{"Idempotency-Key", std::string(513, 'x')}};

  expect_problem(call("POST", "/v1/runs", R"({"workflow":"order"})", key), 400, "invalid-parameter");
}

TEST_F(HttpRuns, WaitAnswersTheRunWhenItEnds) {
  HttpClient client(server_->port());
  const ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey}};
  client.send(format_request("POST", "/v1/runs?wait=60", R"({"workflow":"order"})", headers));
  while (service_.waiting_count() == 0) std::this_thread::yield();
  const Json page = call("GET", "/v1/runs").json();
  const auto run_id = RunId::parse(page.at("items").at(0).at("run_id").get<std::string>());

  service_.close_run(*run_id, RunState::succeeded);

  const auto response = client.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.json().at("state"), "succeeded");
  EXPECT_EQ(response.json().at("waiting_on"), Json::array());
}

TEST_F(HttpRuns, WaitThatEndsFirstAnswersAcceptedWithTheStart) {
  const auto response = call("POST", "/v1/runs?wait=0", R"({"workflow":"order"})");

  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.json().at("state"), "ready");
}

TEST_F(HttpRuns, WaitBeyondAMinuteIsAnInvalidParameter) {
  expect_problem(call("POST", "/v1/runs?wait=61", R"({"workflow":"order"})"), 400, "invalid-parameter");
}

TEST_F(HttpRuns, MalformedAndUnknownIdsAreNotFound) {
  expect_problem(call("GET", "/v1/runs/not-an-id"), 404, "not-found");
  expect_problem(call("GET", "/v1/runs/01890000-0000-7000-8000-000000000000"), 404, "not-found");
  expect_problem(call("GET", "/v1/runs/not-an-id/history"), 404, "not-found");
}

TEST_F(HttpRuns, RunOfAnotherNamespaceIsNotFound) {
  const auto started = call("POST", "/v1/runs", R"({"workflow":"order"})");

  expect_problem(call("GET", started.header("location"), "", {{"Orchestrator-Namespace", "other"}}), 404, "not-found");
}

TEST_F(HttpRuns, ListHasItemsWithoutInputAndACursor) {
  call("POST", "/v1/runs", R"({"workflow":"order","input":1})");
  call("POST", "/v1/runs", R"({"workflow":"order","input":2})");

  const auto response = call("GET", "/v1/runs?limit=1");

  ASSERT_EQ(response.status, 200);
  const Json page = response.json();
  ASSERT_EQ(page.at("items").size(), 1U);
  EXPECT_FALSE(page.at("items").at(0).contains("input"));
  EXPECT_FALSE(page.at("items").at(0).contains("output"));
  EXPECT_EQ(page.at("next_cursor"), page.at("items").at(0).at("run_id"));
  EXPECT_TRUE(call("GET", "/v1/runs").json().at("next_cursor").is_null());
}

TEST_F(HttpRuns, OnlyWhatNobodyHasDealtWithCanBeAskedFor) {
  EXPECT_EQ(call("GET", "/v1/runs?dead_letter=open").status, 200);
  EXPECT_TRUE(service_.last_filter().only_dead_letters);

  EXPECT_EQ(call("GET", "/v1/runs").status, 200);
  EXPECT_FALSE(service_.last_filter().only_dead_letters);

  expect_problem(call("GET", "/v1/runs?dead_letter=discarded"), 400, "invalid-parameter");
}

TEST_F(HttpRuns, ListHandsEveryFilterOn) {
  const auto response = call(
      "GET",
      "/v1/"
      "runs?state=waiting,failed&state=paused&workflow=order&version=3&key=o%2F1&error=Card.Declined&waiting_on=signal"
      "&parent_run_id=01890000-0000-7000-8000-000000000000&attribute.city=Pune&attribute.n=5&attribute.t=%225%22"
      "&started_after=2026-01-01T00:00:00Z&started_before=2026-02-01T00:00:00Z&q=ord&limit=7&cursor=abc");

  ASSERT_EQ(response.status, 200) << response.body;
  const auto filter = service_.last_filter();
  EXPECT_EQ(filter.states, (std::vector{RunState::waiting, RunState::failed, RunState::paused}));
  EXPECT_EQ(filter.workflow, "order");
  EXPECT_EQ(filter.version, 3);
  EXPECT_EQ(filter.key, "o/1");
  EXPECT_EQ(filter.error, "Card.Declined");
  EXPECT_EQ(filter.waiting_on, "signal");
  EXPECT_TRUE(filter.parent_run_id.has_value());
  const std::map<std::string, std::string> attributes{{"city", "\"Pune\""}, {"n", "5"}, {"t", "\"5\""}};
  EXPECT_EQ(filter.attributes, attributes);
  EXPECT_EQ(to_rfc3339(*filter.started_after), "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339(*filter.started_before), "2026-02-01T00:00:00.000Z");
  EXPECT_EQ(filter.text, "ord");
  EXPECT_EQ(filter.limit, 7);
  EXPECT_EQ(filter.cursor, "abc");
  EXPECT_EQ(filter.namespace_name, "default");
}

TEST_F(HttpRuns, BadListParametersAreNamed) {
  for (const char* query :
       {"limit=0", "limit=501", "limit=x", "limit=", "state=done", "version=0", "started_after=yesterday",
        "waiting_on=godot", "parent_run_id=1", "unknown=1", "attribute.=1"}) {
    const auto response = call("GET", std::string("/v1/runs?") + query);

    expect_problem(response, 400, "invalid-parameter");
    EXPECT_TRUE(response.json().contains("parameter")) << query;
  }
  expect_problem(call("GET", "/v1/runs?cursor=" + std::string(600, 'x')), 400, "invalid-parameter");
}

TEST_F(HttpRuns, CursorThatTheEngineRefusesIsAnInvalidParameter) {
  service_.fail_next(Error(ErrorCode::invalid_argument, "invalid-parameter", "the cursor is not one of ours"));

  expect_problem(call("GET", "/v1/runs?cursor=zzz"), 400, "invalid-parameter");
}

TEST_F(HttpRuns, HistoryIsAPage) {
  const auto started = call("POST", "/v1/runs", R"({"workflow":"order"})");

  const auto response = call("GET", started.header("location") + "/history?limit=10");

  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.json().at("items").at(0).at("type"), "ExecutionStarted");
  EXPECT_TRUE(response.json().at("next_cursor").is_null());
}

TEST_F(HttpRuns, EngineThatIsAwayIsUnavailableWithRetryAfter) {
  service_.fail_next(Error(ErrorCode::unavailable, "the database does not answer"));

  const auto response = call("POST", "/v1/runs", R"({"workflow":"order"})");

  expect_problem(response, 503, "unavailable");
  EXPECT_EQ(response.header("retry-after"), "1");
}

}  // namespace
}  // namespace orchestrator::api
