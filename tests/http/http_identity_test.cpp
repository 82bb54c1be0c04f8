// Who may call, which paths there are, and what the probes say.
#include <mutex>

#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

class HttpIdentity : public ApiServer {};

TEST_F(HttpIdentity, NoWrongOrMisspeltCredentialIsUnauthenticated) {
  const std::vector<ClientHeaders> attempts{{},
                                            {{"Authorization", "Bearer wrong-key-0123456789abc"}},
                                            {{"Authorization", "Bearer "}},
                                            {{"Authorization", kAdminKey}},
                                            {{"Authorization", std::string("Basic ") + kAdminKey}},
                                            {{"Authorization", std::string("Bearer ") + kAdminKey + "x"}}};
  for (const auto& headers : attempts) {
    const auto response = call_as("GET", "/v1/runs", "", headers);

    expect_problem(response, 401, "unauthenticated");
    EXPECT_EQ(response.header("www-authenticate"), "Bearer");
  }
}

TEST_F(HttpIdentity, SchemeIsReadWithoutCase) {
  EXPECT_EQ(call_as("GET", "/v1/runs", "", {{"authorization", std::string("bearer ") + kAdminKey}}).status, 200);
}

TEST_F(HttpIdentity, AdminKeyReachesTheNamespaceOfTheHeader) {
  EXPECT_EQ(call("GET", "/v1/runs", "", {{"Orchestrator-Namespace", "shop"}}).status, 200);

  EXPECT_EQ(service_.last_filter().namespace_name, "shop");
}

TEST_F(HttpIdentity, NamespaceThatDoesNotExistIsForbidden) {
  service_.add_workflow("order");
  const ClientHeaders misspelt{{"Orchestrator-Namespace", "shpo"}};

  expect_problem(call("GET", "/v1/runs", "", {{"Orchestrator-Namespace", "no spaces"}}), 403, "forbidden");
  expect_problem(call("GET", "/v1/runs", "", misspelt), 403, "forbidden");
  expect_problem(call("POST", "/v1/runs", R"({"workflow":"order"})", misspelt), 403, "forbidden");
  EXPECT_TRUE(service_.started().empty());
}

TEST_F(HttpIdentity, NamespaceIsReachedOnceItIsCreated) {
  const auto created = call("POST", "/v1/namespaces", R"({"name":"stall"})");
  const auto again = call("POST", "/v1/namespaces", R"({"name":"stall"})");

  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.json().at("name"), "stall");
  EXPECT_TRUE(created.json().at("created_at").is_string());
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(call("GET", "/v1/runs", "", {{"Orchestrator-Namespace", "stall"}}).status, 200);
  const Json items = call("GET", "/v1/namespaces").json().at("items");
  EXPECT_EQ(items.size(), 4U);
  EXPECT_EQ(items.at(0).at("name"), "default");
}

TEST_F(HttpIdentity, NamespaceNeedsAValidName) {
  expect_problem(call("POST", "/v1/namespaces", R"({"name":"a b"})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/namespaces", R"({"name":"a","role":"x"})"), 422, "invalid-body");
  expect_problem(call("POST", "/v1/namespaces", "{}"), 422, "invalid-body");
}

TEST_F(HttpIdentity, ProbesNeedNoCredential) {
  ApiOptions options;
  options.metrics_text = [] { return std::string("orchestrator_up 1\n"); };
  start(std::move(options), ServerOptions{});

  for (const char* path : {"/", "/livez", "/readyz", "/metrics"}) {
    EXPECT_EQ(call_as("GET", path, "", {}).status, 200) << path;
  }
  EXPECT_EQ(call_as("GET", "/metrics", "", {}).body, "orchestrator_up 1\n");
}

TEST_F(HttpIdentity, ReadinessFollowsTheEngine) {
  service_.fail_next(Error(ErrorCode::unavailable, "the database does not answer"));

  expect_problem(call_as("GET", "/readyz", "", {}), 503, "unavailable");
  EXPECT_EQ(call_as("GET", "/readyz", "", {}).status, 200);
}

TEST_F(HttpIdentity, ReadinessEndsWithTheDrain) {
  api_->drain();

  expect_problem(call_as("GET", "/readyz", "", {}), 503, "unavailable");
}

TEST_F(HttpIdentity, NodesAreListed) {
  const auto response = call("GET", "/v1/nodes");

  ASSERT_EQ(response.status, 200);
  const Json node = response.json().at("items").at(0);
  EXPECT_EQ(node.at("node_id"), "node-1");
  EXPECT_EQ(node.at("shards"), Json({0, 1}));
  EXPECT_EQ(node.at("lease_until"), "2025-11-20T04:30:00.000Z");
}

TEST_F(HttpIdentity, UnknownPathIsNoSuchRoute) {
  for (const char* path : {"/v1/nothing", "/v2/runs", "/v1/runs/", "/v1//runs", "/v1/runs/a/b/c/d/e/f/g/h/i/j/k/l/m"}) {
    expect_problem(call("GET", path), 404, "no-such-route");
  }
}

TEST_F(HttpIdentity, KnownPathWithAnotherMethodNamesTheAllowedOnes) {
  const auto response = call("DELETE", "/v1/runs");

  expect_problem(response, 405, "method-not-allowed");
  EXPECT_EQ(response.header("allow"), "POST, GET, HEAD");
  EXPECT_EQ(call("BREW", "/livez").status, 405);
}

TEST_F(HttpIdentity, WhatIsNotBuiltYetSaysSo) {
  expect_problem(call("POST", "/v1/operations", "{}"), 501, "not-implemented");
  expect_problem(call("POST", "/v1/runs/01890000-0000-7000-8000-000000000000/pause", "{}"), 501, "not-implemented");
}

TEST_F(HttpIdentity, OtherMediaTypesAreUnsupported) {
  const ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey},
                              {"Content-Type", "application/x-www-form-urlencoded"}};

  expect_problem(call_as("POST", "/v1/runs", "a=1", headers), 415, "unsupported-media-type");
}

TEST_F(HttpIdentity, JsonSuffixesAndCharsetsAreTaken) {
  service_.add_workflow("order");
  for (const char* type : {"application/json; charset=utf-8", "application/vnd.example+json", "APPLICATION/JSON"}) {
    const ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey}, {"Content-Type", type}};
    EXPECT_EQ(call_as("POST", "/v1/runs", R"({"workflow":"order"})", headers).status, 201) << type;
  }
}

TEST_F(HttpIdentity, EveryAnswerIsReportedUnderItsRoute) {
  struct Line {
    std::string method, route;
    int status;
    bool operator==(const Line&) const = default;
  };
  std::mutex mutex;
  std::vector<Line> lines;
  ApiOptions options;
  options.on_request = [&](const RequestReport& report) {
    const std::lock_guard lock(mutex);
    lines.push_back({std::string{report.method}, std::string{report.route}, report.status});
  };
  start(std::move(options), ServerOptions{});

  call("GET", "/v1/runs/nope");
  call("GET", "/nothing");
  call_as("GET", "/v1/runs", "", {});

  const std::vector<Line> expected{{"GET", "/v1/runs/{id}", 404}, {"GET", "none", 404}, {"GET", "/v1/runs", 401}};
  const std::lock_guard lock(mutex);
  EXPECT_EQ(lines, expected);
}

}  // namespace
}  // namespace orchestrator::api
