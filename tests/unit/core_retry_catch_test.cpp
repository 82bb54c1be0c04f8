#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

std::string task_with(const std::string& members) {
  return R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:work", "End": true, )" + members +
         R"(}, "Caught": {"Type": "Pass", "End": true}, "Other": {"Type": "Pass", "End": true}}})";
}
const std::string kCatchAll =
    R"("Catch": [{"ErrorEquals": ["Never"], "Next": "Other"}, {"ErrorEquals": ["States.ALL"], "Next": "Caught"}])";

double seconds_until_retry(const Driver& run) {
  return static_cast<double>((*run.run.next_timer() - run.now).count()) / 1e6;
}

TEST(RetryPolicy, DoublesTheDelayUpToTheCap) {
  Driver run(task_with(
      R"("Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 5, "MaxDelaySeconds": 9}],
    "Catch": [{"ErrorEquals": ["X"], "Next": "Caught"}, {"ErrorEquals": ["Y"], "Next": "Other"}])"));
  run.start();
  std::vector<double> delays;

  for (int i = 0; i < 5; ++i) {
    run.fail("A", "Boom");
    delays.push_back(seconds_until_retry(run));
    run.fire_next_timer();
  }
  run.fail("A", "Boom", "for good");

  EXPECT_EQ(delays, (std::vector<double>{2, 4, 8, 9, 9}));
  EXPECT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(run.run.error(), "Boom");
  EXPECT_EQ(run.run.cause(), "for good");
  EXPECT_EQ(run.run.attempts(), 6);
}

TEST(RetryPolicy, RepeatsScheduledStartedFailedWithoutEnteringAgain) {
  Driver run(task_with(
      R"("Retry": [{"ErrorEquals": ["Boom"]}], "Catch": [{"ErrorEquals": ["X"], "Next": "Caught"}, {"ErrorEquals": ["Y"], "Next": "Other"}])"));
  run.start();

  run.fail("A", "Boom");
  run.fire_next_timer();
  run.complete("A", 1);

  EXPECT_EQ(run.types_text(),
            "ExecutionStarted TaskStateEntered:A TaskScheduled TaskStarted TaskFailed "
            "TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded");
}

TEST(RetryPolicy, KeepsTheIdempotencyKeyAndCountsAttempts) {
  Driver run(task_with(R"("Retry": [{"ErrorEquals": ["Boom"]}], )" + kCatchAll));
  run.start();
  const std::string key = run.open_task("A").idempotency_key;

  run.fail("A", "Boom");
  EXPECT_EQ(run.run.waiting_on()[0]["kind"], "retry");
  EXPECT_TRUE(run.run.at_rest());
  run.fire_next_timer();

  EXPECT_EQ(run.open_task("A").idempotency_key, key);
  EXPECT_EQ(run.open_task("A").task.attempt, 2);
}

TEST(RetryPolicy, WaitsAtLeastAsLongAsTheHandlerAsked) {
  Driver run(task_with(R"("Retry": [{"ErrorEquals": ["Boom"]}], )" + kCatchAll));
  run.start();
  Outcome outcome = Outcome::failed("Boom", "");
  outcome.delay = std::chrono::seconds{30};

  run.finish("A", outcome);

  EXPECT_EQ(seconds_until_retry(run), 30);
}

TEST(RetryPolicy, FullJitterStaysBelowTheDelayAndFollowsTheSeed) {
  const std::string text = task_with(
      R"("Retry": [{"ErrorEquals": ["Boom"], "IntervalSeconds": 100, "JitterStrategy": "FULL"}], )" + kCatchAll);
  Driver one(text);
  Driver other(text);
  other.seed = 77;

  one.start().fail("A", "Boom");
  other.start().fail("A", "Boom");

  EXPECT_LT(seconds_until_retry(one), 100);
  EXPECT_GE(seconds_until_retry(one), 0);
  EXPECT_NE(seconds_until_retry(one), seconds_until_retry(other));
}

TEST(RetryPolicy, MaxAttemptsZeroNeverRetries) {
  Driver run(task_with(R"("Retry": [{"ErrorEquals": ["Boom"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}], )" +
                       kCatchAll));

  run.start().fail("A", "Boom");

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  EXPECT_EQ(run.count(EventType::TaskScheduled), 1U);
}

TEST(RetryPolicy, CountsEachRetrierOnItsOwn) {
  Driver run(task_with(
      R"("Retry": [{"ErrorEquals": ["One"], "MaxAttempts": 1}, {"ErrorEquals": ["Two"], "MaxAttempts": 1}], )" +
      kCatchAll));
  run.start();

  run.fail("A", "One");
  run.fire_next_timer();
  run.fail("A", "Two");
  run.fire_next_timer();
  run.fail("A", "One");

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  EXPECT_EQ(run.count(EventType::TaskScheduled), 3U);
}

TEST(RetryPolicy, NonRetryableFailuresAreRetriedOnlyByName) {
  const std::string general = task_with(R"("Retry": [{"ErrorEquals": ["States.ALL"]}], )" + kCatchAll);
  const std::string by_name = task_with(R"("Retry": [{"ErrorEquals": ["States.TaskFailed", "Bad"]}], )" + kCatchAll);
  Driver first(general);
  Driver second(by_name);

  first.start().fail("A", "Bad", "", false);
  second.start().fail("A", "Bad", "", false);

  EXPECT_EQ(first.run.state(), RunState::succeeded);
  EXPECT_EQ(second.run.state(), RunState::waiting);
}

TEST(RetryPolicy, TaskFailedMatchesEverythingButTimeouts) {
  const std::string text = task_with(R"("Retry": [{"ErrorEquals": ["States.TaskFailed"]}], )" + kCatchAll);
  Driver failed(text);
  Driver timed_out(text);

  failed.start().fail("A", "Anything");
  timed_out.start().time_out("A");

  EXPECT_EQ(failed.run.state(), RunState::waiting);
  EXPECT_EQ(timed_out.run.state(), RunState::succeeded);
}

TEST(RetryPolicy, SendsTheSameParametersWithEveryAttempt) {
  Driver run(
      task_with(R"x("Parameters": {"id.$": "States.UUID()"}, "Retry": [{"ErrorEquals": ["Boom"]}], )x" + kCatchAll));
  run.start();
  const Json first = json_of(run.open_task("A").input);

  run.fail("A", "Boom");
  run.fire_next_timer();

  EXPECT_EQ(json_of(run.open_task("A").input), first);
}

TEST(RetryPolicy, RetryCountIsInTheContext) {
  Driver run(
      task_with(R"("Parameters": {"n.$": "$$.State.RetryCount"}, "Retry": [{"ErrorEquals": ["Boom"]}], )" + kCatchAll));
  run.start();

  run.fail("A", "Boom");
  run.fire_next_timer();

  EXPECT_EQ(json_of(run.open_task("A").input), Json({{"n", 1}}));
}

TEST(CatchRule, GoesOnWithTheErrorOutput) {
  Driver run(task_with(kCatchAll));

  run.start().fail("A", "Boom", "it broke");

  EXPECT_EQ(run.types_text(),
            "ExecutionStarted TaskStateEntered:A TaskScheduled TaskStarted TaskFailed TaskStateExited "
            "PassStateEntered:Caught PassStateExited ExecutionSucceeded");
  EXPECT_EQ(run.output(), Json({{"Error", "Boom"}, {"Cause", "it broke"}}));
}

TEST(CatchRule, PlacesTheErrorByResultPathInTheStatesInput) {
  Driver run(task_with(R"("Parameters": {"other": 1}, "Catch": [{"ErrorEquals": ["Never"], "Next": "Other"},
    {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}])"),
             {{"order", 7}});

  run.start().fail("A", "Boom", "x");

  EXPECT_EQ(run.output(), Json({{"order", 7}, {"error", {{"Error", "Boom"}, {"Cause", "x"}}}}));
}

TEST(CatchRule, ShowsATimeoutWithAnEmptyCause) {
  Driver run(task_with(kCatchAll));

  run.start().time_out("A");

  EXPECT_EQ(run.last(EventType::TaskTimedOut).error, "States.Timeout");
  EXPECT_EQ(run.last(EventType::TaskTimedOut).cause, std::nullopt);
  EXPECT_EQ(run.output(), Json({{"Error", "States.Timeout"}, {"Cause", ""}}));
}

TEST(CatchRule, ShowsAFailureWithoutFieldsAsNulls) {
  Driver run(task_with(kCatchAll));
  Outcome outcome;
  outcome.kind = Outcome::Kind::failed;
  run.start();

  run.finish("A", outcome);

  EXPECT_EQ(run.output(), Json({{"Error", nullptr}, {"Cause", nullptr}}));
}

TEST(CatchRule, AssignSeesTheErrorOutput) {
  Driver run(R"({"StartAt": "A", "States": {
    "A": {"Type": "Task", "Resource": "handler:work", "End": true,
          "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"why.$": "$.Error"}, "Next": "B"}]},
    "B": {"Type": "Pass", "Parameters": {"why.$": "$why"}, "End": true}}})");

  run.start().fail("A", "Boom");

  EXPECT_EQ(run.output(), Json({{"why", "Boom"}}));
  EXPECT_EQ(run.last(EventType::TaskStateExited).details->at("assigned"), Json({{"why", "Boom"}}));
}

TEST(CatchRule, NeverCatchesRuntimeErrors) {
  Driver run(task_with(
      R"("InputPath": "$.no.such", "Catch": [{"ErrorEquals": ["States.Runtime"], "Next": "Caught"}, {"ErrorEquals": ["States.ALL"], "Next": "Other"}])"));

  run.start();

  EXPECT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(run.run.error(), "States.Runtime");
  EXPECT_EQ(run.types_text(), "ExecutionStarted TaskStateEntered:A ExecutionFailed");
  EXPECT_EQ(run.run.cause(),
            "An error occurred while executing the state 'A' (entered at the event id #2). Invalid path '$.no.such' : "
            "Missing property in path $['no']");
}

TEST(CatchRule, FailureAfterTheResultCanBeCaught) {
  Driver run(task_with(R"("ResultPath": "$.a.b", )" + kCatchAll), {{"a", 1}});
  run.start();

  run.complete("A", 1);

  EXPECT_EQ(run.run.state(), RunState::succeeded) << run.run.error().value_or("");
  EXPECT_EQ(run.output()["Error"], "States.ResultPathMatchFailure");
}

TEST(Snooze, GivesBackWithoutCountingTheAttempt) {
  Driver run(task_with(kCatchAll));
  run.start();

  run.finish("A", Outcome::snoozed(std::chrono::seconds{5}));
  EXPECT_EQ(run.run.state(), RunState::waiting);
  run.fire_next_timer();

  EXPECT_EQ(run.open_task("A").task.attempt, 1);
}

TEST(LostWorker, IsHandedOutAgainThenFailsAsPoison) {
  Driver run(task_with(kCatchAll));
  run.start();

  for (int i = 0; i < 3; ++i) {
    run.lose("A");
    EXPECT_EQ(run.open_task("A").task.attempt, i + 2);
    EXPECT_TRUE(run.open_task("A").suspect);
  }
  run.lose("A");

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  EXPECT_EQ(run.output()["Error"], "Orchestrator.WorkerLost");
  EXPECT_EQ(run.count(EventType::TaskLost), 4U);
}

TEST(LostWorker, PoisonIsRetriedOnlyByARetryThatNamesIt) {
  const auto set_aside = [](const std::string& error) {
    Driver run(task_with(R"("Retry": [{"ErrorEquals": [")" + error + R"("], "MaxAttempts": 60}], )" + kCatchAll));
    run.start();
    for (int i = 0; i < 4; ++i) run.lose("A");
    return run.run.state();
  };

  EXPECT_EQ(set_aside("States.ALL"), RunState::succeeded) << "caught, not performed again";
  EXPECT_EQ(set_aside("Orchestrator.WorkerLost"), RunState::waiting) << "for its retry";
}

}  // namespace
}  // namespace orchestrator::core
