// Walks every situation of a run with every kind of event, and compares the outcome with docs/state-machine.md.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

const RunId kChild = *RunId::parse("01890000-0000-7000-8000-0000000000cc");

constexpr std::string_view kHandler = R"({"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "handler:x",
  "Retry": [{"ErrorEquals": ["Again"], "IntervalSeconds": 5}], "End": true}}})";
constexpr std::string_view kInquire = R"({"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "handler:x",
  "Inquire": {"Resource": "handler:find"}, "End": true}}})";
constexpr std::string_view kWait = R"({"StartAt": "S", "States": {"S": {"Type": "Wait", "Seconds": 60, "End": true}}})";
constexpr std::string_view kSignal =
    R"({"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "signal:go", "End": true}}})";
constexpr std::string_view kChildren =
    R"({"StartAt": "S", "States": {"S": {"Type": "Task", "Resource": "workflow:w", "End": true}}})";

struct Situation {
  std::string name;
  std::string_view definition;
  std::function<void(Driver&)> reach;
  bool starts_later = false;
};

void in_hand(Driver& run) { run.run.mark_in_hand(run.open_task("S").task, run.now, "w1"); }
void cancel(Driver& run) { run.decide(CancelAsked{.mode = CancelMode::graceful, .reason = {}, .actor = {}}); }

void pause(Driver& run) { run.decide(PauseAsked{}); }

std::vector<Situation> situations() {
  return {
      {"before its start", kHandler, [](Driver&) {}, true},
      {"task ready", kHandler, [](Driver&) {}},
      {"task in hand", kHandler, in_hand},
      {"retry", kHandler, [](Driver& run) { run.fail("S", "Again"); }},
      {"inquiry ready", kInquire, [](Driver& run) { run.time_out("S"); }},
      {"inquiry later", kInquire,
       [](Driver& run) {
         run.time_out("S");
         run.answer_inquiry({{"outcome", "unknown"}});
       }},
      {"timer", kWait, [](Driver&) {}},
      {"signal", kSignal, [](Driver&) {}},
      {"child asked for", kChildren, [](Driver&) {}},
      {"child open", kChildren, [](Driver& run) { run.decide(ChildStarted{.step = 2, .child = kChild}); }},
      {"paused, task ready", kHandler, pause},
      {"paused, task in hand", kHandler,
       [](Driver& run) {
         in_hand(run);
         pause(run);
       }},
      {"paused, signal", kSignal, pause},
      {"cancelling", kHandler,
       [](Driver& run) {
         in_hand(run);
         cancel(run);
       }},
      {"succeeded", kHandler, [](Driver& run) { run.complete("S"); }},
      {"failed", kHandler, [](Driver& run) { run.fail("S", "Boom"); }},
      {"cancelled", kHandler, cancel},
  };
}

struct Kind {
  std::string name;
  std::function<Event(const Driver&)> make;
};

/// The open task, or else the first attempt of the first step, which then is not open.
TaskRef task_of(const Driver& run) {
  const auto open = run.open_tasks();
  return open.empty() ? TaskRef{.step = 2, .attempt = 1} : open.front().task;
}

std::vector<Kind> kinds() {
  const auto finished = [](Outcome outcome) {
    return [outcome](const Driver& run) -> Event {
      return TaskFinished{.task = task_of(run), .outcome = outcome, .worker = {}, .started_at = {}};
    };
  };
  return {
      {"TaskStarted", [](const Driver& run) -> Event { return TaskStarted{.task = task_of(run), .worker = "w"}; }},
      {"TaskFinished ok", finished(Outcome::completed(make_payload({{"outcome", "succeeded"}})))},
      {"TaskFinished failed", finished(Outcome::failed("Boom", ""))},
      {"TaskTimedOut", [](const Driver& run) -> Event { return TaskTimedOut{.task = task_of(run), .started_at = {}}; }},
      {"TaskLost", [](const Driver& run) -> Event { return TaskLost{.task = task_of(run)}; }},
      {"TaskSuspected", [](const Driver& run) -> Event { return TaskSuspected{.task = task_of(run)}; }},
      {"TimersDue, none", [](const Driver&) -> Event { return TimersDue{}; }},
      {"SignalOffered",
       [](const Driver&) -> Event { return SignalOffered{.signal_id = {}, .name = "go", .key = {}, .payload = {}}; }},
      {"ChildStarted", [](const Driver&) -> Event { return ChildStarted{.step = 2, .child = kChild}; }},
      {"ChildRefused", [](const Driver&) -> Event { return ChildRefused{.step = 2, .error = "No", .cause = ""}; }},
      {"ChildEnded",
       [](const Driver&) -> Event {
         return ChildEnded{.step = 2, .child = kChild, .output = nullptr, .error = {}, .cause = {}};
       }},
      {"Cancel graceful",
       [](const Driver&) -> Event { return CancelAsked{.mode = CancelMode::graceful, .reason = {}, .actor = {}}; }},
      {"Cancel kill",
       [](const Driver&) -> Event { return CancelAsked{.mode = CancelMode::kill, .reason = {}, .actor = {}}; }},
      {"Retry", [](const Driver&) -> Event { return RetryAsked{}; }},
      {"Edit run_at",
       [](const Driver& run) -> Event {
         return EditAsked{.run_at = run.now + std::chrono::hours{9}, .priority = {}, .reason = {}, .actor = {}};
       }},
      {"Pause", [](const Driver&) -> Event { return PauseAsked{}; }},
      {"Resume", [](const Driver&) -> Event { return ResumeAsked{}; }},
      {"Skip", [](const Driver&) -> Event { return SkipAsked{}; }},
  };
}

/// What an event did: the run's state after it, "nothing", or "refused".
std::string outcome_of(const Situation& situation, const Kind& kind) {
  RunHeader header = Driver::a_header();
  if (situation.starts_later) header.run_at = header.created_at + std::chrono::hours{1};
  Driver run(situation.definition, header);
  run.start();
  situation.reach(run);
  run.after_seconds(0.5);

  const Json before = run.run.checkpoint();
  const auto decision = run.planner.decide(run.run, kind.make(run), Inputs{.now = run.now, .seed = 1});

  if (!decision) {
    EXPECT_EQ(decision.error().code, ErrorCode::precondition_failed) << situation.name << ", " << kind.name;
    EXPECT_EQ(run.run.checkpoint(), before) << situation.name << ", " << kind.name;
    return "refused";
  }
  if (decision->events.empty()) {
    EXPECT_EQ(run.run.checkpoint(), before) << situation.name << ", " << kind.name;
    return "nothing";
  }
  EXPECT_EQ(is_closed(run.run.state()), run.run.waiting_on().empty()) << situation.name << ", " << kind.name;
  return std::string(to_string(run.run.state()));
}

std::string table() {
  std::string text = "| situation |";
  std::string line = "|---|";
  for (const Kind& kind : kinds()) {
    text += " " + kind.name + " |";
    line += "---|";
  }
  text += "\n" + line + "\n";
  for (const Situation& situation : situations()) {
    text += "| " + situation.name + " |";
    for (const Kind& kind : kinds()) text += " " + outcome_of(situation, kind) + " |";
    text += "\n";
  }
  return text;
}

TEST(RunStateMachine, EveryEventInEverySituationDoesWhatTheDocumentSays) {
  std::ifstream file(ORC_SOURCE_DIR "/docs/state-machine.md");
  ASSERT_TRUE(file) << "docs/state-machine.md is missing";
  std::stringstream document;
  document << file.rdbuf();

  const std::string expected = table();

  EXPECT_NE(document.str().find(expected), std::string::npos) << "docs/state-machine.md should contain this table:\n"
                                                              << expected;
}

TEST(RunStateMachine, RefusesHistoryThatCannotFollow) {
  Driver run(kHandler);
  run.start();
  const auto event = [&](EventType type) {
    HistoryEvent made;
    made.id = run.run.next_event_id();
    made.previous = made.id - 1;
    made.at = run.now;
    made.type = type;
    return made;
  };
  HistoryEvent gap = event(EventType::TaskSucceeded);
  gap.id += 1;
  HistoryEvent nowhere = event(EventType::TaskSucceeded);
  nowhere.scope = 9;
  HistoryEvent unknown_state = event(EventType::TaskStateEntered);
  unknown_state.state_name = "Other";

  for (const HistoryEvent& bad :
       {gap, nowhere, unknown_state, event(EventType::ExecutionStarted), event(EventType::PassStateExited),
        event(EventType::MapStateSucceeded), event(EventType::RunRetried), event(EventType::ChildStarted),
        event(EventType::MapIterationStarted), event(EventType::ParallelStateStarted)}) {
    core::Run copy = run.replayed(1);
    EXPECT_FALSE(run.planner.replay(copy, {bad})) << to_string(bad.type);
  }
}

}  // namespace
}  // namespace orchestrator::core
