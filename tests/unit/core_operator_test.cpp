// Cancel and an operator's retry.
#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kTwo = R"({"StartAt": "A", "States": {
  "A": {"Type": "Task", "Resource": "handler:a", "ResultPath": "$.a", "Next": "B"},
  "B": {"Type": "Task", "Resource": "handler:b", "Next": "W"},
  "W": {"Type": "Task", "Resource": "signal:go", "End": true}}})";

CancelAsked cancel(CancelMode mode = CancelMode::graceful) {
  return CancelAsked{.mode = mode, .reason = "not needed", .actor = "ann"};
}

EditAsked edit_run_at(Timestamp run_at) { return EditAsked{.run_at = run_at, .reason = "sooner", .actor = "ann"}; }

TEST(Edit, MovesARetryAndARetryThatIsOverdueIsTriedNow) {
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "End": true,
    "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3600, "MaxAttempts": 3}]}}})");
  run.start();
  run.fail("A", "Down");

  run.decide(edit_run_at(run.now + std::chrono::seconds{30}));
  EXPECT_EQ(run.run.state(), RunState::waiting);
  EXPECT_EQ(run.run.next_timer(), run.now + std::chrono::seconds{30});
  run.decide(edit_run_at(run.now));

  EXPECT_EQ(run.open_task("A").task.attempt, 2);
  EXPECT_EQ(run.last(EventType::RunEdited).details->at("actor"), "ann");
  EXPECT_EQ(run.items().back().at("type"), "TaskScheduled");
  run.check_checkpoints();
}

TEST(Edit, MovesAFutureStartAndKeepsItOverACheckpoint) {
  RunHeader header = Driver::a_header();
  header.run_at = header.created_at + std::chrono::hours{1};
  Driver run(kTwo, header);
  run.start();
  const Timestamp later = header.created_at + std::chrono::hours{2};

  run.decide(edit_run_at(later));
  run.decide(EditAsked{.priority = 9, .reason = "urgent", .actor = "ann"});

  EXPECT_EQ(run.run.next_timer(), later);
  EXPECT_EQ(run.run.header().priority, 9);
  auto restored = core::Run::restore(header, run.definition, run.run.checkpoint());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->next_timer(), later);
  EXPECT_EQ(restored->header().priority, 9);
  run.decide(edit_run_at(run.now));
  EXPECT_TRUE(run.has_open_task("A"));
  EXPECT_EQ(run.open_task("A").priority, 9);
}

TEST(Edit, LeavesARunAloneThatWaitsForNoMoment) {
  Driver run(kTwo);
  run.start();

  EXPECT_EQ(run.refuse(edit_run_at(run.now)).slug, "wrong-state");
  run.decide(EditAsked{.priority = -5, .reason = "later", .actor = "ann"});

  EXPECT_EQ(run.run.header().priority, -5);
  run.complete("A", 1);
  EXPECT_EQ(run.open_task("B").priority, -5);
}

TEST(Refusal, BeginsAndEndsTheRunAndARetryOfItStartsAtTheBeginning) {
  Driver run(kTwo);
  core::Run refused(Driver::a_header(), run.definition);

  const Decision decision =
      run.planner.refuse(refused, RunState::failed, "Orchestrator.StartRefused", "no", {run.now, 1});

  ASSERT_EQ(decision.events.size(), 2U);
  EXPECT_EQ(decision.events[1].type, EventType::ExecutionFailed);
  EXPECT_EQ(refused.state(), RunState::failed);
  EXPECT_EQ(refused.error(), "Orchestrator.StartRefused");
  EXPECT_TRUE(decision.commands.empty());
  const auto retried = run.planner.decide(refused, RetryAsked{.reason = "again"}, {run.now, 2});
  ASSERT_TRUE(retried) << retried.error().message;
  EXPECT_TRUE(std::holds_alternative<ScheduleTask>(retried->commands.at(0)));
}

TEST(Cancel, EndsAWaitAtOnce) {
  Driver run(kTwo);
  run.start();
  run.complete("A", 1);
  run.complete("B", 2);

  run.decide(cancel());

  EXPECT_EQ(run.run.state(), RunState::cancelled);
  EXPECT_EQ(run.run.cause(), "not needed");
  EXPECT_TRUE(std::holds_alternative<EndSignalWait>(run.commands.at(0)));
  EXPECT_EQ(run.last(EventType::CancelRequested).details->at("actor"), "ann");
}

TEST(Cancel, LetsARunningHandlerFinish) {
  Driver run(kTwo);
  run.start();
  run.run.mark_in_hand(run.open_task("A").task, run.now, "w1");

  run.decide(cancel());
  EXPECT_EQ(run.run.state(), RunState::running);
  EXPECT_TRUE(run.commands.empty());
  run.complete("A", 1);

  EXPECT_EQ(run.run.state(), RunState::cancelled);
  EXPECT_EQ(run.count(EventType::TaskStateEntered), 1U);
  EXPECT_EQ(run.count(EventType::TaskStateExited), 1U);
  run.check_checkpoints();
}

TEST(Cancel, TakesBackWhatNobodyHasBegun) {
  Driver run(kTwo);
  run.start();
  const TaskRef task = run.open_task("A").task;

  run.decide(cancel());

  EXPECT_EQ(run.run.state(), RunState::cancelled);
  EXPECT_EQ(std::get<CancelTask>(run.commands.at(0)).task, task);
  EXPECT_EQ(run.count(EventType::TaskCancelled), 1U);
}

TEST(Cancel, KillDoesNotWait) {
  Driver run(kTwo);
  run.start();
  run.run.mark_in_hand(run.open_task("A").task, run.now, "w1");
  run.decide(cancel());

  run.decide(cancel(CancelMode::kill));

  EXPECT_EQ(run.run.state(), RunState::cancelled);
  EXPECT_TRUE(std::holds_alternative<CancelTask>(run.commands.at(0)));
}

TEST(Cancel, OfAClosedRunIsRefused) {
  Driver run(kTwo);
  run.start();
  run.decide(cancel(CancelMode::kill));

  EXPECT_EQ(run.refuse(cancel()).slug, "run-closed");
}

constexpr std::string_view kCharge = R"({"StartAt": "C", "States": {
  "C": {"Type": "Task", "Resource": "handler:charge", "Inquire": {"Resource": "handler:find"}, "End": true}}})";

/// I-13: a worker may have charged the card just before the run was killed.
TEST(Retry, OfAKilledRunAsksFirstWhatTheAttemptInHandDid) {
  for (const bool was_charged : {true, false}) {
    Driver run(kCharge);
    run.start();
    run.run.mark_in_hand(run.open_task("C").task, run.now, "w1");
    run.decide(cancel(CancelMode::kill));

    run.decide(RetryAsked{.reason = "go on", .actor = "ann"});
    EXPECT_EQ(run.count(EventType::TaskScheduled), 1U);
    EXPECT_EQ(run.count(EventType::InquiryScheduled), 1U);
    run.check_checkpoints();
    run.answer_inquiry({{"outcome", was_charged ? "succeeded" : "not_found"}, {"result", "paid"}});

    EXPECT_EQ(run.count(EventType::TaskScheduled), was_charged ? 1U : 2U);
    EXPECT_EQ(run.run.state(), was_charged ? RunState::succeeded : RunState::ready);
    run.check_checkpoints();
  }
}

TEST(Retry, WithANewIdempotencyKeyOrInputAsksNothing) {
  for (const bool has_input : {true, false}) {
    Driver run(kCharge);
    run.start();
    run.decide(cancel(CancelMode::kill));

    run.decide(
        RetryAsked{.input = has_input ? make_payload({{"x", 2}}) : Payload(), .new_idempotency_key = !has_input});

    EXPECT_EQ(run.count(EventType::InquiryScheduled), 0U);
    EXPECT_EQ(run.count(EventType::TaskScheduled), 2U);
    run.check_checkpoints();
  }
}

TEST(Retry, AsksAboutAnAttemptOfUnknownOutcomeThatEndedACancellation) {
  Driver run(kCharge);
  run.start();
  const TaskRef task = run.open_task("C").task;
  run.run.mark_in_hand(task, run.now, "w1");
  run.decide(cancel());
  run.decide(TaskFinished{.task = task, .outcome = Outcome::unknown("Card.Timeout", "no answer")});
  EXPECT_EQ(run.run.state(), RunState::cancelled);

  run.decide(RetryAsked{.reason = "go on", .actor = "ann"});

  EXPECT_EQ(run.count(EventType::InquiryScheduled), 1U);
  run.check_checkpoints();
}

TEST(Retry, AsksAboutTheBranchThatASiblingsFailureCutOff) {
  Driver run(R"({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
    {"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "handler:charge",
      "Inquire": {"Resource": "handler:find"}, "End": true}}},
    {"StartAt": "F", "States": {"F": {"Type": "Task", "Resource": "handler:fails", "End": true}}}]}}})");
  run.start();
  run.fail("F", "Down");
  EXPECT_EQ(run.run.state(), RunState::failed);

  run.decide(RetryAsked{.reason = "go on", .actor = "ann"});

  EXPECT_EQ(run.count(EventType::InquiryScheduled), 1U);
  EXPECT_TRUE(run.has_open_task("F"));
  run.check_checkpoints();
}

TEST(Cancel, OfABulkOperationLeavesARunAloneThatWasBroughtBackSince) {
  Driver run(kTwo);
  run.start();
  const CancelAsked asked{.mode = CancelMode::kill, .reason = "all", .actor = "ann", .operation = "op-1"};
  run.decide(asked);
  run.decide(RetryAsked{.reason = "not this one", .actor = "ben"});

  EXPECT_TRUE(run.decide(asked).events.empty());

  EXPECT_EQ(run.run.state(), RunState::ready);
  EXPECT_EQ(run.last(EventType::CancelRequested).details->at("operation_id"), "op-1");
  run.check_checkpoints();
}

TEST(Cancel, ReachesTheChildren) {
  Driver run(R"({"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "workflow:ship", "End": true}}})");
  run.start();
  const RunId child = *RunId::parse("01890000-0000-7000-8000-0000000000cc");
  run.decide(ChildStarted{.step = run.step_of("S"), .child = child});

  run.decide(cancel());

  EXPECT_EQ(run.run.state(), RunState::cancelled);
  EXPECT_EQ(std::get<CancelChild>(run.commands.at(0)).child, child);
}

TEST(Cancel, OfARunThatHasNotBegunEndsIt) {
  RunHeader header = Driver::a_header();
  header.run_at = header.created_at + std::chrono::hours{1};
  Driver run(kTwo, header);
  run.start();

  run.decide(cancel());

  EXPECT_EQ(run.run.state(), RunState::cancelled);
}

TEST(OperatorRetry, RevivesFromTheFailedStateAndKeepsEarlierResults) {
  Driver run(kTwo, {{"x", 1}});
  run.start();
  run.complete("A", "done");
  run.fail("B", "Boom");
  ASSERT_EQ(run.run.state(), RunState::failed);
  const std::string key = "default/orders/01890000-0000-7000-8000-000000000001/B/1";

  run.after_seconds(86400).decide(RetryAsked{.reason = "fixed", .actor = "ann"});

  EXPECT_EQ(run.run.state(), RunState::ready);
  EXPECT_EQ(json_of(run.open_task("B").input), Json({{"x", 1}, {"a", "done"}}));
  EXPECT_EQ(run.open_task("B").idempotency_key, key);
  EXPECT_EQ(run.open_task("B").task.attempt, 1);
  EXPECT_FALSE(run.has_open_task("A"));
  EXPECT_EQ(run.count(EventType::RunRetried), 1U);
  run.check_checkpoints();
}

TEST(OperatorRetry, TakesANewInputAndANewIdempotencyKey) {
  Driver run(kTwo, {{"x", 1}});
  run.start();
  run.fail("A", "Boom");

  run.decide(RetryAsked{.input = make_payload({{"x", 2}}), .new_idempotency_key = true});

  EXPECT_EQ(json_of(run.open_task("A").input), Json({{"x", 2}}));
  EXPECT_EQ(run.open_task("A").idempotency_key, "default/orders/01890000-0000-7000-8000-000000000001/A/2");
}

TEST(OperatorRetry, GoesBackToAnyStateWithTheInputItHad) {
  Driver run(kTwo, {{"x", 1}});
  run.start();
  run.complete("A", "done");
  run.fail("B", "Boom");

  run.decide(RetryAsked{.from_state = "A"});

  EXPECT_EQ(json_of(run.open_task("A").input), Json({{"x", 1}}));
  run.check_checkpoints();
}

TEST(OperatorRetry, IsForClosedRunsThatDidNotSucceed) {
  Driver run(kTwo);
  run.start();
  EXPECT_EQ(run.refuse(RetryAsked{}).slug, "wrong-state");
  run.complete("A", 1);
  run.complete("B", 1);
  run.signal("go");
  ASSERT_EQ(run.run.state(), RunState::succeeded);

  EXPECT_EQ(run.refuse(RetryAsked{}).slug, "wrong-state");
}

TEST(OperatorRetry, RefusesAnUnknownState) {
  Driver run(kTwo);
  run.start();
  run.fail("A", "Boom");

  EXPECT_EQ(run.refuse(RetryAsked{.from_state = "Nowhere"}).code, ErrorCode::invalid_argument);
}

TEST(OperatorRetry, CountsRedrivesAndRestartsTheTimeout) {
  RunHeader header = Driver::a_header();
  header.timeout_seconds = 60;
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a",
    "Parameters": {"n.$": "$$.Execution.RedriveCount"}, "End": true}}})",
             header);
  run.start();
  run.fire_next_timer();
  ASSERT_EQ(run.run.state(), RunState::timed_out);

  run.after_seconds(1000).decide(RetryAsked{});

  EXPECT_EQ(json_of(run.open_task("A").input), Json({{"n", 1}}));
  EXPECT_EQ(*run.run.next_timer(), run.now + std::chrono::seconds{60});
}

TEST(OperatorRetry, KeepsFinishedIterationsOfAMap) {
  Driver run(R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "T",
    "States": {"T": {"Type": "Task", "Resource": "handler:x", "End": true}}}}}})",
             Json::array({1, 2, 3}));
  run.start();
  run.complete("T", "one");
  run.fail("T", "Boom");
  ASSERT_EQ(run.run.state(), RunState::failed);

  run.decide(RetryAsked{});
  ASSERT_EQ(run.open_tasks().size(), 2U);
  run.complete("T", "two");
  run.complete("T", "three");

  EXPECT_EQ(run.output(), Json({"one", "two", "three"}));
  run.check_checkpoints();
}

TEST(OperatorRetry, KeepsFinishedBranchesOfAParallel) {
  Driver run(R"({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
      {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "End": true}}},
      {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "handler:b", "End": true}}}]}}})");
  run.start();
  run.complete("A", "a");
  run.fail("B", "Boom");

  run.decide(RetryAsked{});
  EXPECT_FALSE(run.has_open_task("A"));
  run.complete("B", "b");

  EXPECT_EQ(run.output(), Json({"a", "b"}));
}

TEST(OperatorRetry, GoesOnAfterACancelledRunsLastResult) {
  Driver run(kTwo);
  run.start();
  run.run.mark_in_hand(run.open_task("A").task, run.now, "w1");
  run.decide(cancel());
  run.complete("A", "done");
  ASSERT_EQ(run.run.state(), RunState::cancelled);

  run.decide(RetryAsked{});

  EXPECT_TRUE(run.has_open_task("B"));
  EXPECT_EQ(run.open_task("B").idempotency_key, "default/orders/01890000-0000-7000-8000-000000000001/B/1");
}

}  // namespace
}  // namespace orchestrator::core
