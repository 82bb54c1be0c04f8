// Why a failed run was given up, and who had it in hand.
#include "orchestrator/core/dead_letter.hpp"

#include <gtest/gtest.h>

#include "core_driver.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kRetried = R"({"StartAt": "Pay", "States": {"Pay": {"Type": "Task",
  "Resource": "handler:pay", "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}], "End": true}}})";

DeadLetterReason reason(const Driver& driver) {
  return reason_of(driver.run.error(), driver.run.attempts(), failed_attempts(driver.events));
}

Outcome failure(const std::string& error, bool retryable) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::failed;
  outcome.error = error;
  outcome.cause = "asked to";
  outcome.retryable = retryable;
  return outcome;
}

TEST(DeadLetter, IsExhaustedOnceEveryRetryIsUsedUp) {
  Driver run(kRetried);
  run.start();

  for (int attempt = 1; attempt <= 3; ++attempt) {
    run.decide(TaskStarted{run.open_task("Pay").task, "w-" + std::to_string(attempt)});
    run.fail("Pay", "Provider.Down", "try " + std::to_string(attempt));
    if (attempt < 3) run.fire_next_timer();
  }

  ASSERT_EQ(run.run.state(), RunState::failed);
  EXPECT_EQ(reason(run), DeadLetterReason::exhausted);
  const auto attempts = failed_attempts(run.events);
  ASSERT_EQ(attempts.size(), 3U);
  EXPECT_EQ(attempts[0].worker, "w-1");
  EXPECT_EQ(attempts[2].worker, "w-3");
  EXPECT_EQ(attempts[2].state_name, "Pay");
  EXPECT_EQ(attempts[2].outcome, "failed");
  EXPECT_EQ(attempts[2].error, "Provider.Down");
  EXPECT_EQ(attempts[2].cause, "try 3");
  EXPECT_TRUE(attempts[2].started_at);
}

TEST(DeadLetter, IsPermanentWhenAnotherTryIsNotAllowed) {
  Driver first(kRetried);
  first.start();
  first.finish("Pay", failure("Card.Stolen", false));
  Driver later(kRetried);
  later.start();
  later.fail("Pay", "Provider.Down");
  later.fire_next_timer();
  later.finish("Pay", failure("Card.Stolen", false));

  EXPECT_EQ(reason(first), DeadLetterReason::permanent);
  EXPECT_EQ(reason(later), DeadLetterReason::permanent);
  EXPECT_FALSE(failed_attempts(later.events).back().retryable);
}

TEST(DeadLetter, IsPoisonWhenWorkersVanishedWithItAndNamesThem) {
  Driver run(kRetried);
  run.start();

  for (int death = 1; run.run.state() != RunState::failed; ++death) {
    ASSERT_LT(death, 10);
    run.decide(TaskStarted{run.open_task("Pay").task, "node-" + std::to_string(death)});
    run.lose("Pay");
  }

  EXPECT_EQ(reason(run), DeadLetterReason::poison);
  const auto attempts = failed_attempts(run.events);
  EXPECT_EQ(attempts.at(0).outcome, "lost");
  EXPECT_EQ(attempts.at(0).worker, "node-1");
  EXPECT_EQ(attempts.at(1).worker, "node-2");
  EXPECT_EQ(attempts.back().error, "Orchestrator.WorkerLost");
}

TEST(DeadLetter, IsRejectedWhenItCouldNotBegin) {
  EXPECT_EQ(reason_of("Orchestrator.StartRefused", 0, {}), DeadLetterReason::rejected);
  EXPECT_EQ(reason_of("Orchestrator.DataError", 1, {}), DeadLetterReason::poison);
  EXPECT_EQ(reason_of("Orders.Closed", 0, {}), DeadLetterReason::permanent);
}

TEST(DeadLetter, ShowsTheLastAttemptsOnly) {
  std::vector<HistoryEvent> events;
  for (int number = 1; number <= 15; ++number) {
    HistoryEvent event;
    event.type = EventType::TaskTimedOut;
    event.cause = std::to_string(number);
    events.push_back(event);
  }

  const auto attempts = failed_attempts(events);

  ASSERT_EQ(attempts.size(), kMaxShownAttempts);
  EXPECT_EQ(attempts.front().cause, "6");
  EXPECT_EQ(attempts.back().cause, "15");
  EXPECT_EQ(attempts.back().outcome, "timed_out");
}

TEST(DeadLetter, ReasonsReadBackAsTheyAreSpelled) {
  for (const char* text : {"exhausted", "permanent", "poison", "rejected"}) {
    ASSERT_TRUE(parse_dead_letter_reason(text)) << text;
    EXPECT_EQ(to_string(*parse_dead_letter_reason(text)), text);
  }
  EXPECT_FALSE(parse_dead_letter_reason("tired"));
}

}  // namespace
}  // namespace orchestrator::core
