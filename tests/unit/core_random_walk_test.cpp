// Random legal and illegal events over a definition with everything in it. The driver checks after every decision that
// replay, owed commands and checkpoints agree with the live run.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kEverything = R"({"StartAt": "First", "TimeoutSeconds": 100000, "States": {
  "First": {"Type": "Task", "Resource": "handler:a", "ResultPath": "$.first", "Assign": {"seen.$": "$"}, "Next": "Both",
    "Retry": [{"ErrorEquals": ["Again"], "JitterStrategy": "FULL"}], "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Pause"}]},
  "Pause": {"Type": "Wait", "Seconds": 30, "Next": "Both"},
  "Both": {"Type": "Parallel", "ResultPath": "$.both", "Next": "Each", "Retry": [{"ErrorEquals": ["Broken"], "MaxAttempts": 1}],
    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Each"}],
    "Branches": [
      {"StartAt": "Sig", "States": {"Sig": {"Type": "Task", "Resource": "signal:go|stop", "TimeoutSeconds": 500, "End": true}}},
      {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "handler:b", "Inquire": {"Resource": "handler:find"},
          "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}], "Next": "Child"},
        "Child": {"Type": "Task", "Resource": "workflow:w", "TimeoutSeconds": 1000, "End": true}}}]},
  "Each": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "ToleratedFailureCount": 1, "ResultPath": "$.each",
    "ItemProcessor": {"StartAt": "Item", "States": {
      "Item": {"Type": "Task", "Resource": "handler:c", "Next": "Again", "Retry": [{"ErrorEquals": ["Again"]}]},
      "Again": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 1, "Next": "Item"}], "Default": "Done"},
      "Done": {"Type": "Pass", "Parameters": {"v.$": "$", "seen.$": "$seen"}, "End": true}}},
    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "Last"}], "Next": "Last"},
  "Last": {"Type": "Task", "Resource": "signal:end", "TimeoutSeconds": 50, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "End"}], "Next": "End"},
  "End": {"Type": "Succeed"}}})";

class RandomWalk {
 public:
  explicit RandomWalk(std::uint32_t seed) : random_(seed), run_(kEverything, {{"items", {1, 2, 3, 4}}}) {}

  RunState walk(int steps) {
    run_.start();
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      if (is_closed(run_.run.state())) {
        if (run_.run.state() == RunState::succeeded || pick(3) == 0) break;
        run_.decide(RetryAsked{.from_state = pick(3) == 0 ? std::optional<std::string>("Both") : std::nullopt});
        continue;
      }
      take_one();
      run_.after_seconds(pick(20));
    }
    if (run_.run.is_paused() && !::testing::Test::HasFailure()) run_.decide(ResumeAsked{});
    run_.check_checkpoints();
    return run_.run.state();
  }

 private:
  int pick(int count) { return static_cast<int>(random_() % static_cast<std::uint32_t>(count)); }

  void take_one() {
    const auto tasks = run_.open_tasks();
    const int choice = pick(10);
    if (choice < 6 && !tasks.empty()) {
      answer(tasks[static_cast<std::size_t>(pick(static_cast<int>(tasks.size())))]);
    } else if (choice == 6) {
      offer();
    } else if (choice == 7) {
      child();
    } else if (choice == 8 && run_.run.next_timer()) {
      run_.fire_next_timer();
    } else if (choice == 9 && pick(12) == 0) {
      run_.decide(
          CancelAsked{.mode = pick(2) == 0 ? CancelMode::kill : CancelMode::graceful, .reason = "r", .actor = {}});
    } else if (choice == 9) {
      steer();
    } else {
      run_.timers();
    }
  }

  void steer() {
    switch (pick(4)) {
      case 0: steer_if_legal(PauseAsked{}); break;
      case 1:
      case 2: steer_if_legal(ResumeAsked{}); break;
      default: steer_if_legal(SkipAsked{.state_name = {}, .output = make_payload(1), .reason = {}, .actor = {}}); break;
    }
  }

  void steer_if_legal(const Event& event) {
    if (would_take(event)) run_.decide(event);
  }

  void answer(const ScheduleTask& task) {
    if (pick(3) == 0) run_.run.mark_in_hand(task.task, run_.now, "w");
    TaskFinished finished{.task = task.task, .outcome = {}, .worker = "w", .started_at = run_.now};
    switch (pick(9)) {
      case 0: run_.decide(TaskTimedOut{.task = task.task, .started_at = {}}); return;
      case 1: run_.decide(TaskLost{.task = task.task}); return;
      case 2: run_.decide(TaskSuspected{.task = task.task}); return;
      case 3: finished.outcome = Outcome::failed("Again", "x"); break;
      case 4: finished.outcome = Outcome::failed("Broken", "x", pick(2) == 0); break;
      case 5: finished.outcome = Outcome::unknown("Who.Knows", ""); break;
      case 6: finished.outcome = Outcome::snoozed(std::chrono::seconds{3}); break;
      default:
        finished.outcome = Outcome::completed(make_payload(task.task.inquiry ? inquiry_answer() : Json(pick(3))));
        break;
    }
    run_.decide(finished);
  }

  Json inquiry_answer() {
    static const std::vector<std::string> kAnswers{"succeeded", "failed", "not_found", "unknown", "nonsense"};
    return {{"outcome", kAnswers[static_cast<std::size_t>(pick(5))]}, {"result", 5}};
  }

  void offer() {
    static const std::vector<std::string> kNames{"go", "stop", "end"};
    SignalOffered offered{
        .signal_id = {}, .name = kNames[static_cast<std::size_t>(pick(3))], .key = {}, .payload = make_payload(1)};
    offered.received_at = run_.now;
    if (would_take(offered)) run_.decide(offered);
  }

  void child() {
    for (const Command& command : run_.planner.owed(run_.run)) {
      if (const auto* start = std::get_if<StartChild>(&command)) {
        run_.decide(ChildStarted{.step = start->step, .child = child_});
        child_step_ = start->step;
        return;
      }
    }
    if (child_step_ == 0) return;
    const ChildEnded ended{.step = child_step_,
                           .child = child_,
                           .state = pick(2) == 0 ? RunState::succeeded : RunState::failed,
                           .output = make_payload("c"),
                           .error = "E",
                           .cause = {}};
    child_step_ = 0;
    if (would_take(ended)) run_.decide(ended);
  }

  /// Asks a copy of the run.
  bool would_take(const Event& event) {
    auto copy = Run::restore(run_.run.header(), run_.definition, run_.run.checkpoint());
    return copy && run_.planner.decide(*copy, event, Inputs{.now = run_.now, .seed = 1}).has_value();
  }

  std::mt19937 random_;
  Driver run_;
  RunId child_ = *RunId::parse("01890000-0000-7000-8000-0000000000cc");
  StepId child_step_ = 0;
};

TEST(PlannerProperty, ReplayAgreesWithTheLiveRunOnRandomWalks) {
  std::map<RunState, int> ends;

  for (std::uint32_t seed = 1; seed <= 50 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ++ends[RandomWalk(seed).walk(90)];
  }

  EXPECT_GT(ends[RunState::succeeded], 10) << "the walks do not reach the end";
}

}  // namespace
}  // namespace orchestrator::core
