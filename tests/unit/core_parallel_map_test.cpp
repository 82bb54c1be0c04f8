#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

std::string parallel(const std::string& members = R"("End": true)") {
  return R"({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [
      {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "handler:a", "End": true}}},
      {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "handler:b", "Next": "C"}, "C": {"Type": "Pass", "End": true}}}], )" +
         members + "}" +
         (members.find("Caught") == std::string::npos ? "" : R"(, "Caught": {"Type": "Pass", "End": true})") + "}}";
}

std::string map(const std::string& members = "", const std::string& resource = "handler:work") {
  return R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, )" + members +
         R"("ItemProcessor": {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": ")" + resource +
         R"(", "End": true}}}}}})";
}

TEST(ParallelState, RunsBranchesAtOnceAndJoinsInOrder) {
  Driver run(parallel(), {{"x", 1}});
  run.start();
  EXPECT_EQ(run.open_tasks().size(), 2U);
  EXPECT_EQ(json_of(run.open_task("B").input), Json({{"x", 1}}));

  run.complete("B", "second");
  EXPECT_EQ(run.run.state(), RunState::ready);
  run.complete("A", "first");

  EXPECT_EQ(run.output(), Json({"first", "second"}));
  EXPECT_EQ(run.types().at(2), "ParallelStateStarted");
  EXPECT_EQ(run.count(EventType::ParallelStateSucceeded), 1U);
  run.check_checkpoints();
}

TEST(ParallelState, NamesBranchesInIdempotencyKeys) {
  Driver run(parallel());

  run.start();

  EXPECT_EQ(run.open_task("B").idempotency_key, "default/orders/01890000-0000-7000-8000-000000000001/P[1]/B/1");
}

TEST(ParallelState, LinksEventsToTheirCause) {
  Driver run(parallel());

  run.start();

  EXPECT_EQ(run.events[3].type, EventType::TaskStateEntered);
  EXPECT_EQ(run.events[3].previous, 3);
  EXPECT_EQ(run.events[5].type, EventType::TaskStateEntered);
  EXPECT_EQ(run.events[5].previous, 3);
}

TEST(ParallelState, AFailingBranchCancelsTheOthers) {
  Driver run(parallel());
  run.start();
  const TaskRef other = run.open_task("B").task;

  run.fail("A", "Boom", "why");

  EXPECT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(run.run.error(), "Boom");
  ASSERT_EQ(run.commands.size(), 1U);
  EXPECT_EQ(std::get<CancelTask>(run.commands[0]).task, other);
  EXPECT_FALSE(run.run.is_open(other));
}

TEST(ParallelState, CatchesWhatABranchThrows) {
  Driver run(parallel(R"("End": true, "Catch": [{"ErrorEquals": ["Boom"], "ResultPath": "$.e", "Next": "Caught"}])"),
             {{"x", 1}});
  run.start();

  run.fail("A", "Boom");

  EXPECT_EQ(run.output()["e"]["Error"], "Boom");
  run.check_checkpoints();
}

TEST(ParallelState, RetriesAllBranches) {
  Driver run(parallel(
      R"("End": true, "Retry": [{"ErrorEquals": ["Boom"]}], "Catch": [{"ErrorEquals": ["X"], "Next": "Caught"}])"));
  run.start();
  run.complete("A", 1);

  run.fail("B", "Boom");
  EXPECT_EQ(run.run.state(), RunState::waiting);
  run.fire_next_timer();
  run.complete("A", 1);
  run.complete("B", 2);

  EXPECT_EQ(run.output(), Json({1, 2}));
  run.check_checkpoints();
}

TEST(MapState, RunsEveryItemAndKeepsTheirOrder) {
  Driver run(map(), Json::array({10, 20, 30}));
  run.start();
  ASSERT_EQ(run.open_tasks().size(), 3U);
  const auto tasks = run.open_tasks();

  for (std::size_t i : {2U, 0U, 1U}) {
    const Json result = json_of(tasks[i].input).get<int>() + 1;
    run.decide(TaskFinished{
        .task = tasks[i].task, .outcome = Outcome::completed(make_payload(result)), .worker = {}, .started_at = {}});
  }

  EXPECT_EQ(run.output(), Json({11, 21, 31}));
  run.check_checkpoints();
}

TEST(MapState, AnEmptyArrayIsDoneAtOnce) {
  Driver run(map(), Json::array());

  run.start();

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  EXPECT_EQ(run.output(), Json::array());
}

TEST(MapState, KeepsToItsMaxConcurrency) {
  Driver run(map(R"("MaxConcurrencyPath": "$.n", "ItemsPath": "$.items", )"), {{"n", 2}, {"items", {1, 2, 3, 4, 5}}});
  run.start();

  for (int done = 0; done < 5; ++done) {
    EXPECT_EQ(run.open_tasks().size(), static_cast<std::size_t>(std::min(2, 5 - done)));
    run.complete("T", done);
  }

  EXPECT_EQ(run.run.state(), RunState::succeeded);
  run.check_checkpoints();
}

TEST(MapState, SelectsItemsWithTheContext) {
  Driver run(
      map(R"("ItemsPath": "$.items", "ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$.k"}, )"),
      {{"k", "K"}, {"items", {"a", "b"}}});

  run.start();

  const auto tasks = run.open_tasks();
  EXPECT_EQ(json_of(tasks[1].input), Json({{"i", 1}, {"v", "b"}, {"all", "K"}}));
  EXPECT_EQ(tasks[1].idempotency_key, "default/orders/01890000-0000-7000-8000-000000000001/M[1]/T/1");
}

TEST(MapState, AFailingIterationAbortsTheOthers) {
  Driver run(map(), Json::array({1, 2, 3}));
  run.start();

  run.fail("T", "Boom", "x");

  EXPECT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(run.run.error(), "Boom");
  EXPECT_EQ(run.count(EventType::MapIterationFailed), 1U);
  EXPECT_EQ(run.count(EventType::MapIterationAborted), 2U);
  EXPECT_EQ(run.count(EventType::MapStateFailed), 1U);
  EXPECT_EQ(run.commands.size(), 2U);
}

TEST(MapState, ToleratesFailuresUpToItsThreshold) {
  Driver tolerant(map(R"("ToleratedFailureCount": 1, )"), Json::array({1, 2}));
  Driver exceeded(map(R"("ToleratedFailurePercentage": 40, )"), Json::array({1, 2}));
  tolerant.start();
  exceeded.start();

  tolerant.fail("T", "Boom", "x");
  tolerant.complete("T", "ok");
  exceeded.fail("T", "Boom");

  EXPECT_EQ(tolerant.output(), Json({{{"Error", "Boom"}, {"Cause", "x"}}, "ok"}));
  EXPECT_EQ(exceeded.run.error(), "States.ExceedToleratedFailureThreshold");
  tolerant.check_checkpoints();
}

TEST(MapState, ChecksItsFieldsBeforeAnyIteration) {
  const auto cause_of = [](const std::string& members, Json input) {
    Driver run(map(members), std::move(input));
    run.start();
    EXPECT_EQ(run.types_text(), "ExecutionStarted MapStateEntered:M ExecutionFailed");
    return run.run.cause().value_or("");
  };
  const std::string lead = "An error occurred while executing the state 'M' (entered at the event id #2). ";

  EXPECT_EQ(cause_of(R"("ItemsPath": "$.items", "MaxConcurrencyPath": "$.n", )", {{"items", {1}}, {"n", "x"}}),
            lead + R"(The MaxConcurrencyPath field refers to value "x" which is not a valid integer: $.n)");
  EXPECT_NE(cause_of(R"("ItemsPath": "$.items", )", {{"items", 1}}), "");
}

TEST(MapState, WaitsInsideIterationsEndOnTheirOwnTimers) {
  Driver run(R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "W",
    "States": {"W": {"Type": "Wait", "SecondsPath": "$", "End": true}}}}}})",
             Json::array({30, 10, 20}));
  run.start();

  EXPECT_EQ(*run.run.next_timer() - run.now, std::chrono::seconds{10});
  run.fire_next_timer();
  EXPECT_EQ(run.count(EventType::MapIterationSucceeded), 1U);
  run.fire_next_timer();
  run.fire_next_timer();

  EXPECT_EQ(run.output(), Json({30, 10, 20}));
}

TEST(MapState, InnerScopesReadOuterVariables) {
  Driver run(R"({"StartAt": "A", "States": {"A": {"Type": "Pass", "Assign": {"rate": 7}, "Next": "M"},
    "M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "P", "States": {
      "P": {"Type": "Pass", "Assign": {"own.$": "$"}, "Next": "Q"},
      "Q": {"Type": "Pass", "Parameters": {"rate.$": "$rate", "own.$": "$own"}, "End": true}}}}}})",
             Json::array({1, 2}));

  run.start();

  EXPECT_EQ(run.output(), Json({{{"rate", 7}, {"own", 1}}, {{"rate", 7}, {"own", 2}}}));
}

TEST(MapState, ManyIterationsCostTheSameEach) {
  Json items = Json::array();
  for (int i = 0; i < 3000; ++i) items.push_back(i);
  Limits limits;
  limits.max_open_iterations = 10;
  RunHeader header = Driver::a_header(items);
  Driver run(R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "P",
    "States": {"P": {"Type": "Pass", "End": true}}}}}})",
             header, limits);

  run.start();

  EXPECT_EQ(run.output().size(), 3000U);
  EXPECT_EQ(run.count(EventType::MapIterationSucceeded), 3000U);
}

}  // namespace
}  // namespace orchestrator::core
