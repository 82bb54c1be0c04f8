#include "orchestrator/tools/simulate.hpp"

#include <gtest/gtest.h>

namespace orchestrator::tools {
namespace {

Json simulated(const char* definition, Json input, Json mocks, int max_steps = 10'000) {
  SimulateRequest request;
  request.definition = *parse_json(definition);
  request.input = std::move(input);
  request.mocks = std::move(mocks);
  request.max_steps = max_steps;
  auto report = simulate(request);
  EXPECT_TRUE(report) << report.error().message;
  return report ? *report : Json();
}

std::string types_of(const Json& report) {
  std::string text;
  for (const Json& event : report["events"]) text += (text.empty() ? "" : " ") + event["type"].get<std::string>();
  return text;
}

constexpr const char* kPay = R"({"StartAt": "Pay", "States": {
  "Pay": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 30, "Next": "Wait",
          "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10}],
          "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "TooLate"}]},
  "Wait": {"Type": "Wait", "Seconds": 60, "End": true},
  "TooLate": {"Type": "Fail", "Error": "TooLate"}}})";

TEST(Simulate, RunsRetriesAndWaitsOnItsOwnClock) {
  const Json report =
      simulated(kPay, {{"order", 1}}, {{"tasks", {{"Pay", {{{"error", "Busy"}}, {{"return", {{"ok", true}}}}}}}}});

  EXPECT_EQ(report["status"], "SUCCEEDED");
  EXPECT_EQ(report["output"], Json({{"ok", true}}));
  EXPECT_EQ(report["states_entered"], Json({"Pay", "Wait"}));
  EXPECT_EQ(report["virtual_seconds"], 70);
  EXPECT_EQ(report["task_inputs"].size(), 2U);
  EXPECT_EQ(report["task_inputs"][0], Json({{"state", "Pay"}, {"input", {{"order", 1}}}}));
  EXPECT_EQ(
      types_of(report),
      "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskFailed TaskScheduled TaskStarted TaskSucceeded "
      "TaskStateExited WaitStateEntered WaitStateExited ExecutionSucceeded");
}

TEST(Simulate, EventsHaveDenseIdsAndCausalLinks) {
  const Json report = simulated(kPay, Json::object(), {{"tasks", {{"Pay", {{{"return", 1}}}}}}});

  int id = 0;
  for (const Json& event : report["events"]) {
    EXPECT_EQ(event["id"], ++id);
    EXPECT_LT(event["previousEventId"].get<int>(), id);
    EXPECT_TRUE(event.contains("timestamp"));
  }
  EXPECT_EQ(report["events"][1]["name"], "Pay");
}

TEST(Simulate, AHangingTaskRunsIntoItsTimeout) {
  const Json report = simulated(kPay, Json::object(), {{"tasks", {{"Pay", {{{"hang", true}}}}}}});

  EXPECT_EQ(report["status"], "FAILED");
  EXPECT_EQ(report["error"], "TooLate");
  EXPECT_FALSE(report.contains("cause"));
  EXPECT_EQ(report["virtual_seconds"], 30);
}

TEST(Simulate, PrefersTheAnswerThatExpectsTheInput) {
  const char* text = R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "T",
    "States": {"T": {"Type": "Task", "Resource": "handler:x", "End": true}}}}}})";

  const Json report = simulated(text, {2, 1, 3}, *parse_json(R"({"tasks": {"T": [
    {"return": "any"}, {"return": "three", "expect_input": 3}, {"return": "one", "expect_input": 1}]}})"));

  EXPECT_EQ(report["output"], Json({"any", "one", "three"}));
}

TEST(Simulate, MocksThatRunOutAreATaskError) {
  const Json report = simulated(kPay, Json::object(), Json::object());

  EXPECT_EQ(report["status"], "FAILED");
  EXPECT_EQ(report["error"], "Mock.Exhausted");
}

TEST(Simulate, BringsSignalsAtTheirTime) {
  const char* text = R"({"StartAt": "W", "States": {"W": {"Type": "Task", "Resource": "signal:paid|refused",
    "Parameters": {"key.$": "$.order"}, "TimeoutSeconds": 100, "End": true}}})";

  const Json taken = simulated(text, {{"order", "7"}},
                               {{"signals",
                                 {{{"at", 5}, {"name", "paid"}, {"key", "8"}, {"payload", 0}},
                                  {{"at", 20}, {"name", "refused"}, {"key", "7"}, {"payload", "no"}}}}});
  const Json late =
      simulated(text, {{"order", "7"}}, {{"signals", {{{"at", 500}, {"name", "paid"}, {"key", "7"}, {"payload", 1}}}}});

  EXPECT_EQ(taken["output"]["name"], "refused");
  EXPECT_EQ(taken["output"]["payload"], "no");
  EXPECT_EQ(taken["virtual_seconds"], 20);
  EXPECT_EQ(late["status"], "FAILED");
  EXPECT_EQ(late["error"], "States.Timeout");
  EXPECT_EQ(late["virtual_seconds"], 100);
}

TEST(Simulate, GivesTheContextOfTheMocks) {
  const char* text = R"({"StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": {"id.$": "$$.Execution.Id",
    "start.$": "$$.Execution.StartTime", "token.$": "$$.Task.Token"}, "End": true}}})";

  const Json report = simulated(
      text, nullptr,
      {{"now", "2027-05-05T00:00:00Z"}, {"context", {{"Execution", {{"Id", "e-1"}}}, {"Task", {{"Token", "t-1"}}}}}});

  EXPECT_EQ(report["output"], Json({{"id", "e-1"}, {"start", "2027-05-05T00:00:00.000Z"}, {"token", "t-1"}}));
}

TEST(Simulate, GivesUpOnARunThatNeverEnds) {
  const char* forever = R"({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "Next": "C"},
    "C": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": false, "Next": "E"}], "Default": "W"}, "E": {"Type": "Succeed"}}})";
  const char* silent =
      R"({"StartAt": "W", "States": {"W": {"Type": "Task", "Resource": "signal:never", "End": true}}})";

  EXPECT_EQ(simulated(forever, nullptr, Json::object(), 50)["status"], "ABORTED");
  EXPECT_EQ(simulated(silent, nullptr, Json::object())["status"], "ABORTED");
}

TEST(Simulate, NamesEveryUnknownMemberOfTheMocks) {
  SimulateRequest request;
  request.definition = *parse_json(kPay);
  request.mocks = *parse_json(R"({"version": 1, "task": {}, "tasks": {"Pay": [{"return": 1}], "a/b": [{"retrun": 1}]},
    "signals": [{"at": 1, "name": "paid", "key": "7", "payload": 1}, {"at": 1, "name": "x", "playload": 1}]})");

  const auto refused = simulate(request);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().slug, "invalid-mocks");
  std::vector<std::string> places;
  for (const FaultDetail& fault : refused.error().faults) places.push_back(fault.pointer);
  EXPECT_EQ(places, (std::vector<std::string>{"/task", "/tasks/a~1b/0/retrun", "/signals/1/playload"}));
  EXPECT_EQ(refused.error().message, "mocks: /task is not known here");
}

TEST(Simulate, RefusesInvalidDefinitionsAndMocks) {
  SimulateRequest invalid;
  invalid.definition = Json::object();
  SimulateRequest bad_mocks;
  bad_mocks.definition = *parse_json(kPay);
  bad_mocks.mocks = Json({{"tasks", 1}});

  EXPECT_EQ(simulate(invalid).error().slug, "invalid-definition");
  EXPECT_EQ(simulate(bad_mocks).error().slug, "invalid-mocks");
}

}  // namespace
}  // namespace orchestrator::tools
