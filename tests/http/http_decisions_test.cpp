// What people are asked, and who may answer.
#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

constexpr const char* kOperatorKey = "operator-key-0123456789";
constexpr const char* kViewerKey = "viewer-key-0123456789";

class HttpDecisions : public ApiServer {
 protected:
  /// A run that waits for these decisions.
  RunId a_run_asking(const Json& waiting_on) {
    store::RunView view;
    view.header.namespace_name = "default";
    view.header.workflow = "payout";
    view.header.version = 3;
    view.header.key = "order-1";
    view.state = RunState::waiting;
    view.waiting_on = dump_json(waiting_on);
    return service_.add_run(std::move(view));
  }

  static Json asked(const std::string& name, const Json& roles) {
    return {{"kind", "decision"},
            {"state_name", "Ask"},
            {"name", name},
            {"names", {name, "x"}},
            {"key", "order-1"},
            {"title", "Pay?"},
            {"roles", roles},
            {"since", "2026-01-01T00:00Z"},
            {"until", "2026-01-02T00:00Z"}};
  }

  ClientResponse call_with(const char* key, const std::string& method, const std::string& target,
                           const std::string& body = {}) {
    return call_as(method, target, body,
                   {{"Authorization", std::string("Bearer ") + key}, {"Content-Type", "application/json"}});
  }

  void start_with_keys() {
    ApiOptions options;
    options.keys.push_back({"till", kOperatorKey, Role::operator_, {"default", "shop"}});
    options.keys.push_back({"screen", kViewerKey, Role::viewer, {"shop"}});
    start(std::move(options), ServerOptions{});
  }
};

TEST_F(HttpDecisions, AreListedWithWhatTheyAsk) {
  const RunId run = a_run_asking({{{"kind", "timer"}}, asked("approve", {"operator"})});

  const auto response = call("GET", "/v1/decisions?workflow=payout");

  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(service_.last_filter().waiting_on, "decision");
  EXPECT_EQ(service_.last_filter().workflow, "payout");
  ASSERT_EQ(response.json().at("items").size(), 1U);
  const Json item = response.json().at("items").at(0);
  EXPECT_EQ(item.at("run_id"), run.str());
  EXPECT_EQ(item.at("name"), "approve");
  EXPECT_EQ(item.at("names"), Json({"approve", "x"}));
  EXPECT_EQ(item.at("signal_key"), "order-1");
  EXPECT_EQ(item.at("title"), "Pay?");
  EXPECT_TRUE(item.at("schema").is_null());
  EXPECT_EQ(item.at("roles"), Json({"operator"}));
  EXPECT_EQ(item.at("until"), "2026-01-02T00:00Z");
  EXPECT_TRUE(response.json().at("next_cursor").is_null());
}

TEST_F(HttpDecisions, RoleShowsWhatItMayAnswer) {
  a_run_asking({asked("a", {"operator"}), asked("b", {"admin"}), asked("c", Json::array()), asked("d", {"treasurer"})});
  const auto names = [this](const std::string& role) {
    std::string text;
    const Json page = call("GET", "/v1/decisions?role=" + role).json();
    for (const Json& item : page.at("items")) text += item.at("name").get<std::string>();
    return text;
  };

  EXPECT_EQ(names("viewer"), "c");
  EXPECT_EQ(names("developer"), "ac");
  EXPECT_EQ(names("admin"), "abcd");
  EXPECT_EQ(names("treasurer"), "cd");
}

TEST_F(HttpDecisions, PagesNeitherRepeatNorMissWithinARun) {
  a_run_asking({asked("a", {}), asked("b", {}), asked("c", {})});
  a_run_asking(Json::array({asked("d", {})}));
  a_run_asking({asked("e", {}), asked("f", {})});

  std::string seen;
  std::string cursor;
  for (int pages = 0; pages < 10; ++pages) {
    const Json page = call("GET", "/v1/decisions?limit=2&cursor=" + cursor).json();
    EXPECT_LE(page.at("items").size(), 2U);
    for (const Json& item : page.at("items")) seen += item.at("name").get<std::string>();
    if (page.at("next_cursor").is_null()) break;
    cursor = page.at("next_cursor").get<std::string>();
  }

  EXPECT_EQ(seen, "efdabc");
}

TEST_F(HttpDecisions, OtherCursorsAndParametersAreRefused) {
  for (const char* query :
       {"cursor=a~b", "cursor=a~b~c", "cursor=~01890000-0000-7000-8000-000000000000~x", "limit=0", "state=ready"}) {
    expect_problem(call("GET", std::string("/v1/decisions?") + query), 400, "invalid-parameter");
  }
}

TEST_F(HttpDecisions, TheSendersRoleTravelsWithTheAnswer) {
  start_with_keys();
  const std::string run = "/v1/runs/" + a_run_asking(Json::array({asked("approve", {"operator"})})).str();

  EXPECT_EQ(call_with(kOperatorKey, "POST", run + "/signals/approve", "true").status, 202);
  EXPECT_EQ(call_with(kOperatorKey, "POST", "/v1/signals/approve", R"({"key":"order-1"})").status, 202);
  EXPECT_EQ(call("POST", "/v1/signals/approve", R"({"key":"order-1"})").status, 202);

  ASSERT_EQ(service_.signals().size(), 3U);
  EXPECT_EQ(service_.signals()[0].sender, Role::operator_);
  EXPECT_EQ(service_.signals()[1].sender, Role::operator_);
  EXPECT_EQ(service_.signals()[2].sender, Role::admin);
}

TEST_F(HttpDecisions, AnswerOfAnotherRoleIsForbidden) {
  const std::string run = "/v1/runs/" + a_run_asking(Json::array({asked("approve", {"admin"})})).str();
  service_.fail_next(Error(ErrorCode::precondition_failed, "decision-role", "for admins").with("roles", "admin"));

  const auto response = call("POST", run + "/signals/approve", "true");

  expect_problem(response, 403, "decision-role");
  EXPECT_EQ(response.json().at("roles"), "admin");
}

TEST_F(HttpDecisions, KeysReachTheirNamespacesOnly) {
  start_with_keys();
  const auto list_in = [this](const char* key, const char* namespace_name) {
    return call_as("GET", "/v1/runs", "",
                   {{"Authorization", std::string("Bearer ") + key}, {"Orchestrator-Namespace", namespace_name}});
  };

  EXPECT_EQ(call_with(kViewerKey, "GET", "/v1/runs").status, 200);
  EXPECT_EQ(service_.last_filter().namespace_name, "shop");
  EXPECT_EQ(list_in(kOperatorKey, "shop").status, 200);
  expect_problem(list_in(kViewerKey, "default"), 403, "forbidden");
}

TEST_F(HttpDecisions, TooSmallARoleIsForbidden) {
  start_with_keys();
  service_.add_workflow("order");
  const auto refused = [this](const char* key, const std::string& target, const char* body) {
    expect_problem(call_with(key, "POST", target, body), 403, "forbidden");
  };

  refused(kViewerKey, "/v1/signals/approve", R"({"key":"order-1"})");
  refused(kOperatorKey, "/v1/runs", R"({"workflow":"order"})");
  refused(kOperatorKey, "/v1/workflows/order/versions", "{}");
  refused(kOperatorKey, "/v1/signals/paid", R"({"key":"order-1","start":{"workflow":"order"}})");
  EXPECT_EQ(call_with(kOperatorKey, "POST", "/v1/signals/paid", R"({"key":"order-1"})").status, 202);
}

}  // namespace
}  // namespace orchestrator::api
