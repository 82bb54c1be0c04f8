#include "orchestrator/core/job.hpp"

#include <algorithm>

#include "orchestrator/core/details.hpp"
#include "orchestrator/core/run.hpp"

namespace orchestrator::core {
namespace {

language::Retrier retrier_of(const JobSpec& spec) {
  language::Retrier retrier;
  retrier.error_equals = {"States.ALL"};
  retrier.max_attempts = spec.max_attempts - 1;
  retrier.full_jitter = spec.retry.full_jitter;
  switch (spec.retry.kind) {
    case JobRetryKind::exponential:
      retrier.interval_seconds = spec.retry.initial_seconds;
      retrier.backoff_rate = spec.retry.factor;
      retrier.max_delay_seconds = spec.retry.max_seconds;
      break;
    case JobRetryKind::fixed:
      retrier.interval_seconds = spec.retry.initial_seconds;
      retrier.backoff_rate = 1;
      break;
    case JobRetryKind::list: retrier.delays_seconds = spec.retry.delays_seconds; break;
  }
  return retrier;
}

bool is_failure(EventType type) {
  return type == EventType::TaskFailed || type == EventType::TaskTimedOut || type == EventType::TaskLost;
}

}  // namespace

language::DefinitionPtr job_definition(const std::string& handler, const std::string& queue, const JobSpec& spec) {
  language::State state;
  state.name = kJobStateName;
  state.type = language::StateType::task;
  state.end = true;
  state.resource.kind = language::Resource::Kind::handler;
  state.resource.text = "handler:" + handler + "?queue=" + queue;
  state.resource.name = handler;
  state.resource.queue = queue;
  state.timeout_seconds = spec.timeout_seconds;
  if (spec.max_attempts > 1) state.retry.push_back(retrier_of(spec));

  auto definition = std::make_shared<language::Definition>();
  definition->root.start_at = kJobStateName;
  definition->root.states.emplace(kJobStateName, std::move(state));
  return definition;
}

bool same_job_definition(const JobSpec& left, const JobSpec& right) {
  return left.max_attempts == right.max_attempts && left.timeout_seconds == right.timeout_seconds &&
         left.retry == right.retry;
}

bool is_remarkable(const std::vector<HistoryEvent>& events) {
  // A start that was noted in the same decision as the success says nothing that the columns do not say.
  const bool succeeded = !events.empty() && events.back().type == EventType::ExecutionSucceeded;
  return std::any_of(events.begin(), events.end(), [&](const HistoryEvent& event) {
    switch (event.type) {
      case EventType::ExecutionStarted:
      case EventType::TaskStateEntered:
      case EventType::TaskScheduled:
      case EventType::TaskSucceeded:
      case EventType::TaskStateExited:
      case EventType::ExecutionSucceeded: return false;
      case EventType::TaskStarted: return !succeeded;
      default: return true;
    }
  });
}

void note_failures(const Run& run, const std::vector<HistoryEvent>& events, std::string& worker,
                   std::vector<FailedAttempt>& failures) {
  // A lost attempt is followed by the next one at once: the run counts that already.
  std::int32_t later = 0;
  for (const HistoryEvent& event : events) later += event.type == EventType::TaskScheduled ? 1 : 0;
  bool is_told = false;  // the loss that poisoned it is told as the loss
  for (const HistoryEvent& event : events) {
    if (event.type == EventType::TaskScheduled) --later;
    if (event.type == EventType::TaskStarted) worker = detail::text(event, detail::kWorker).value_or(std::string());
    if (!is_failure(event.type) || is_told) continue;
    is_told = event.type == EventType::TaskLost;
    FailedAttempt failure;
    failure.attempt = std::max(1, run.attempts() - later);
    failure.at = event.at;
    failure.error = event.type == EventType::TaskLost ? "Orchestrator.WorkerLost" : event.error.value_or(std::string());
    failure.cause = event.cause.value_or(std::string());
    failure.worker = worker;
    failure.retryable = !detail::flag(event, detail::kNonRetryable);
    failure.retry_at = detail::time(event, detail::kRetryAt);
    keep_failure(failures, std::move(failure));
  }
}

void begin_again(const Planner& planner, Run& job, std::optional<Timestamp> began) {
  planner.start(job, Inputs{.now = began.value_or(job.header().created_at)});
}

}  // namespace orchestrator::core
