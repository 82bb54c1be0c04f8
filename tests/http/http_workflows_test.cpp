#include <map>
#include <set>

#include "tests/http/api_server.hpp"

namespace orchestrator::api {
namespace {

constexpr const char* kDefinition = R"({"StartAt":"Pay","States":{
  "Pay":{"Type":"Task","Resource":"handler:pay","Next":"Check","Catch":[{"ErrorEquals":["States.ALL"],"Next":"Failed"}]},
  "Check":{"Type":"Choice","Choices":[{"Variable":"$.ok","BooleanEquals":true,"Next":"Both"}],"Default":"Failed"},
  "Both":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"A/1","States":{"A/1":{"Type":"Pass","End":true}}}]},
  "Failed":{"Type":"Fail"}}})";

class HttpWorkflows : public ApiServer {};

TEST_F(HttpWorkflows, DeployAnswersCreatedAndTheSameTextAgainOk) {
  const auto first = call("POST", "/v1/workflows/order/versions", kDefinition);
  const auto second = call("POST", "/v1/workflows/order/versions", kDefinition);

  ASSERT_EQ(first.status, 201) << first.body;
  EXPECT_EQ(first.header("location"), "/v1/workflows/order/versions/1");
  EXPECT_EQ(first.json().at("workflow"), "order");
  EXPECT_EQ(first.json().at("version"), 1);
  EXPECT_EQ(first.json().at("warnings"), Json::array());
  EXPECT_TRUE(first.json().at("checksum").is_string());
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.json().at("version"), 1);
}

TEST_F(HttpWorkflows, YamlIsTheSameDefinition) {
  const std::string yaml =
      "StartAt: Pay\nStates:\n  Pay:\n    Type: Wait\n    Seconds: 5\n    Comment: 'true'\n    Next: Done\n  Done: "
      "{Type: Succeed}\n";
  const ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey},
                              {"Content-Type", "application/yaml"}};

  const auto deployed = call_as("POST", "/v1/workflows/order/versions", yaml, headers);

  ASSERT_EQ(deployed.status, 201) << deployed.body;
  const Json pay = call("GET", "/v1/workflows/order").json().at("definition").at("States").at("Pay");
  EXPECT_EQ(pay.at("Seconds"), 5);
  EXPECT_EQ(pay.at("Comment"), "true");
}

TEST_F(HttpWorkflows, BrokenYamlIsMalformedWithItsPlace) {
  const ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey}, {"Content-Type", "text/yaml"}};

  for (const char* text : {"a: [1, 2", "a: 1\na: 2\n", "a: 1\n---\nb: 2\n", "? [1]\n: 2\n"}) {
    expect_problem(call_as("POST", "/v1/workflows/order/versions", text, headers), 400, "malformed-json");
  }
}

TEST_F(HttpWorkflows, YamlThatUnfoldsWithoutEndIsRefused) {
  std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) text += "," + before;
    text += "]\n";
  }
  const ClientHeaders headers{{"Authorization", std::string("Bearer ") + kAdminKey},
                              {"Content-Type", "application/yaml"}};

  expect_problem(call_as("POST", "/v1/workflows/order/versions", text, headers), 400, "malformed-json");
}

TEST_F(HttpWorkflows, InvalidDefinitionPointsAtItsFaults) {
  Error error(ErrorCode::invalid_argument, "invalid-definition", "2 faults");
  error.faults = {
      {.pointer = "/States/Pay/Next", .code = "MISSING_TRANSITION_TARGET", .message = "there is no state Nope"},
      {.pointer = "/StartAt", .code = "MISSING", .message = "is required"}};
  service_.fail_next(error);

  const auto response = call("POST", "/v1/workflows/order/versions", kDefinition);

  expect_problem(response, 422, "invalid-definition");
  ASSERT_EQ(response.json().at("errors").size(), 2U);
  EXPECT_EQ(response.json().at("errors").at(0).at("pointer"), "/States/Pay/Next");
  EXPECT_EQ(response.json().at("errors").at(0).at("code"), "MISSING_TRANSITION_TARGET");
}

TEST_F(HttpWorkflows, VersionsAreListedAndRead) {
  call("POST", "/v1/workflows/order/versions", kDefinition);
  call("POST", "/v1/workflows/order/versions", R"({"StartAt":"A","States":{"A":{"Type":"Succeed"}}})");

  const Json list = call("GET", "/v1/workflows").json();
  EXPECT_EQ(list.at("items").at(0).at("workflow"), "order");
  EXPECT_EQ(list.at("items").at(0).at("versions"), Json({1, 2}));
  const Json newest = call("GET", "/v1/workflows/order").json();
  EXPECT_EQ(newest.at("version"), 2);
  EXPECT_EQ(newest.at("definition").at("StartAt"), "A");
  EXPECT_EQ(newest.at("versions"), Json({1, 2}));
  const Json first = call("GET", "/v1/workflows/order/versions/1").json();
  EXPECT_EQ(first.at("definition").at("StartAt"), "Pay");
}

TEST_F(HttpWorkflows, UnknownNamesAndVersionsAreNotFound) {
  call("POST", "/v1/workflows/order/versions", kDefinition);

  for (const char* path :
       {"/v1/workflows/nope", "/v1/workflows/nope/graph", "/v1/workflows/bad%20name", "/v1/workflows/order/versions/2",
        "/v1/workflows/order/versions/0", "/v1/workflows/order/versions/-1", "/v1/workflows/order/versions/1x"}) {
    expect_problem(call("GET", path), 404, "not-found");
  }
}

TEST_F(HttpWorkflows, NamesMayBePercentEncoded) {
  call("POST", "/v1/workflows/shop%3Aorder/versions", kDefinition);

  EXPECT_EQ(call("GET", "/v1/workflows/shop:order").status, 200);
}

TEST_F(HttpWorkflows, GraphHasAllStatesAndEveryWayOut) {
  call("POST", "/v1/workflows/order/versions", kDefinition);

  const Json graph = call("GET", "/v1/workflows/order/graph").json();

  EXPECT_EQ(graph.at("start"), "/States/Pay");
  ASSERT_EQ(graph.at("nodes").size(), 5U);
  std::map<std::string, Json> nodes;
  for (const Json& node : graph.at("nodes")) nodes[node.at("id")] = node;
  EXPECT_EQ(nodes.at("/States/Pay").at("resource"), "handler:pay");
  EXPECT_EQ(nodes.at("/States/Pay").at("start"), true);
  EXPECT_EQ(nodes.at("/States/Failed").at("end"), true);
  EXPECT_EQ(nodes.at("/States/Both/Branches/0/States/A~11").at("parent"), "/States/Both");
  std::set<std::string> edges;
  for (const Json& edge : graph.at("edges")) {
    edges.insert(edge.at("from").get<std::string>() + " " + edge.at("kind").get<std::string>() + " " +
                 edge.at("to").get<std::string>());
  }
  const std::set<std::string> expected{"/States/Pay next /States/Check", "/States/Pay catch /States/Failed",
                                       "/States/Check choice /States/Both", "/States/Check default /States/Failed"};
  EXPECT_EQ(edges, expected);
}

}  // namespace
}  // namespace orchestrator::api
