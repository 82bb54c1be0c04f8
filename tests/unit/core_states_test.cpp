#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

std::string one_state(const std::string& members) {
  return R"({"StartAt": "S", "States": {"S": {)" + members + R"(}}})";
}

TEST(PassState, PutsItsResultInPlace) {
  Driver run(one_state(R"("Type": "Pass", "Result": {"x": 1}, "ResultPath": "$.r", "End": true)"), {{"a", 2}});

  run.start();

  EXPECT_EQ(run.output(), Json({{"a", 2}, {"r", {{"x", 1}}}}));
  EXPECT_EQ(run.types_text(), "ExecutionStarted PassStateEntered:S PassStateExited ExecutionSucceeded");
}

TEST(PassState, AppliesInputPathParametersAndOutputPath) {
  Driver run(one_state(R"("Type": "Pass", "InputPath": "$.in", "Parameters": {"y.$": "$.x"}, "ResultPath": "$.out",
    "OutputPath": "$.out.y", "End": true)"),
             {{"in", {{"x", 5}}}});

  run.start();

  EXPECT_EQ(run.output(), Json(5));
}

TEST(PassState, NullPathsMeanEmptyInputAndKeptInput) {
  Driver no_input(one_state(R"("Type": "Pass", "InputPath": null, "End": true)"), {{"a", 1}});
  Driver no_result(one_state(R"("Type": "Pass", "Result": 9, "ResultPath": null, "End": true)"), {{"a", 1}});

  no_input.start();
  no_result.start();

  EXPECT_EQ(no_input.output(), Json::object());
  EXPECT_EQ(no_result.output(), Json({{"a", 1}}));
}

TEST(PassState, AssignSeesTheValuesFromBefore) {
  Driver run(R"({"StartAt": "A", "States": {
    "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
    "B": {"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}, "Next": "C"},
    "C": {"Type": "Pass", "Parameters": {"x.$": "$x", "y.$": "$y"}, "End": true}}})");

  run.start();

  EXPECT_EQ(run.output(), Json({{"x", 2}, {"y", 1}}));
}

constexpr std::string_view kChoice = R"({"StartAt": "C", "States": {
  "C": {"Type": "Choice", "Choices": [
     {"Variable": "$.n", "NumericGreaterThan": 5, "Assign": {"size": "big"}, "Next": "Big"}], "Default": "Small"},
  "Big": {"Type": "Pass", "Parameters": {"size.$": "$size"}, "End": true},
  "Small": {"Type": "Pass", "Result": "small", "End": true}}})";

TEST(ChoiceState, FollowsTheMatchedRuleAndItsAssign) {
  Driver run(kChoice, {{"n", 6}});

  run.start();

  EXPECT_EQ(run.output(), Json({{"size", "big"}}));
  EXPECT_EQ(run.types_text(),
            "ExecutionStarted ChoiceStateEntered:C ChoiceStateExited PassStateEntered:Big PassStateExited "
            "ExecutionSucceeded");
}

TEST(ChoiceState, FallsBackToDefault) {
  Driver run(kChoice, {{"n", 1}});

  run.start();

  EXPECT_EQ(run.output(), Json("small"));
}

TEST(ChoiceState, WithoutAMatchFailsTheRun) {
  Driver run(R"({"StartAt": "C", "States": {
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "D"}]}, "D": {"Type": "Succeed"}}})",
             {{"n", 2}});

  run.start();

  EXPECT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(run.run.error(), "States.NoChoiceMatched");
}

TEST(ChoiceState, ALoopThatNeverRestsFailsTheRun) {
  Limits limits;
  limits.max_transitions_per_decision = 50;
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice",
    "Choices": [{"Variable": "$", "IsNull": true, "Next": "C"}], "Default": "A"}, "C": {"Type": "Succeed"}}})",
             Driver::a_header(), limits);

  run.start();

  EXPECT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(run.run.error(), "States.Runtime");
}

TEST(WaitState, RestsUntilItsMomentHasCome) {
  Driver run(one_state(R"("Type": "Wait", "Seconds": 60, "End": true)"), {{"a", 1}});

  run.start();
  EXPECT_EQ(run.run.state(), RunState::waiting);
  EXPECT_EQ(run.run.waiting_on()[0]["kind"], "timer");
  EXPECT_EQ(run.run.waiting_on()[0]["until"], "2026-01-01T00:01:00.000Z");
  EXPECT_TRUE(run.run.at_rest());
  run.after_seconds(59.9).timers();
  EXPECT_EQ(run.run.state(), RunState::waiting);
  run.fire_next_timer();

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  EXPECT_EQ(run.output(), Json({{"a", 1}}));
  run.check_checkpoints();
}

TEST(WaitState, TakesAllFourForms) {
  Driver timestamp(one_state(R"("Type": "Wait", "Timestamp": "2026-01-01T00:00:10Z", "End": true)"));
  Driver seconds_path(one_state(R"("Type": "Wait", "SecondsPath": "$.s", "End": true)"), {{"s", 10}});
  Driver timestamp_path(one_state(R"("Type": "Wait", "TimestampPath": "$.t", "End": true)"),
                        {{"t", "2026-01-01T01:00:10+01:00"}});

  for (Driver* run : {&timestamp, &seconds_path, &timestamp_path}) {
    run->start();
    ASSERT_TRUE(run->run.next_timer());
    EXPECT_EQ(to_rfc3339(*run->run.next_timer()), "2026-01-01T00:00:10.000Z");
  }
}

TEST(WaitState, ThePastReturnsAtOnce) {
  Driver run(one_state(R"("Type": "Wait", "Timestamp": "2020-01-01T00:00:10Z", "End": true)"));

  run.start();

  EXPECT_EQ(run.run.state(), RunState::succeeded);
}

TEST(WaitState, RefusesWhatIsNoTime) {
  const auto cause_of = [](const std::string& members, Json input) {
    Driver run(one_state(R"("Type": "Wait", "End": true, )" + members), std::move(input));
    run.start();
    EXPECT_EQ(run.run.state(), RunState::failed);
    EXPECT_EQ(run.types_text(), "ExecutionStarted WaitStateEntered:S ExecutionFailed");
    return run.run.cause().value_or("");
  };
  const std::string lead = "An error occurred while executing the state 'S' (entered at the event id #2). ";

  EXPECT_EQ(cause_of(R"("SecondsPath": "$.s")", {{"s", "x"}}),
            lead + "The SecondsPath parameter cannot be parsed as a long value: $.s == x");
  EXPECT_EQ(cause_of(R"("SecondsPath": "$.s")", {{"s", -1}}),
            lead + "The SecondsPath parameter references a negative value: $.s == -1");
  EXPECT_EQ(
      cause_of(R"("TimestampPath": "$.t")", {{"t", "tomorrow"}}),
      lead +
          "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
          "$.t == tomorrow");
  EXPECT_EQ(cause_of(R"("SecondsPath": "$.no")", Json::object()),
            lead + "Invalid path '$.no' : No results for path: $['no']");
}

TEST(SucceedState, EndsTheRunWithItsOutput) {
  Driver run(one_state(R"("Type": "Succeed", "OutputPath": "$.a")"), {{"a", 1}});

  run.start();

  EXPECT_EQ(run.output(), Json(1));
  EXPECT_EQ(run.types_text(), "ExecutionStarted SucceedStateEntered:S SucceedStateExited ExecutionSucceeded");
}

TEST(FailState, EndsTheRunWithoutBeingExited) {
  Driver run(one_state(R"("Type": "Fail", "Error": "Bad", "CausePath": "$.why")"), {{"why", "no luck"}});

  run.start();

  EXPECT_EQ(run.types_text(), "ExecutionStarted FailStateEntered:S ExecutionFailed");
  EXPECT_EQ(run.run.error(), "Bad");
  EXPECT_EQ(run.run.cause(), "no luck");
}

TEST(FailState, WithoutErrorAndCauseEndsWithNeither) {
  Driver run(one_state(R"("Type": "Fail")"));

  run.start();

  EXPECT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(run.run.error(), std::nullopt);
  EXPECT_EQ(run.run.cause(), std::nullopt);
}

TEST(RunStart, WaitsForAFutureMoment) {
  RunHeader header = Driver::a_header();
  header.run_at = header.created_at + std::chrono::hours{1};
  header.timeout_seconds = 10;
  Driver run(one_state(R"("Type": "Wait", "Seconds": 5, "End": true)"), header);

  run.start();
  EXPECT_EQ(run.run.state(), RunState::waiting);
  EXPECT_EQ(run.run.waiting_on()[0]["kind"], "timer");
  EXPECT_EQ(run.run.next_timer(), header.run_at);
  EXPECT_EQ(run.run.started_at(), std::nullopt);
  run.fire_next_timer();

  EXPECT_EQ(run.run.started_at(), header.run_at);
  run.fire_next_timer();
  EXPECT_EQ(run.run.state(), RunState::succeeded);
}

TEST(RunTimeout, EndsTheRunAsTimedOut) {
  RunHeader header = Driver::a_header();
  header.timeout_seconds = 100;
  Driver run(
      R"({"StartAt": "A", "TimeoutSeconds": 30, "States": {"A": {"Type": "Task", "Resource": "handler:x", "End": true}}})",
      header);
  run.start();

  run.fire_next_timer();

  EXPECT_EQ(run.run.state(), RunState::timed_out);
  EXPECT_EQ(run.run.error(), "States.Timeout");
  EXPECT_EQ(run.types().back(), "ExecutionTimedOut");
  EXPECT_EQ(run.now, header.created_at + std::chrono::seconds{30});
  ASSERT_EQ(run.commands.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<CancelTask>(run.commands[0]));
}

TEST(ContextObject, TellsAboutTheRunAndTheState) {
  RunHeader header = Driver::a_header({{"a", 1}});
  header.key = "k-1";
  Driver run(one_state(R"("Type": "Pass", "Parameters": {"all.$": "$$"}, "End": true)"), header);

  run.start();

  const Json context = run.output()["all"];
  EXPECT_EQ(context["Execution"]["Id"], header.id.str());
  EXPECT_EQ(context["Execution"]["Input"], Json({{"a", 1}}));
  EXPECT_EQ(context["Execution"]["StartTime"], "2026-01-01T00:00:00.000Z");
  EXPECT_EQ(context["Execution"]["RedriveCount"], 0);
  EXPECT_EQ(context["State"]["Name"], "S");
  EXPECT_EQ(context["State"]["RetryCount"], 0);
  EXPECT_EQ(context["StateMachine"]["Name"], "orders");
}

TEST(IdempotencyKey, CountsVisitsAndNamesTheRunByItsKey) {
  RunHeader header = Driver::a_header();
  header.key = "order-7";
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:x", "Next": "C"},
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.again", "BooleanEquals": true, "Next": "A"}], "Default": "D"},
    "D": {"Type": "Succeed"}}})",
             header);
  run.start();
  EXPECT_EQ(run.open_task("A").idempotency_key, "default/orders/order-7/A/1");

  run.complete("A", {{"again", true}});

  EXPECT_EQ(run.open_task("A").idempotency_key, "default/orders/order-7/A/2");
}

TEST(OutputSchema, FailsTheRunWhoseOutputDoesNotFit) {
  const char* definition = R"({"StartAt": "Work", "OutputSchema": {"type": "object", "required": ["total"],
    "properties": {"total": {"type": "integer", "minimum": 0}}},
    "States": {"Work": {"Type": "Task", "Resource": "handler:x", "End": true}}})";
  Driver good(definition);
  good.start();
  Driver bad(definition);
  bad.start();

  good.complete("Work", {{"total", 3}});
  bad.complete("Work", {{"total", -1}});

  EXPECT_EQ(good.run.state(), RunState::succeeded);
  EXPECT_EQ(bad.run.state(), RunState::failed);
  EXPECT_EQ(bad.run.error(), "Orchestrator.OutputInvalid");
  EXPECT_EQ(bad.run.cause(), "The run's output does not fit the definition's OutputSchema: /total must be at least 0");
  EXPECT_EQ(bad.types_text(),
            "ExecutionStarted TaskStateEntered:Work TaskScheduled TaskStarted TaskSucceeded TaskStateExited "
            "ExecutionFailed");
}

TEST(OutputSchema, IsMetByARetryFromTheStateThatWasWrong) {
  Driver run(R"({"StartAt": "Work", "OutputSchema": {"type": "boolean"},
    "States": {"Work": {"Type": "Task", "Resource": "handler:x", "End": true}}})");
  run.start();
  run.complete("Work", "yes");
  ASSERT_EQ(run.run.state(), RunState::failed);

  run.decide(RetryAsked{.from_state = "Work", .input = nullptr, .reason = "mended", .actor = "me"});
  run.complete("Work", true);

  EXPECT_EQ(run.run.state(), RunState::succeeded);
}

TEST(OutputSchema, AsksNothingOfARunThatContinuesAsNew) {
  Driver run(R"({"StartAt": "Again", "OutputSchema": {"type": "boolean"},
    "States": {"Again": {"Type": "Task", "Resource": "workflow:self?mode=replace", "End": true}}})");

  run.start();

  EXPECT_EQ(run.run.state(), RunState::succeeded);
}

}  // namespace
}  // namespace orchestrator::core
