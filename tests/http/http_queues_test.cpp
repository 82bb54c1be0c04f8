#include <algorithm>

#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

class HttpQueues : public ApiServer {
 protected:
  /// The pointers of the faults that a body has.
  std::vector<std::string> faults_of(const std::string& body) {
    const auto refused = call("PUT", "/v1/queues/mail/limits", body);
    expect_problem(refused, 422, "invalid-body");
    std::vector<std::string> pointers;
    const Json problem = refused.json();
    for (const Json& fault : problem.at("errors")) pointers.push_back(fault.at("pointer"));
    return pointers;
  }
};

TEST_F(HttpQueues, AreListedWithTheirFiguresAndWhoDidNotAnswer) {
  const auto answer = call("GET", "/v1/queues");

  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json item = answer.json().at("items").at(0);
  EXPECT_EQ(item.at("name"), "default");
  EXPECT_EQ(item.at("depth"), 3);
  EXPECT_EQ(item.at("in_flight"), 1);
  EXPECT_EQ(item.at("oldest_ready_age_seconds"), 1.5);
  EXPECT_EQ(item.at("rate_per_second"), 0);
  EXPECT_EQ(item.at("paused"), false);
  EXPECT_EQ(item.at("limits"), Json::object());
  EXPECT_EQ(item.at("workers").at(0).at("worker_id"), "node-a");
  EXPECT_EQ(answer.json().at("missing_nodes"), Json({"node-b"}));
}

TEST_F(HttpQueues, ArePausedWithAReasonAndResumed) {
  const auto paused = call("POST", "/v1/queues/mail/pause", R"({"reason":"the provider is down"})");
  const auto resumed = call("POST", "/v1/queues/mail/resume");

  ASSERT_EQ(paused.status, 200) << paused.body;
  EXPECT_EQ(paused.json().at("name"), "mail");
  EXPECT_EQ(paused.json().at("paused"), true);
  EXPECT_EQ(paused.json().at("reason"), "the provider is down");
  ASSERT_EQ(resumed.status, 200) << resumed.body;
  const auto changes = service_.queue_changes();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].paused, true);
  EXPECT_EQ(changes[1].paused, false);
  EXPECT_FALSE(changes[0].limits);
}

TEST_F(HttpQueues, LimitsAreReplacedAndRepeated) {
  const Json body = {{"max_in_flight", 5},
                     {"concurrency_per_key", 2},
                     {"rate_per_key", {{"count", 10}, {"per_seconds", 60}}},
                     {"rate", {{"count", 100}, {"per_seconds", 1}}},
                     {"weight", 3}};

  const auto answer = call("PUT", "/v1/queues/mail/limits", dump_json(body));

  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("limits"), body);
  const auto changes = service_.queue_changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].paused);
  EXPECT_EQ(changes[0].limits->rate->count, 100);
  EXPECT_EQ(call("PUT", "/v1/queues/mail/limits", "{}").json().at("limits"), Json::object());
}

TEST_F(HttpQueues, BadLimitsAreNamedOneByOne) {
  EXPECT_EQ(faults_of(R"({"max_in_flight":0})"), std::vector<std::string>{"/max_in_flight"});
  EXPECT_EQ(faults_of(R"({"max_inflight":1})"), std::vector<std::string>{"/max_inflight"});
  EXPECT_EQ(faults_of(R"({"concurrency_per_key":-1})"), std::vector<std::string>{"/concurrency_per_key"});
  EXPECT_EQ(faults_of(R"({"weight":1001})"), std::vector<std::string>{"/weight"});
  EXPECT_EQ(faults_of(R"({"rate":5})"), std::vector<std::string>{"/rate"});
  EXPECT_EQ(faults_of(R"({"rate":{"count":5}})"), std::vector<std::string>{"/rate/per_seconds"});
  EXPECT_EQ(faults_of(R"({"rate_per_key":{"count":0,"per_seconds":0,"burst":1}})").size(), 3U);
}

TEST_F(HttpQueues, ANameThatCannotBeOneIsNotFound) {
  expect_problem(call("POST", "/v1/queues/a%20b/pause"), 404, "not-found");
  expect_problem(call("PUT", "/v1/queues/a%20b/limits", "{}"), 404, "not-found");
  expect_problem(call("POST", "/v1/queues/mail/pause", R"({"why":"x"})"), 422, "invalid-body");
}

}  // namespace
}  // namespace orchestrator::api
