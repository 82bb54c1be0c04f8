#include "orchestrator/app/mocked_outside.hpp"

#include <utility>

#include "orchestrator/app/told_history.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::app {
namespace {

constexpr std::string_view kInquirySuffix = "/inquire";

Outcome outcome_of(const tools::MockAnswer& answer) {
  if (answer.output) return Outcome::completed(make_payload(*answer.output));
  Outcome outcome;
  outcome.kind = Outcome::Kind::failed;
  outcome.error = answer.error;
  outcome.cause = answer.cause;
  return outcome;
}

/// What an honest system says about an attempt whose node died: it was never asked, or it did what it answered.
Json truth_about(const std::optional<tools::MockAnswer>& performed) {
  if (!performed || !performed->answers) return {{"outcome", "not_found"}};
  if (performed->output) return {{"outcome", "succeeded"}, {"result", *performed->output}};
  return {{"outcome", "failed"},
          {"error", performed->error ? Json(*performed->error) : Json(nullptr)},
          {"cause", performed->cause ? Json(*performed->cause) : Json(nullptr)}};
}

}  // namespace

void MockedOutside::bind(const std::string& idempotency_key, EventId step) {
  const auto entered = entered_.find(step);
  if (entered != entered_.end()) by_key_[idempotency_key] = entered->second.first;
}

std::optional<Outcome> MockedOutside::answer(const Json& input, const TaskContext& context) {
  const bool is_inquiry = context.idempotency_key.ends_with(kInquirySuffix);
  Scope& scope = scopes_[by_key_[context.idempotency_key]];
  if (is_inquiry && scope.is_suspected) return Outcome::completed(make_payload(truth_about(scope.of_attempt)));

  auto& given = is_inquiry ? scope.of_inquiry : scope.of_attempt;
  const std::string mocked = context.state_name + (is_inquiry ? "/Inquire" : "");
  if (!given) given = mocks_.next_answer(mocked, input);
  if (!given->answers) return std::nullopt;
  return outcome_of(*given);
}

std::vector<runtime::Message> MockedOutside::play_child(const runtime::StartMessage& start) {
  // A successor's run is a run of its own.
  if (!start.request.parent) return {};
  const RunId parent = *start.request.parent;
  const runtime::ChildStartedMessage started{parent, start.step, start.request.id, {}, {}};
  const bool is_detached = start.request.parent_step == 0;
  if (is_detached) return {started};
  const tools::MockAnswer answer = mocks_.next_answer(entered_[start.step].second, json_of(start.request.input));
  if (!answer.answers) return {started};
  if (!answer.output) {
    const std::string error = answer.error.value_or("States.TaskFailed");
    return {runtime::ChildStartedMessage{parent, start.step, RunId{}, error, answer.cause.value_or("")}};
  }
  runtime::ChildEndedMessage ended;
  ended.parent = parent;
  ended.step = start.step;
  ended.child = start.request.id;
  ended.output = make_payload(*answer.output);
  return {started, ended};
}

void MockedOutside::see(const std::vector<HistoryEvent>& events) {
  for (const HistoryEvent& event : events) see(event);
}

void MockedOutside::see(const HistoryEvent& event) {
  Scope& scope = scopes_[event.scope];
  if (!event.state_name.empty()) {
    scope.state = event.state_name;
    entered_[event.id] = {event.scope, event.state_name};
  }
  switch (event.type) {
    case EventType::TaskStarted:
    case EventType::InquiryStarted: return;
    case EventType::InquiryScheduled:
      scope.is_suspected = scope.last_of_task == EventType::TaskScheduled || scope.last_of_task == EventType::TaskLost;
      return;
    case EventType::InquiryAnswered:
    case EventType::InquiryFailed:
      if (!is_lost_inquiry(event)) scope.of_inquiry.reset();
      return;
    case EventType::TaskScheduled:
    case EventType::TaskLost: break;
    case EventType::SignalAwaited: answer_wait(event, scope.state); break;
    default: scope.of_attempt.reset(); break;
  }
  scope.last_of_task = event.type;
}

void MockedOutside::answer_wait(const HistoryEvent& event, const std::string& state) {
  if (!mocks_.has_answers_for(state)) return;
  const tools::MockAnswer answer = mocks_.next_answer(state, Json::object());
  if (!answer.output) return;
  const Json& names = json_of(event.details).at(core::detail::kNames);
  signals_.push_back({.name = names.at(0).get<std::string>(),
                      .key = std::nullopt,
                      .payload = make_payload(*answer.output),
                      .id = "wait-" + std::to_string(event.id)});
}

}  // namespace orchestrator::app
