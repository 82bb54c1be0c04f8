// Signals, decisions, children and inquiries: steps that wait for somebody else's answer.
#include <gtest/gtest.h>

#include "core_driver.hpp"
#include "orchestrator/core/decision_answer.hpp"

namespace orchestrator::core {
namespace {

std::string step(const std::string& members) {
  return R"({"StartAt": "S", "States": {"S": {"Type": "Task", "End": true, )" + members +
         R"(, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}, "Caught": {"Type": "Pass", "End": true}}})";
}
const RunId kChild = *RunId::parse("01890000-0000-7000-8000-0000000000cc");

TEST(SignalWait, TakesTheFirstOfItsSignals) {
  Driver run(step(R"("Resource": "signal:paid|refused", "Parameters": {"key.$": "$.order"})"), {{"order", 7}});
  run.start();
  const auto wait = std::get<AwaitSignal>(run.commands.at(0));
  EXPECT_EQ(wait.names, (std::vector<std::string>{"paid", "refused"}));
  EXPECT_EQ(wait.key, "7");
  EXPECT_EQ(run.run.waiting_on()[0]["kind"], "signal");
  EXPECT_EQ(run.run.state(), RunState::waiting);

  run.signal("refused", {{"why", "no"}}, "7");

  EXPECT_EQ(run.output()["name"], "refused");
  EXPECT_EQ(run.output()["key"], "7");
  EXPECT_EQ(run.output()["payload"], Json({{"why", "no"}}));
  EXPECT_EQ(run.output()["received_at"], "2026-01-01T00:00:00.000Z");
  EXPECT_TRUE(std::holds_alternative<EndSignalWait>(run.commands.at(0)));
  EXPECT_EQ(run.types_text(),
            "ExecutionStarted TaskStateEntered:S SignalAwaited SignalConsumed TaskStateExited ExecutionSucceeded");
}

TEST(SignalWait, RefusesOtherNamesAndKeys) {
  Driver run(step(R"("Resource": "signal:paid", "Parameters": {"key": "7"})"));
  run.start();

  SignalOffered other_name{.signal_id = {}, .name = "shipped", .key = "7", .payload = nullptr};
  SignalOffered other_key{.signal_id = {}, .name = "paid", .key = "8", .payload = nullptr};

  EXPECT_EQ(run.refuse(other_name).code, ErrorCode::precondition_failed);
  EXPECT_EQ(run.refuse(other_key).code, ErrorCode::precondition_failed);
}

TEST(SignalWait, ASignalToTheRunMeetsAnyKey) {
  Driver run(step(R"("Resource": "signal:paid", "Parameters": {"key": "7"})"));
  run.start();

  run.signal("paid", 1);

  EXPECT_EQ(run.run.state(), RunState::succeeded);
}

TEST(SignalWait, TheEarlierOfTimeoutAndUntilEndsIt) {
  Driver until(
      step(R"("Resource": "signal:paid", "TimeoutSeconds": 100, "Parameters": {"until": "2026-01-01T00:00:30Z"})"));
  Driver timeout(
      step(R"("Resource": "signal:paid", "TimeoutSeconds": 10, "Parameters": {"until": "2026-01-01T00:00:30Z"})"));
  until.start();
  timeout.start();

  until.fire_next_timer();
  timeout.fire_next_timer();

  EXPECT_EQ(to_rfc3339(until.now), "2026-01-01T00:00:30.000Z");
  EXPECT_EQ(to_rfc3339(timeout.now), "2026-01-01T00:00:10.000Z");
  EXPECT_EQ(until.output(), Json({{"Error", "States.Timeout"}, {"Cause", ""}}));
  EXPECT_TRUE(std::holds_alternative<EndSignalWait>(until.commands.at(0)));
}

std::optional<Error> refusal(const char* parameters, Json answer, Role sender, const char* name = "approve") {
  Driver run(step(R"("Resource": "decision:approve|signal:paid", "Parameters": )" + std::string(parameters)));
  run.start();
  const SignalOffered offer{.signal_id = {}, .name = name, .key = std::nullopt, .payload = nullptr};
  const auto wait = run.run.open_wait_for(offer);
  EXPECT_TRUE(wait);
  return wait ? refusal_of_answer(*wait, answer, sender) : std::nullopt;
}

TEST(Decision, IsAnsweredByItsRolesAndThoseThatIncludeThem) {
  const char* asked = R"({"roles": ["developer"]})";

  EXPECT_EQ(refusal(asked, nullptr, Role::operator_)->slug, "decision-role");
  EXPECT_FALSE(refusal(asked, nullptr, Role::developer));
  EXPECT_FALSE(refusal(asked, nullptr, Role::admin));
  EXPECT_FALSE(refusal(R"({"title": "anybody"})", nullptr, Role::viewer));
}

TEST(Decision, OfARoleThatNobodyHasIsForAdmins) {
  for (const char* asked : {R"({"roles": ["treasurer"]})", R"({"roles.$": "$.no_list"})"}) {
    Driver run(step(R"("Resource": "decision:approve", "Parameters": )" + std::string(asked)), {{"no_list", 7}});
    run.start();
    const SignalOffered offer{.signal_id = {}, .name = "approve", .key = std::nullopt, .payload = nullptr};
    const auto wait = run.run.open_wait_for(offer);
    ASSERT_TRUE(wait) << asked;

    EXPECT_TRUE(refusal_of_answer(*wait, nullptr, Role::developer)) << asked;
    EXPECT_FALSE(refusal_of_answer(*wait, nullptr, Role::admin)) << asked;
  }
}

TEST(Decision, ChecksItsOwnAnswerOnly) {
  const char* asked = R"({"schema": {"type": "boolean"}, "roles": ["admin"]})";

  const auto wrong = refusal(asked, "yes", Role::admin);

  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->slug, "invalid-body");
  EXPECT_FALSE(wrong->faults.empty());
  EXPECT_FALSE(refusal(asked, true, Role::admin));
  EXPECT_FALSE(refusal(asked, "anything", Role::operator_, "paid"));
}

TEST(SignalWait, ADecisionSaysWhatItAsks) {
  Driver run(step(R"("Resource": "decision:approve", "Parameters": {"title": "Pay?", "roles": ["operator"]})"));

  run.start();

  const Json item = run.run.waiting_on()[0];
  EXPECT_EQ(item["kind"], "decision");
  EXPECT_EQ(item["title"], "Pay?");
  EXPECT_EQ(item["names"], Json({"approve"}));
}

TEST(ChildRun, IsStartedOnceAndItsOutputIsTheResult) {
  Driver run(
      step(
          R"("Resource": "workflow:ship?key_path=$.order&on_conflict=return_existing", "Parameters": {"order.$": "$.o"})"),
      {{"o", "7"}});
  run.start();
  const auto start = std::get<StartChild>(run.commands.at(0));
  EXPECT_EQ(start.workflow, "ship");
  EXPECT_EQ(start.key, "7");
  EXPECT_EQ(start.on_conflict, "return_existing");
  EXPECT_EQ(json_of(start.input), Json({{"order", "7"}}));
  EXPECT_EQ(start.derivation, "01890000-0000-7000-8000-000000000001/2/1");

  run.decide(ChildStarted{.step = start.step, .child = kChild});
  EXPECT_EQ(run.run.waiting_on()[0]["run_id"], kChild.str());
  EXPECT_TRUE(run.planner.owed(run.run).empty());
  run.decide(
      ChildEnded{.step = start.step, .child = kChild, .state = RunState::succeeded, .output = make_payload("sent")});

  EXPECT_EQ(run.output(), Json("sent"));
  EXPECT_EQ(
      run.types_text(),
      "ExecutionStarted TaskStateEntered:S ChildRequested ChildStarted ChildEnded TaskStateExited ExecutionSucceeded");
}

TEST(ChildRun, ItsFailureIsTaskFailedWithItsDescription) {
  Driver run(step(R"("Resource": "workflow:ship")"));
  run.start();
  const StepId id = run.step_of("S");
  run.decide(ChildStarted{.step = id, .child = kChild});

  run.decide(ChildEnded{
      .step = id, .child = kChild, .state = RunState::failed, .output = nullptr, .error = "Lost", .cause = "at sea"});

  EXPECT_EQ(run.output()["Error"], "States.TaskFailed");
  const auto cause = parse_json(run.output()["Cause"].get<std::string>());
  ASSERT_TRUE(cause);
  EXPECT_EQ((*cause)["error"], "Lost");
  EXPECT_EQ((*cause)["run_id"], kChild.str());
}

TEST(ChildRun, DetachedGivesItsRunId) {
  Driver run(step(R"("Resource": "workflow:ship?wait=false")"));
  run.start();

  run.decide(ChildStarted{.step = run.step_of("S"), .child = kChild});

  EXPECT_EQ(run.output(), Json({{"run_id", kChild.str()}}));
}

TEST(ChildRun, ARefusedStartFailsTheStep) {
  Driver run(step(R"("Resource": "workflow:ship")"));
  run.start();

  run.decide(ChildRefused{.step = run.step_of("S"), .error = "RunKeyConflict", .cause = "taken"});

  EXPECT_EQ(run.output()["Error"], "RunKeyConflict");
}

TEST(ChildRun, IsCancelledWhenItsStepTimesOut) {
  Driver run(step(R"("Resource": "workflow:ship", "TimeoutSeconds": 60)"));
  run.start();
  run.decide(ChildStarted{.step = run.step_of("S"), .child = kChild});

  run.fire_next_timer();

  EXPECT_EQ(std::get<CancelChild>(run.commands.at(0)).child, kChild);
  EXPECT_EQ(run.output()["Error"], "States.Timeout");
}

TEST(ChildRun, CanBeCancelledBeforeItsStartIsKnown) {
  Driver run(step(R"("Resource": "workflow:ship")"));
  run.start();
  const auto start = std::get<StartChild>(run.commands.at(0));
  run.after_seconds(5);

  run.decide(CancelAsked{.mode = CancelMode::kill, .reason = "r", .actor = {}});

  const auto cancel = std::get<CancelChild>(run.commands.at(0));
  EXPECT_TRUE(cancel.child.is_nil());
  EXPECT_EQ(cancel.derivation, start.derivation);
  EXPECT_EQ(cancel.asked_at, start.asked_at);
}

TEST(ChildRun, ReplaceEndsThisRunAsSucceeded) {
  RunHeader header = Driver::a_header();
  header.key = "loop";
  Driver run(step(R"("Resource": "workflow:orders?mode=replace", "Parameters": {"n": 2})"), header);

  run.start();

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  const auto start = std::get<StartChild>(run.commands.at(0));
  EXPECT_TRUE(start.replace);
  EXPECT_EQ(start.key, "loop");
}

const std::string kInquire =
    R"("Resource": "handler:pay", "TimeoutSeconds": 10, "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 1}],
       "Inquire": {"Resource": "handler:find", "Parameters": {"order.$": "$.input.order"}})";

TEST(Inquiry, ComesBeforeAnyRetryAndCanSettleTheStep) {
  Driver run(step(kInquire), {{"order", 7}});
  run.start();

  run.time_out("S");
  const ScheduleTask inquiry = run.open_tasks().at(0);
  EXPECT_TRUE(inquiry.task.inquiry);
  EXPECT_EQ(inquiry.handler, "find");
  EXPECT_EQ(json_of(inquiry.input), Json({{"order", 7}}));
  EXPECT_EQ(inquiry.idempotency_key, "default/orders/01890000-0000-7000-8000-000000000001/S/1/inquire");
  run.answer_inquiry({{"outcome", "succeeded"}, {"result", {{"id", "p1"}}}});

  EXPECT_EQ(run.output(), Json({{"id", "p1"}}));
  EXPECT_EQ(run.types_text(),
            "ExecutionStarted TaskStateEntered:S TaskScheduled TaskTimedOut InquiryScheduled InquiryAnswered "
            "TaskSucceeded TaskStateExited ExecutionSucceeded");
  run.check_checkpoints();
}

TEST(Inquiry, NotFoundMakesARetrySafe) {
  Driver run(step(kInquire), {{"order", 7}});
  run.start();

  run.finish("S", Outcome::unknown("Http.ConnectionLost", "reset"));
  run.answer_inquiry({{"outcome", "not_found"}});
  EXPECT_EQ(run.run.waiting_on()[0]["kind"], "retry");
  run.fire_next_timer();
  EXPECT_EQ(run.open_task("S").task.attempt, 2);
  run.finish("S", Outcome::unknown("Http.ConnectionLost", "reset"));
  run.answer_inquiry({{"outcome", "not_found"}});

  EXPECT_EQ(run.output(), Json({{"Error", "Http.ConnectionLost"}, {"Cause", "reset"}}));
}

TEST(Inquiry, FailedFailsTheStepWithItsError) {
  Driver run(step(R"("Resource": "handler:pay", "Inquire": {"Resource": "handler:find"})"));
  run.start();

  run.time_out("S");
  run.answer_inquiry({{"outcome", "failed"}, {"error", "Declined"}, {"cause", "no money"}});

  EXPECT_EQ(run.output(), Json({{"Error", "Declined"}, {"Cause", "no money"}}));
}

TEST(Inquiry, UnknownAsksAgainLaterAndNeverGivesUp) {
  Driver run(step(kInquire), {{"order", 7}});
  run.start();
  run.time_out("S");
  std::vector<double> delays;

  for (int i = 0; i < 11; ++i) {
    if (i % 2 == 0) {
      run.answer_inquiry({{"outcome", "unknown"}});
    } else {
      const TaskRef task = run.open_tasks().at(0).task;
      run.decide(TaskFinished{
          .task = task, .outcome = Outcome::failed("Http.Status.500", ""), .worker = {}, .started_at = {}});
    }
    EXPECT_EQ(run.run.waiting_on()[0]["kind"], "retry");
    delays.push_back(static_cast<double>((*run.run.next_timer() - run.now).count()) / 1e6);
    run.fire_next_timer();
  }

  EXPECT_EQ(delays, (std::vector<double>{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300}));
  EXPECT_EQ(run.run.state(), RunState::ready);
}

TEST(Inquiry, ReadsTheBodyOfAnHttpAnswerAndTakes404AsNotFound) {
  const std::string text = step(
      R"("Resource": "handler:pay", "Inquire": {"Resource": "handler:http.request", "Parameters": {"url": "http://x"}})");
  Driver body(text);
  Driver missing(text);
  body.start().time_out("S");
  missing.start().time_out("S");

  body.answer_inquiry({{"status", 200}, {"body", {{"outcome", "succeeded"}, {"result", 5}}}});
  const TaskRef task = missing.open_tasks().at(0).task;
  missing.decide(TaskFinished{
      .task = task, .outcome = Outcome::failed("Http.Status.404", "", false), .worker = {}, .started_at = {}});

  EXPECT_EQ(body.output(), Json(5));
  EXPECT_EQ(missing.output()["Error"], "States.Timeout");
}

TEST(Inquiry, ALostWorkerIsAskedAboutAndHandedOutAgainWithoutUsingUpRetry) {
  Driver run(step(kInquire), {{"order", 7}});
  run.start();

  run.lose("S");
  EXPECT_TRUE(run.open_tasks().at(0).task.inquiry);
  run.answer_inquiry({{"outcome", "not_found"}});

  EXPECT_EQ(run.open_task("S").task.attempt, 2);
  EXPECT_FALSE(run.open_task("S").task.inquiry);
  EXPECT_EQ(run.run.state(), RunState::ready);
}

TEST(Inquiry, ASuspectedTaskIsAskedAboutOnlyWithInquire) {
  Driver with(step(kInquire), {{"order", 7}});
  Driver without(step(R"("Resource": "handler:pay")"));
  with.start();
  without.start();

  with.decide(TaskSuspected{.task = with.open_task("S").task});
  without.decide(TaskSuspected{.task = without.open_task("S").task});

  EXPECT_TRUE(with.open_tasks().at(0).task.inquiry);
  EXPECT_TRUE(without.commands.empty());
  with.answer_inquiry({{"outcome", "not_found"}});
  EXPECT_EQ(with.open_task("S").task.attempt, 2);
}

}  // namespace
}  // namespace orchestrator::core
