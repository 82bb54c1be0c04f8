// Inquire: asked before any retry when nobody knows whether an attempt happened.
#include <algorithm>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/core/task.hpp"

namespace orchestrator::core {
namespace {

// An inquiry that fails or knows nothing is asked again after 1 s, doubling to 5 min, for as long as it takes: giving
// up would mean to guess.
constexpr std::chrono::seconds kFirstDelay{1};
constexpr std::chrono::seconds kLongestDelay{300};

Duration delay_after(std::int32_t failures) {
  constexpr std::int32_t kDoublings = 9;  // 2^9 s is past the longest delay.
  return std::min<Duration>(kFirstDelay * (std::int64_t{1} << std::min(failures, kDoublings)), kLongestDelay);
}

constexpr const char* kHttpHandler = "http.request";
constexpr const char* kHttpNotFound = "Http.Status.404";

std::optional<std::string> optional_text(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

Deciding::Next Deciding::ask(Scope& scope) {
  const language::Inquiry& inquire = *scope.state->inquire;
  Payload input = scope.step.task_input;
  if (inquire.parameters) {
    Json subject = Json::object();
    subject["input"] = json_of(scope.step.task_input);
    subject["output"] = nullptr;
    auto parameters = filled(scope, inquire.parameters, make_payload(std::move(subject)));
    if (!parameters) {
      inquire_again(scope, EventType::InquiryFailed, nullptr,
                    Failure{.error = parameters.error().slug, .cause = parameters.error().message});
      return nullptr;
    }
    input = *std::move(parameters);
  }
  HistoryEvent event = event_for(scope, EventType::InquiryScheduled);
  event.value = std::move(input);
  emit(std::move(event));
  command(task_command(run_, scope));
  return nullptr;
}

void Deciding::inquire_again(Scope& scope, EventType type, Payload value, const Failure& failure) {
  HistoryEvent event = event_for(scope, type);
  event.value = std::move(value);
  event.error = failure.error;
  event.cause = failure.cause;
  Json details = Json::object();
  if (type == EventType::InquiryAnswered) details[detail::kOutcome] = "unknown";
  details[detail::kRetryAt] = to_micros(now_ + std::max(delay_after(scope.step.inquiry_failures), failure.delay));
  event.details = make_payload(std::move(details));
  emit(std::move(event));
}

void Deciding::inquiry_finished(Scope& scope, const TaskFinished& event) {
  const Outcome& outcome = event.outcome;
  const bool is_http = scope.state->inquire->resource.name == kHttpHandler;
  if (run_.cancelling) {
    emit(scope, EventType::TaskCancelled);
    return;
  }
  if (outcome.kind == Outcome::Kind::completed) {
    const Json& output = json_of(outcome.output);
    const Json& answer = is_http && output.is_object() && output.contains("body") ? output["body"] : output;
    go_on(scope, conclude(scope, answer, outcome.output));
    return;
  }
  if (is_http && outcome.kind == Outcome::Kind::failed && outcome.error == kHttpNotFound) {
    Json answer = Json::object();
    answer["outcome"] = "not_found";
    go_on(scope, conclude(scope, answer, make_payload(answer)));
    return;
  }
  const Failure failure{.error = outcome.error, .cause = outcome.cause, .delay = outcome.delay.value_or(Duration{})};
  inquire_again(scope, EventType::InquiryFailed, nullptr, failure);
}

Deciding::Next Deciding::conclude(Scope& scope, const Json& answer, const Payload& recorded) {
  const std::string outcome = string_member(answer, "outcome");
  HistoryEvent event = event_for(scope, EventType::InquiryAnswered);
  event.value = recorded;
  Json details = Json::object();
  details[detail::kOutcome] = outcome;

  if (outcome == "succeeded") {
    event.details = make_payload(std::move(details));
    emit(std::move(event));
    const auto found = answer.find("result");
    const Payload result = make_payload(found == answer.end() ? Json(nullptr) : *found);
    emit(scope, EventType::TaskSucceeded, result);
    return leave(scope, result);
  }
  if (outcome == "failed") {
    event.details = make_payload(std::move(details));
    emit(std::move(event));
    const Failure failure{.error = optional_text(answer, "error"), .cause = optional_text(answer, "cause")};
    return fail_step(scope, failure, EventType::TaskFailed);
  }
  if (outcome == "not_found") {
    // It never happened: trying again is safe, by the rules of whatever went wrong.
    if (scope.step.lost || !scope.step.failure) {
      event.details = make_payload(std::move(details));
      emit(std::move(event));
      return hand_out_again(scope);
    }
    const Failure failure = *scope.step.failure;
    if (const auto index = retrier_for(scope, failure)) {
      const std::int32_t used = *index < scope.step.retries.size() ? scope.step.retries[*index] : 0;
      details[detail::kRetryAt] = to_micros(now_ + retry_delay(retriers_of(scope)[*index], used, failure.delay));
      details[detail::kRetrier] = *index;
      event.details = make_payload(std::move(details));
      emit(std::move(event));
      return nullptr;
    }
    event.details = make_payload(std::move(details));
    emit(std::move(event));
    return catch_or_fail(scope, failure);
  }
  const bool is_unknown = outcome == "unknown";
  Failure failure;
  if (!is_unknown) failure.cause = "an inquiry answers {outcome: succeeded|failed|not_found|unknown}";
  inquire_again(scope, is_unknown ? EventType::InquiryAnswered : EventType::InquiryFailed, recorded, failure);
  return nullptr;
}

}  // namespace orchestrator::core
