#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

class HttpDeadLetters : public ApiServer {
 protected:
  RunId add(store::DeadLetter dead_letter) {
    store::RunView view;
    view.header.namespace_name = "default";
    view.header.workflow = "order";
    view.state = RunState::failed;
    view.error = "Provider.Down";
    view.attempts = 5;
    view.closed_at = *parse_rfc3339("2025-11-20T04:30:00Z");
    view.dead_letter = dead_letter;
    return service_.add_run(view);
  }
};

TEST_F(HttpDeadLetters, ItemsSayWhyWhenAndWhoHadThem) {
  const RunId id = add(store::DeadLetter::open);
  add(store::DeadLetter::discarded);

  const auto response = call("GET", "/v1/dead-letters?error=Provider.Down&reason=exhausted&limit=7");

  ASSERT_EQ(response.status, 200) << response.body;
  const Json items = response.json().at("items");
  ASSERT_EQ(items.size(), 1U);
  const Json& item = items.at(0);
  EXPECT_EQ(item.at("run_id"), id.str());
  EXPECT_EQ(item.at("reason"), "exhausted");
  EXPECT_EQ(item.at("failed_at"), "2025-11-20T04:30:00.000Z");
  EXPECT_EQ(item.at("attempts"), 5);
  EXPECT_EQ(item.at("worker"), "w-1");
  EXPECT_EQ(item.at("failed_attempts").at(0).at("error"), "Provider.Down");
  EXPECT_EQ(item.at("failed_attempts").at(0).at("started_at"), nullptr);
  EXPECT_FALSE(item.contains("input"));
  EXPECT_EQ(service_.last_filter().error, "Provider.Down");
  EXPECT_EQ(service_.last_filter().limit, 7);
  EXPECT_TRUE(call("GET", "/v1/dead-letters?reason=poison").json().at("items").empty());
}

TEST_F(HttpDeadLetters, UnknownReasonsAndFiltersAreRefused) {
  for (const char* wrong : {"reason=tired", "color=red", "limit=0", "reason="}) {
    const auto response = call("GET", std::string("/v1/dead-letters?") + wrong);
    EXPECT_EQ(response.status, 400) << wrong;
    EXPECT_EQ(response.json().at("type"), "/problems/invalid-parameter");
  }
}

TEST_F(HttpDeadLetters, RetryTakesAnEditedInputAndAsksForADeadLetter) {
  const RunId id = add(store::DeadLetter::open);

  const auto response =
      call("POST", "/v1/dead-letters/" + id.str() + "/retry", R"({"input":{"amount":5},"reason":"corrected"})");

  EXPECT_EQ(response.status, 202) << response.body;
  EXPECT_EQ(response.json().at("run_id"), id.str());
  const auto retries = service_.retries();
  ASSERT_EQ(retries.size(), 1U);
  EXPECT_TRUE(retries[0].only_dead_letter);
  EXPECT_EQ(retries[0].reason, "corrected");
  EXPECT_EQ(json_of(retries[0].input).at("amount"), 5);
  EXPECT_EQ(call("POST", "/v1/dead-letters/" + id.str() + "/retry", R"({"why":1})").status, 422);
  EXPECT_EQ(call("POST", "/v1/dead-letters/nobody/retry", "{}").status, 404);
}

TEST_F(HttpDeadLetters, DiscardNeedsAReasonAndHappensOnce) {
  const RunId id = add(store::DeadLetter::open);
  const std::string path = "/v1/dead-letters/" + id.str() + "/discard";

  EXPECT_EQ(call("POST", path).status, 422);
  EXPECT_EQ(call("POST", path, R"({"reason":""})").status, 422);
  const auto response = call("POST", path, R"({"reason":"the customer left"})");

  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(response.json().at("state"), "failed");
  EXPECT_EQ(response.json().at("dead_letter"), "discarded");
  const auto again = call("POST", path, R"({"reason":"the customer left"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.json().at("type"), "/problems/wrong-state");
}

}  // namespace
}  // namespace orchestrator::api
