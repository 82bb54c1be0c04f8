// Pass, Choice, Wait, Succeed and Fail: states that ask nobody outside.
#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::core {

Deciding::Next Deciding::enter_pass(Scope& scope) {
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());
  if (scope.state->result) return leave(scope, scope.state->result, false);
  auto result = filled(scope, scope.state->parameters, *input);
  if (!result) return fail_evaluation(scope, result.error());
  return leave(scope, *std::move(result), false);
}

Deciding::Next Deciding::enter_choice(Scope& scope) {
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());
  auto answer = language::choose(*scope.state, view(scope, json_of(*input)));
  if (!answer) return fail_evaluation(scope, answer.error());
  const language::State* next = scope.machine->find(answer->next);
  if (!next) {
    return fail_evaluation(scope,
                           Error(ErrorCode::internal, "States.Runtime", "There is no state '" + answer->next + "'."));
  }

  const bool matched = answer->rule >= 0 && static_cast<std::size_t>(answer->rule) < scope.state->choices.size();
  const language::TemplatePtr& assign =
      matched ? scope.state->choices[static_cast<std::size_t>(answer->rule)].assign : scope.state->assign;
  Payload assigned;
  if (assign) {
    auto values = filled(scope, assign, *input);
    if (!values) return fail_evaluation(scope, values.error());
    assigned = *std::move(values);
  }
  Payload output = *std::move(input);
  const language::PathOrNull& out = scope.state->output_path;
  if (out.is_null || out.path) {
    auto selected = language::apply_input_path(out, view(scope, json_of(output)));
    if (!selected) return fail_evaluation(scope, selected.error());
    output = make_payload(*std::move(selected));
  }
  return exit_with(scope, std::move(output), std::move(assigned), next);
}

Deciding::Next Deciding::enter_succeed(Scope& scope) {
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());
  return leave(scope, *std::move(input), false);
}

Deciding::Next Deciding::enter_fail(Scope& scope) {
  const language::State& state = *scope.state;
  Failure failure{.error = state.error, .cause = state.cause};
  const auto text_of = [&](const std::optional<language::Path>& path, const language::TemplatePtr& shape,
                           const char* field) -> Result<std::optional<std::string>> {
    if (!path && !shape) return std::optional<std::string>();
    auto value = shape ? language::fill(*shape, view(scope, json_of(scope.step.input)))
                       : path_value(scope, *path, scope.step.input);
    if (!value) return std::move(value).error();
    if (!value->is_string()) {
      return fail(ErrorCode::invalid_argument, "States.Runtime",
                  "The " + std::string(field) + " field does not reference a string: " + dump_json(*value));
    }
    return std::optional<std::string>(value->get<std::string>());
  };
  auto error = text_of(state.error_path, state.error_template, "ErrorPath");
  if (!error) return fail_evaluation(scope, error.error());
  auto cause = text_of(state.cause_path, state.cause_template, "CausePath");
  if (!cause) return fail_evaluation(scope, cause.error());
  if (*error) failure.error = *error;
  if (*cause) failure.cause = *cause;
  return fail_scope(scope, failure);
}

Result<Timestamp> Deciding::wait_until(Scope& scope, Next state) {
  const auto after = [&](std::int64_t seconds) -> Result<Timestamp> {
    constexpr std::int64_t kLongestWaitSeconds = 99'999'999;  // Source: the States Language service's limit.
    return now_ + std::chrono::seconds{std::min(seconds, kLongestWaitSeconds)};
  };
  if (state->seconds) return after(*state->seconds);
  auto input = effective_input(scope);
  if (!input) return std::move(input).error();
  if (state->seconds_path) {
    auto seconds = integer_at(scope, *state->seconds_path, *input, "SecondsPath");
    if (!seconds) return std::move(seconds).error();
    return after(*seconds);
  }
  if (state->timestamp) {
    auto moment = parse_rfc3339(*state->timestamp);
    if (!moment)
      return fail(ErrorCode::invalid_argument, "States.Runtime", "The Timestamp is not valid: " + *state->timestamp);
    return std::max(*moment, now_);
  }
  if (state->timestamp_path) {
    auto value = path_value(scope, *state->timestamp_path, *input);
    if (!value) return std::move(value).error();
    if (value->is_string()) {
      if (auto moment = parse_rfc3339(value->get<std::string>())) return std::max(*moment, now_);
    }
    return fail(
        ErrorCode::invalid_argument, "States.Runtime",
        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: " +
            state->timestamp_path->text() + " == " + shown(*value));
  }
  return now_;
}

Deciding::Next Deciding::enter_wait(Scope& scope, const Status& planned) {
  if (!planned) return fail_evaluation(scope, planned.error());
  if (scope.step.due && *scope.step.due > now_) return nullptr;
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());
  return leave(scope, *std::move(input), false);
}

}  // namespace orchestrator::core
