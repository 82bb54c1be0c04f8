#include <algorithm>
#include <cmath>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::core {
namespace {

constexpr std::string_view kRuntime = "States.Runtime";
constexpr std::string_view kTimeout = "States.Timeout";
constexpr std::string_view kAll = "States.ALL";
constexpr std::string_view kTaskFailed = "States.TaskFailed";

/// Longest delay that backoff can reach without MaxDelaySeconds; the language's own limit for seconds.
constexpr double kLongestDelaySeconds = 99'999'999.0;

bool names_exactly(const std::vector<std::string>& names, const std::optional<std::string>& error) {
  return error && std::find(names.begin(), names.end(), *error) != names.end();
}

bool matches(const std::vector<std::string>& names, const std::optional<std::string>& error) {
  if (error && *error == kRuntime) return false;
  if (names_exactly(names, error)) return true;
  for (const std::string& name : names) {
    if (name == kAll) return true;
    if (name == kTaskFailed && error && *error != kTimeout) return true;
  }
  return false;
}

}  // namespace

Failure Deciding::failure_of(const Scope& scope, const Error& error) {
  Failure failure;
  failure.error = error.slug.empty() ? std::string(kRuntime) : error.slug;
  failure.cause = "An error occurred while executing the state '" + scope.state->name + "' (entered at the event id #" +
                  std::to_string(scope.step.id) + "). " + error.message;
  return failure;
}

Deciding::Next Deciding::fail_evaluation(Scope& scope, const Error& error) {
  return fail_step(scope, failure_of(scope, error), std::nullopt);
}

std::optional<std::size_t> Deciding::retrier_for(const Scope& scope, const Failure& failure) {
  const auto& retriers = retriers_of(scope);
  for (std::size_t i = 0; i < retriers.size(); ++i) {
    const auto& names = retriers[i].error_equals;
    const bool applies = failure.retryable ? matches(names, failure.error)
                                           : names_exactly(names, failure.error) && *failure.error != kRuntime;
    if (!applies) continue;
    // The first retrier that names the error decides alone: used up, the failure goes on to Catch.
    const std::int32_t used = i < scope.step.retries.size() ? scope.step.retries[i] : 0;
    if (used >= retriers[i].max_attempts) return std::nullopt;
    return i;
  }
  return std::nullopt;
}

Duration Deciding::retry_delay(const language::Retrier& retrier, std::int32_t retries_so_far, Duration at_least) {
  double seconds = retrier.interval_seconds * std::pow(retrier.backoff_rate, retries_so_far);
  if (!retrier.delays_seconds.empty()) {
    const auto place = static_cast<std::size_t>(retries_so_far);
    seconds = retrier.delays_seconds[std::min(place, retrier.delays_seconds.size() - 1)];
  }
  seconds = std::min(seconds, retrier.max_delay_seconds.value_or(kLongestDelaySeconds));
  if (retrier.full_jitter) {
    constexpr double kSteps = 9007199254740992.0;  // 2^53: every double in [0, 1) with equal chance.
    seconds *= static_cast<double>(random() >> 11) / kSteps;
  }
  const Duration delay{static_cast<std::int64_t>(seconds * 1'000'000.0)};
  return std::max(delay, at_least);
}

Deciding::Next Deciding::fail_step(Scope& scope, const Failure& failure, std::optional<EventType> type) {
  const auto index = retrier_for(scope, failure);
  if (index && !run_.cancelling) {
    const std::int32_t used = *index < scope.step.retries.size() ? scope.step.retries[*index] : 0;
    const Duration delay = retry_delay(retriers_of(scope)[*index], used, failure.delay);
    HistoryEvent event = event_for(scope, type.value_or(failed_event(scope.state->type)));
    event.error = failure.error;
    event.cause = failure.cause;
    Json details = Json::object();
    details[detail::kRetryAt] = to_micros(now_ + delay);
    details[detail::kRetrier] = *index;
    event.details = make_payload(std::move(details));
    emit(std::move(event));
    return nullptr;
  }
  if (type) {
    HistoryEvent event = event_for(scope, *type);
    event.error = failure.error;
    event.cause = failure.cause;
    if (!failure.retryable) event.details = make_payload(Json{{detail::kNonRetryable, true}});
    emit(std::move(event));
  }
  return catch_or_fail(scope, failure);
}

Deciding::Next Deciding::catch_or_fail(Scope& scope, const Failure& failure) {
  // Asked to stop: what failed stays as it is, for whoever retries the run.
  if (run_.cancelling) return nullptr;
  for (const language::Catcher& catcher : scope.state->catches) {
    if (!matches(catcher.error_equals, failure.error)) continue;
    const Payload caught = error_output(failure.error, failure.cause);
    Payload assigned;
    if (catcher.assign) {
      auto values = filled(scope, catcher.assign, caught);
      if (!values) return fail_scope(scope, failure_of(scope, values.error()));
      assigned = *std::move(values);
    }
    Payload output = caught;
    if (catcher.result_path.is_null) {
      output = scope.step.input;
    } else if (catcher.result_path.path && !catcher.result_path.path->is_root()) {
      auto combined = language::apply_result_path(catcher.result_path, json_of(scope.step.input), *caught);
      if (!combined) return fail_scope(scope, failure_of(scope, combined.error()));
      output = make_payload(*std::move(combined));
    }
    const language::State* next = scope.machine->find(catcher.next);
    if (!next)
      return fail_scope(scope, Failure{.error = std::string(kRuntime), .cause = "There is no state " + catcher.next});
    return exit_with(scope, std::move(output), std::move(assigned), next);
  }
  return fail_scope(scope, failure);
}

Deciding::Next Deciding::fail_scope(Scope& scope, const Failure& failure) {
  if (scope.parent < 0) {
    close_as(EventType::ExecutionFailed, failure.error, failure.cause);
    return nullptr;
  }
  Scope& parent = *run_.find(scope.parent);
  if (parent.state->type == language::StateType::map) return iteration_failed(scope, failure);
  withdraw_inner(parent, "a sibling failed");
  go_on(parent, fail_step(parent, failure, EventType::ParallelStateFailed));
  return nullptr;
}

Deciding::Next Deciding::retry_now(Scope& scope) {
  switch (scope.state->type) {
    case language::StateType::parallel: return start_branches(scope);
    case language::StateType::map: return start_iterations(scope);
    default: return enter_task(scope);
  }
}

}  // namespace orchestrator::core
