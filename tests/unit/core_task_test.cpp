#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kTwoSteps = R"({"StartAt": "A", "States": {
  "A": {"Type": "Task", "Resource": "handler:noop", "Next": "B"},
  "B": {"Type": "Task", "Resource": "handler:noop?queue=slow&priority=7", "End": true}}})";

TEST(TaskState, RunsThroughTwoStepsWithTheEventsOfTheLanguage) {
  Driver run(kTwoSteps, {{"order", 7}});

  run.start();
  run.complete("A", {{"paid", true}});
  run.complete("B", {{"sent", true}});

  EXPECT_EQ(run.types_text(),
            "ExecutionStarted TaskStateEntered:A TaskScheduled TaskStarted TaskSucceeded TaskStateExited "
            "TaskStateEntered:B TaskScheduled TaskStarted TaskSucceeded TaskStateExited ExecutionSucceeded");
  EXPECT_EQ(run.run.state(), RunState::succeeded);
  EXPECT_EQ(run.output(), Json({{"sent", true}}));
  run.check_checkpoints();
}

TEST(TaskState, AsksForATaskWithQueuePriorityAndIdempotencyKey) {
  Driver run(kTwoSteps, {{"order", 7}});

  run.start();
  run.complete("A", {{"x", 1}});

  const ScheduleTask task = run.open_task("B");
  EXPECT_EQ(task.handler, "noop");
  EXPECT_EQ(task.queue, "slow");
  EXPECT_EQ(task.priority, 7);
  EXPECT_EQ(task.idempotency_key, "default/orders/01890000-0000-7000-8000-000000000001/B/1");
  EXPECT_EQ(json_of(task.input), Json({{"x", 1}}));
  EXPECT_EQ(task.task.attempt, 1);
  EXPECT_FALSE(task.suspect);
}

TEST(TaskState, WritesAboutAHundredBytesForAStepThatReturnsItsInput) {
  Driver run(kTwoSteps, {{"order", std::string(5000, 'x')}});
  run.start();
  const ScheduleTask task = run.open_task("A");
  run.after_seconds(0.01);

  const Decision decision = run.decide(
      TaskFinished{.task = task.task, .outcome = Outcome::completed(task.input), .worker = {}, .started_at = run.now});

  EXPECT_EQ(decision.events.size(), 5U);
  EXPECT_LT(encode_events(decision.events).size(), 160U);
  EXPECT_EQ(json_of(run.open_task("B").input), json_of(task.input));
}

TEST(TaskState, TheFirstOutcomeWins) {
  Driver run(kTwoSteps);
  run.start();
  const TaskRef task = run.open_task("A").task;
  run.complete("A", 1);

  const Error error =
      run.refuse(TaskFinished{.task = task, .outcome = Outcome::completed(nullptr), .worker = {}, .started_at = {}});

  EXPECT_EQ(error.code, ErrorCode::precondition_failed);
}

TEST(TaskState, SaysWhetherItWaitsForAWorkerOrIsInHand) {
  Driver run(kTwoSteps);
  run.start();
  EXPECT_EQ(run.run.state(), RunState::ready);
  EXPECT_EQ(run.run.waiting_on()[0]["kind"], "worker");
  EXPECT_EQ(run.run.waiting_on()[0]["queue"], "default");

  run.run.mark_in_hand(run.open_task("A").task, run.now, "node-1");

  EXPECT_EQ(run.run.state(), RunState::running);
  EXPECT_EQ(run.run.waiting_on()[0]["kind"], "step");
  EXPECT_EQ(run.run.waiting_on()[0]["worker"], "node-1");
  EXPECT_EQ(run.run.waiting_on()[0]["attempt"], 1);
  EXPECT_FALSE(run.run.at_rest());
}

TEST(TaskState, AResultThatIsTooLargeIsAnErrorThatCanBeCaught) {
  Limits limits;
  limits.max_payload_bytes = 1000;
  Driver run(R"({"StartAt": "A", "States": {
    "A": {"Type": "Task", "Resource": "handler:noop", "End": true, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]},
    "B": {"Type": "Pass", "End": true}}})",
             Driver::a_header(), limits);
  run.start();

  run.complete("A", std::string(2000, 'x'));

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  EXPECT_EQ(run.output()["Error"], "States.DataLimitExceeded");
}

}  // namespace
}  // namespace orchestrator::core
