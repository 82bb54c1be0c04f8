// What an operator does to an open run: pause, resume, skip, and the larger edits.
#include <gtest/gtest.h>

#include <algorithm>

#include "core_driver.hpp"
#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kTwo = R"({"StartAt": "A", "States": {
  "A": {"Type": "Task", "Resource": "handler:a", "ResultPath": "$.a", "Next": "B"},
  "B": {"Type": "Task", "Resource": "handler:b", "End": true}}})";
constexpr std::string_view kWait =
    R"({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "B"},
        "B": {"Type": "Task", "Resource": "handler:b", "End": true}}})";
constexpr std::string_view kSignal = R"({"StartAt": "S", "States": {
  "S": {"Type": "Task", "Resource": "signal:go", "TimeoutSeconds": 60, "Next": "B",
        "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.late", "Next": "B"}]},
  "B": {"Type": "Task", "Resource": "handler:b", "End": true}}})";

PauseAsked pause() { return {.reason = "look", .actor = "ann"}; }
ResumeAsked resume() { return {.reason = "seen", .actor = "ben"}; }
SkipAsked skip(Json output) {
  return {.state_name = {}, .output = make_payload(std::move(output)), .reason = "known", .actor = "ann"};
}
void in_hand(Driver& run, const std::string& state) { run.run.mark_in_hand(run.open_task(state).task, run.now, "w1"); }

template <typename T>
std::size_t commands_of(const Driver& run) {
  return static_cast<std::size_t>(std::count_if(run.commands.begin(), run.commands.end(), [](const auto& command) {
    return std::holds_alternative<T>(command);
  }));
}

TEST(Pause, RecordsWhatIsInHandAndBeginsNothing) {
  Driver run(kTwo, {{"x", 1}});
  run.start();
  in_hand(run, "A");

  run.decide(pause());
  EXPECT_EQ(run.run.state(), RunState::paused);
  EXPECT_EQ(run.run.waiting_on().at(0).at("kind"), "paused");
  EXPECT_EQ(run.run.waiting_on().at(0).at("actor"), "ann");
  EXPECT_EQ(run.run.waiting_on().at(1).at("kind"), "step");
  run.complete("A", "done");

  EXPECT_EQ(run.run.state(), RunState::paused);
  EXPECT_EQ(run.count(EventType::TaskStateExited), 1U);
  EXPECT_EQ(run.count(EventType::TaskStateEntered), 1U);
  EXPECT_TRUE(run.run.at_rest());
  run.decide(resume());
  EXPECT_EQ(json_of(run.open_task("B").input), Json({{"x", 1}, {"a", "done"}}));
  EXPECT_EQ(run.run.state(), RunState::ready);
  run.check_checkpoints();
}

TEST(Pause, HandsOutAgainWhatNobodyHadBegun) {
  Driver run(kTwo);
  run.start();

  run.decide(pause());
  EXPECT_EQ(run.run.waiting_on().size(), 1U);
  run.decide(resume());

  EXPECT_EQ(commands_of<ScheduleTask>(run), 1U);
  EXPECT_EQ(run.open_task("A").task.attempt, 1);
}

TEST(Pause, KeepsATimerThatFallsDueForTheResume) {
  Driver run(kWait);
  run.start();

  run.decide(pause());
  EXPECT_FALSE(run.run.next_timer());
  run.after_seconds(120).timers();
  EXPECT_EQ(run.run.state(), RunState::paused);
  run.decide(resume());

  EXPECT_TRUE(run.has_open_task("B"));
  run.check_checkpoints();
}

TEST(Pause, KeepsAFutureStartAndARetry) {
  RunHeader header = Driver::a_header();
  header.run_at = header.created_at + std::chrono::hours{1};
  Driver later(kTwo, header);
  later.start();
  Driver failing(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "End": true,
    "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10}]}}})");
  failing.start();
  in_hand(failing, "A");

  later.decide(pause());
  later.after_seconds(7200).timers();
  failing.decide(pause());
  failing.fail("A", "Down");
  failing.after_seconds(60).timers();
  EXPECT_TRUE(later.open_tasks().empty());
  EXPECT_TRUE(failing.open_tasks().empty());

  later.decide(resume());
  failing.decide(resume());
  EXPECT_TRUE(later.has_open_task("A"));
  EXPECT_EQ(failing.open_task("A").task.attempt, 2);
}

TEST(Pause, TakesItsWaitsBackAndOpensThemAgain) {
  Driver run(kSignal);
  run.start();

  run.decide(pause());
  EXPECT_EQ(commands_of<EndSignalWait>(run), 1U);
  run.refuse(SignalOffered{.signal_id = {}, .name = "go", .key = {}, .payload = {}});
  EXPECT_FALSE(run.run.open_wait_for(SignalOffered{.signal_id = {}, .name = "go", .key = {}, .payload = {}}));
  run.decide(resume());

  EXPECT_EQ(commands_of<AwaitSignal>(run), 1U);
  run.signal("go");
  EXPECT_TRUE(run.has_open_task("B"));
}

TEST(Pause, LetsTimeOutsGoOnCounting) {
  Driver run(kSignal);
  run.start();
  run.decide(pause());

  run.fire_next_timer();

  EXPECT_EQ(run.count(EventType::TaskTimedOut), 1U);
  EXPECT_EQ(run.run.state(), RunState::paused);
  EXPECT_TRUE(run.open_tasks().empty());
  run.decide(resume());
  EXPECT_TRUE(run.has_open_task("B"));
  run.check_checkpoints();
}

TEST(Pause, DoesNotHoldTheRunsOwnTimeOut) {
  RunHeader header = Driver::a_header();
  header.timeout_seconds = 30;
  Driver run(kWait, header);
  run.start();
  run.decide(pause());

  run.fire_next_timer();

  EXPECT_EQ(run.run.state(), RunState::timed_out);
}

TEST(Pause, RecordsTheEndOfAChildAndGoesOnAfterTheResume) {
  Driver run(R"({"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "workflow:w", "Next": "B"},
    "B": {"Type": "Task", "Resource": "handler:b", "End": true}}})");
  run.start();
  const RunId child = *RunId::parse("01890000-0000-7000-8000-0000000000cc");
  run.decide(pause());

  run.decide(ChildStarted{.step = run.step_of("C"), .child = child});
  run.decide(ChildEnded{.step = run.step_of("C"), .child = child, .output = make_payload(7), .error = {}, .cause = {}});
  EXPECT_TRUE(run.open_tasks().empty());
  run.decide(resume());

  EXPECT_EQ(json_of(run.open_task("B").input), 7);
}

TEST(Pause, BeginsNoFurtherIterationOfAMap) {
  Driver run(R"({"StartAt": "M", "States": {"M": {"Type": "Map", "MaxConcurrency": 1, "End": true,
    "ItemProcessor": {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "handler:x", "End": true}}}}}})",
             Json::array({1, 2, 3}));
  run.start();
  in_hand(run, "T");
  run.decide(pause());

  run.complete("T", "one");
  EXPECT_EQ(run.count(EventType::MapIterationStarted), 1U);
  run.decide(resume());
  run.complete("T", "two");
  run.complete("T", "three");

  EXPECT_EQ(run.output(), Json({"one", "two", "three"}));
  run.check_checkpoints();
}

TEST(Pause, ALostWorkersTaskIsNotHandedOutAgainBeforeTheResume) {
  Driver run(kTwo);
  run.start();
  in_hand(run, "A");
  run.decide(pause());

  run.lose("A");

  EXPECT_EQ(run.run.state(), RunState::paused);
  EXPECT_EQ(run.run.waiting_on().size(), 1U);
  run.decide(resume());
  EXPECT_EQ(commands_of<ScheduleTask>(run), 1U);
  EXPECT_EQ(run.open_task("A").task.attempt, 2);
}

TEST(Pause, LetsARunEndWhoseLastStepWasInHand) {
  Driver run(kTwo);
  run.start();
  run.complete("A", 1);
  in_hand(run, "B");
  run.decide(pause());

  run.complete("B", 2);

  EXPECT_EQ(run.run.state(), RunState::succeeded);
}

TEST(Pause, TwiceIsOnceAndAResumeOfARunningRunIsNothing) {
  Driver run(kWait);
  run.start();
  EXPECT_TRUE(run.decide(resume()).events.empty());

  run.decide(pause());
  const Decision again = run.decide(PauseAsked{.reason = "me too", .actor = "carl"});

  EXPECT_TRUE(again.events.empty());
  EXPECT_EQ(run.run.waiting_on().at(0).at("actor"), "ann");
}

TEST(Pause, OfABulkOperationHappensOnceWhateverComesBetween) {
  Driver run(kWait);
  run.start();
  run.decide(PauseAsked{.reason = "all", .actor = "ann", .operation = "op-1"});
  run.decide(ResumeAsked{.reason = "not this one", .actor = "ben"});
  run.decide(PauseAsked{.reason = "all", .actor = "ann", .operation = "op-2"});
  run.decide(ResumeAsked{.reason = "all again", .actor = "ann", .operation = "op-3"});

  for (const char* operation : {"op-1", "op-2"})
    EXPECT_TRUE(run.decide(PauseAsked{.reason = "all", .actor = "ann", .operation = operation}).events.empty());

  EXPECT_FALSE(run.run.is_paused());
  EXPECT_EQ(run.last(EventType::RunPaused).details->at("operation_id"), "op-2");
  EXPECT_EQ(run.last(EventType::RunResumed).details->at("operation_id"), "op-3");
  run.check_checkpoints();
}

TEST(Pause, ManyOperationsOfARunAreKnownTheLastOnesOnly) {
  Driver run(kWait);
  run.start();
  for (std::size_t i = 0; i <= kMaxKnownOperations; ++i) {
    run.decide(PauseAsked{.reason = {}, .actor = {}, .operation = "op-" + std::to_string(i)});
    run.decide(ResumeAsked{});
  }

  EXPECT_FALSE(run.run.was_acted_on_by("op-0"));
  EXPECT_TRUE(run.run.was_acted_on_by("op-1"));
  EXPECT_FALSE(run.run.was_acted_on_by({}));
  run.check_checkpoints();
}

TEST(Pause, EndsWithACancel) {
  Driver run(kTwo);
  run.start();
  in_hand(run, "A");
  run.decide(pause());

  run.decide(CancelAsked{.mode = CancelMode::graceful, .reason = "no", .actor = "ann"});
  EXPECT_EQ(run.run.state(), RunState::running);
  EXPECT_EQ(run.refuse(resume()).slug, "wrong-state");
  run.complete("A", 1);

  EXPECT_EQ(run.run.state(), RunState::cancelled);
  EXPECT_EQ(run.refuse(pause()).slug, "run-closed");
  run.check_checkpoints();
}

TEST(Skip, StandsForTheTasksResultWithoutItsResultSelector) {
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "ResultPath": "$.a",
    "ResultSelector": {"only.$": "$.none"}, "Assign": {"kept.$": "$.v"}, "Next": "B"},
    "B": {"Type": "Task", "Resource": "handler:b", "Parameters": {"a.$": "$.a", "kept.$": "$kept"}, "End": true}}})");
  run.start();
  in_hand(run, "A");
  const TaskRef task = run.open_task("A").task;

  run.decide(skip({{"v", 5}}));

  EXPECT_EQ(std::get<CancelTask>(run.commands.at(0)).task, task);
  EXPECT_EQ(json_of(run.open_task("B").input), Json({{"a", {{"v", 5}}}, {"kept", 5}}));
  EXPECT_EQ(run.refuse(TaskFinished{.task = task, .outcome = Outcome::completed(make_payload(1))}).code,
            ErrorCode::precondition_failed);
  const HistoryEvent& skipped = run.last(EventType::StepSkipped);
  EXPECT_EQ(skipped.details->at("reason"), "known");
  EXPECT_EQ(skipped.details->at("actor"), "ann");
  run.check_checkpoints();
}

TEST(Skip, EndsAWaitATimerARetryAndAChild) {
  Driver signal(kSignal);
  Driver timer(kWait, Json({{"x", 1}}));
  Driver retry(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "End": true,
    "Retry": [{"ErrorEquals": ["States.ALL"]}]}}})");
  Driver child(R"({"StartAt": "C", "States": {"C": {"Type": "Task", "Resource": "workflow:w", "End": true}}})");
  for (Driver* run : {&signal, &timer, &retry, &child}) run->start();
  retry.fail("A", "Down");

  signal.decide(skip(1));
  timer.decide(SkipAsked{.state_name = {}, .output = {}, .reason = "r", .actor = {}});
  retry.decide(skip("mended"));
  child.decide(skip(2));

  EXPECT_TRUE(std::holds_alternative<EndSignalWait>(signal.commands.at(0)));
  EXPECT_TRUE(signal.has_open_task("B"));
  EXPECT_EQ(json_of(timer.open_task("B").input), Json({{"x", 1}}));
  EXPECT_FALSE(timer.run.next_timer());
  EXPECT_EQ(retry.output(), "mended");
  EXPECT_TRUE(std::holds_alternative<CancelChild>(child.commands.at(0)));
  EXPECT_EQ(child.run.state(), RunState::succeeded);
}

constexpr std::string_view kBranches =
    R"({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
  {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "End": true}}},
  {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "handler:b", "End": true}}}]}}})";

TEST(Skip, OfAParallelTakesBackWhatRunsInside) {
  Driver run(kBranches);
  run.start();

  run.decide(skip("all"));

  EXPECT_EQ(commands_of<CancelTask>(run), 2U);
  EXPECT_EQ(run.output(), "all");
  run.check_checkpoints();
}

TEST(Skip, OfOneBranchLeavesTheOthers) {
  Driver run(kBranches);
  run.start();

  run.decide(SkipAsked{.state_name = "A", .output = make_payload("a"), .reason = "r", .actor = {}});
  run.complete("B", "b");

  EXPECT_EQ(run.output(), Json({"a", "b"}));
  EXPECT_EQ(run.count(EventType::StepSkipped), 1U);
  run.check_checkpoints();
}

TEST(Skip, IsRefusedWhereNothingStandsOrManyDo) {
  Driver map(R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "T",
    "States": {"T": {"Type": "Task", "Resource": "handler:x", "End": true}}}}}})",
             Json::array({1, 2}));
  map.start();
  const auto named = [](const char* state) {
    return SkipAsked{.state_name = state, .output = {}, .reason = "r", .actor = {}};
  };
  EXPECT_EQ(map.refuse(named("T")).slug, "wrong-state");
  EXPECT_EQ(map.refuse(named("Nowhere")).slug, "wrong-state");
  Driver between(kTwo);
  between.start();
  in_hand(between, "A");
  between.decide(pause());
  between.complete("A", 1);
  EXPECT_EQ(between.refuse(skip(1)).slug, "wrong-state");
  between.decide(CancelAsked{.mode = CancelMode::kill, .reason = {}, .actor = {}});
  EXPECT_EQ(between.refuse(skip(1)).slug, "run-closed");
}

TEST(Skip, WithAnOutputThatDoesNotFitChangesNothing) {
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a",
    "Assign": {"kept.$": "$.v"}, "End": true}}})");
  run.start();

  const Error error = run.refuse(skip({{"other", 1}}));

  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  ASSERT_EQ(error.faults.size(), 1U);
  EXPECT_EQ(error.faults[0].pointer, "/output");
}

TEST(Skip, OfAPausedRunsStateWaitsForTheResume) {
  Driver run(kTwo);
  run.start();
  run.decide(pause());

  run.decide(skip("a"));
  EXPECT_TRUE(run.open_tasks().empty());
  run.decide(resume());

  EXPECT_TRUE(run.has_open_task("B"));
  run.check_checkpoints();
}

EditAsked edit() {
  EditAsked asked;
  asked.reason = "mend";
  asked.actor = "ann";
  return asked;
}

TEST(Edit, SetsAndRemovesAttributesAndVariables) {
  RunHeader header = Driver::a_header();
  header.attributes = make_payload({{"city", "Pune"}, {"tier", 1}});
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "Next": "B"},
    "B": {"Type": "Task", "Resource": "handler:b", "Parameters": {"limit.$": "$limit"}, "End": true}}})",
             header);
  run.start();
  EditAsked asked = edit();
  asked.attributes = make_payload({{"city", nullptr}, {"vip", true}});
  asked.variables = make_payload({{"limit", 9}});

  run.decide(asked);
  run.complete("A");

  EXPECT_EQ(json_of(run.run.header().attributes), Json({{"tier", 1}, {"vip", true}}));
  EXPECT_EQ(json_of(run.open_task("B").input), Json({{"limit", 9}}));
  run.check_checkpoints();
}

TEST(Edit, MovesTheRunsTimeOutWhateverTheDefinitionSays) {
  Driver run(
      R"({"StartAt": "W", "TimeoutSeconds": 100, "States": {"W": {"Type": "Wait", "Seconds": 5000, "End": true}}})");
  run.start();
  EditAsked longer = edit();
  longer.timeout_seconds = 1000;
  EditAsked over = edit();
  over.timeout_seconds = 5;

  run.after_seconds(10).decide(longer);
  EXPECT_EQ(*run.run.next_timer(), *run.run.started_at() + std::chrono::seconds{1000});
  run.decide(over);

  EXPECT_EQ(run.run.state(), RunState::timed_out);
  run.check_checkpoints();
}

TEST(Edit, ChangesRetriesAndTimeOutsOfLaterAttempts) {
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "End": true,
    "Retry": [{"ErrorEquals": ["Down"], "IntervalSeconds": 1, "MaxAttempts": 1}]}}})");
  run.start();
  EditAsked asked = edit();
  asked.steps = make_payload(
      {{"A",
        {{"timeout_seconds", 7}, {"retry", {{"max_attempts", 2}, {"interval_seconds", 50}, {"backoff_rate", 1}}}}}});

  run.decide(asked);
  run.fail("A", "Down");
  EXPECT_EQ(*run.run.next_timer(), run.now + std::chrono::seconds{50});
  run.fire_next_timer();
  EXPECT_EQ(run.open_task("A").timeout_seconds, 7);
  run.fail("A", "Down");
  run.fire_next_timer();
  run.fail("A", "Down");

  EXPECT_EQ(run.run.state(), RunState::failed);
  run.check_checkpoints();
}

TEST(Edit, GivesARetryToAStepThatHadNone) {
  Driver run(kTwo);
  run.start();
  EditAsked asked = edit();
  asked.steps = make_payload({{"A", {{"retry", {{"max_attempts", 1}}}}}});

  run.decide(asked);
  run.fail("A", "Down");

  EXPECT_EQ(run.run.state(), RunState::waiting);
}

TEST(Edit, NamesEveryMemberThatDoesNotFit) {
  Driver run(kTwo);
  run.start();
  Json many = Json::object();
  for (int i = 0; i < 33; ++i) many["a" + std::to_string(i)] = i;
  EditAsked asked = edit();
  asked.attributes = make_payload(many);
  asked.steps = make_payload({{"No/where", {{"timeout_seconds", 1}}}});

  const Error error = run.refuse(asked);

  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  ASSERT_EQ(error.faults.size(), 2U);
  EXPECT_EQ(error.faults[0].pointer, "/set/attributes");
  EXPECT_EQ(error.faults[1].pointer, "/set/steps/No~1where");
}

}  // namespace
}  // namespace orchestrator::core
