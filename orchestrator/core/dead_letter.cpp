#include "orchestrator/core/dead_letter.hpp"

#include <map>

#include "orchestrator/core/details.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kReasons[] = {"exhausted", "permanent", "poison", "rejected"};

/// What is known about the step that a scope is in.
struct StepSoFar {
  std::string state_name;
  std::optional<Timestamp> started_at;
  std::string worker;
};

std::string_view outcome_of(EventType type) {
  switch (type) {
    case EventType::TaskFailed: return "failed";
    case EventType::TaskTimedOut: return "timed_out";
    case EventType::TaskLost: return "lost";
    default: return {};
  }
}

}  // namespace

std::string_view to_string(DeadLetterReason reason) { return kReasons[static_cast<std::size_t>(reason)]; }

std::optional<DeadLetterReason> parse_dead_letter_reason(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kReasons); ++i) {
    if (kReasons[i] == text) return static_cast<DeadLetterReason>(i);
  }
  return std::nullopt;
}

std::vector<DeadLetterAttempt> failed_attempts(const std::vector<HistoryEvent>& events) {
  std::map<ScopeId, StepSoFar> steps;
  std::vector<DeadLetterAttempt> failed;
  for (const HistoryEvent& event : events) {
    StepSoFar& step = steps[event.scope];
    if (!event.state_name.empty()) step = StepSoFar{.state_name = event.state_name};
    if (event.type == EventType::TaskScheduled) {
      step.started_at.reset();
      step.worker.clear();
    } else if (event.type == EventType::TaskStarted) {
      step.started_at = event.at;
      step.worker = detail::text(event, detail::kWorker).value_or("");
    }
    const std::string_view outcome = outcome_of(event.type);
    if (outcome.empty()) continue;
    DeadLetterAttempt attempt;
    attempt.outcome = outcome;
    attempt.state_name = step.state_name;
    attempt.started_at = step.started_at;
    attempt.ended_at = event.at;
    attempt.worker = step.worker;
    attempt.error = event.error;
    attempt.cause = event.cause;
    attempt.retryable = !detail::flag(event, detail::kNonRetryable);
    failed.push_back(std::move(attempt));
  }
  if (failed.size() > kMaxShownAttempts) {
    failed.erase(failed.begin(), failed.end() - static_cast<std::ptrdiff_t>(kMaxShownAttempts));
  }
  return failed;
}

DeadLetterReason reason_of(const std::optional<std::string>& error, std::int32_t attempts,
                           const std::vector<DeadLetterAttempt>& failed) {
  if (error == "Orchestrator.WorkerLost" || error == "Orchestrator.DataError") return DeadLetterReason::poison;
  if (error == "Orchestrator.StartRefused") return DeadLetterReason::rejected;
  const bool may_repeat = failed.empty() || failed.back().retryable;
  return attempts > 1 && may_repeat ? DeadLetterReason::exhausted : DeadLetterReason::permanent;
}

}  // namespace orchestrator::core
