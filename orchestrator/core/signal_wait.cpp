#include "orchestrator/core/signal_wait.hpp"

#include <algorithm>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::core {
namespace {

/// A key is a string; a number is taken as its JSON text.
Result<std::optional<std::string>> key_in(const Json& parameters) {
  const auto found = parameters.is_object() ? parameters.find("key") : parameters.end();
  if (!parameters.is_object() || found == parameters.end() || found->is_null()) return std::optional<std::string>();
  if (found->is_string()) return std::optional<std::string>(found->get<std::string>());
  if (found->is_number()) return std::optional<std::string>(dump_json(*found));
  return fail(ErrorCode::invalid_argument, "States.Runtime",
              "The signal key must be a string, but was: " + dump_json(*found));
}

Result<std::optional<Timestamp>> until_in(const Json& parameters) {
  const auto found = parameters.is_object() ? parameters.find("until") : parameters.end();
  if (!parameters.is_object() || found == parameters.end() || found->is_null()) return std::optional<Timestamp>();
  if (found->is_string()) {
    if (auto moment = parse_rfc3339(found->get<std::string>())) return std::optional<Timestamp>(*moment);
  }
  return fail(ErrorCode::invalid_argument, "States.Runtime",
              "The wait's 'until' is not a date-time with an offset: " + dump_json(*found));
}

bool accepts(const Scope& scope, const SignalOffered& signal) {
  if (scope.phase != Phase::awaiting) return false;
  const Request& request = *scope.step.request;
  if (std::find(request.names.begin(), request.names.end(), signal.name) == request.names.end()) return false;
  return !signal.key || signal.key == request.key;
}

/// The scope whose wait takes the signal: the one that is asked, else the oldest wait.
const Scope* taker_of(const RunData& run, const SignalOffered& signal) {
  if (signal.step != 0) {
    const Scope* asked = run.find_step(signal.step);
    return asked != nullptr && accepts(*asked, signal) ? asked : nullptr;
  }
  const Scope* taker = nullptr;
  for (const auto& [id, scope] : run.scopes) {
    if (accepts(scope, signal) && (taker == nullptr || scope.step.since < taker->step.since)) taker = &scope;
  }
  return taker;
}

/// What a decision's parameters ask of its answer, for its own name only: `decision:A|signal:B` asks nothing of B.
void ask_of_answer(const Scope& scope, const std::string& name, Run::OpenWait& wait) {
  const auto& awaited = scope.state->resource.awaited;
  const bool is_decision =
      std::any_of(awaited.begin(), awaited.end(), [&](const auto& one) { return one.is_decision && one.name == name; });
  wait.is_decision = is_decision;
  const Json& parameters = json_of(scope.step.task_input);
  if (!is_decision || !parameters.is_object()) return;
  if (const auto schema = parameters.find("schema"); schema != parameters.end()) {
    wait.answer_schema = make_payload(*schema);
  }
  const auto roles = parameters.find("roles");
  if (roles == parameters.end() || roles->is_null()) return;
  // Made at run time, so it may be anything. What is no list of texts names nobody, and nobody but an admin answers.
  for (const Json& role : roles->is_array() ? *roles : Json::array({*roles})) {
    wait.answer_roles.push_back(role.is_string() ? role.get<std::string>() : dump_json(role));
  }
}

}  // namespace

AwaitSignal await_command(const Scope& scope) {
  return AwaitSignal{.step = scope.step.id,
                     .state_name = scope.state->name,
                     .names = scope.step.request->names,
                     .key = scope.step.request->key,
                     .since = scope.step.since};
}

EndSignalWait end_wait_command(const Scope& scope) {
  return EndSignalWait{.step = scope.step.id, .names = scope.step.request->names, .key = scope.step.request->key};
}

Deciding::Next Deciding::await_signal(Scope& scope) {
  const language::State& state = *scope.state;
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());
  Payload parameters = make_payload(Json::object());
  if (state.parameters) {
    auto values = filled(scope, state.parameters, *input);
    if (!values) return fail_evaluation(scope, values.error());
    parameters = *std::move(values);
  }
  auto key = key_in(*parameters);
  if (!key) return fail_evaluation(scope, key.error());
  auto until = until_in(*parameters);
  if (!until) return fail_evaluation(scope, until.error());
  std::optional<std::int64_t> seconds = state.timeout_seconds;
  if (state.timeout_seconds_path) {
    auto value = integer_at(scope, *state.timeout_seconds_path, *input, "TimeoutSecondsPath");
    if (!value) return fail_evaluation(scope, value.error());
    seconds = *value;
  }
  std::optional<Timestamp> due = *until;
  if (seconds) {
    const Timestamp timeout = now_ + std::chrono::seconds{*seconds};
    due = due ? std::min(*due, timeout) : timeout;
  }

  HistoryEvent event = event_for(scope, EventType::SignalAwaited);
  event.value = std::move(parameters);
  Json details = Json::object();
  Json& names = details[detail::kNames] = Json::array();
  for (const auto& awaited : state.resource.awaited) names.push_back(awaited.name);
  if (*key) details[detail::kKey] = **key;
  if (due) details[detail::kUntil] = to_micros(*due);
  event.details = make_payload(std::move(details));
  emit(std::move(event));
  command(await_command(scope));
  return nullptr;
}

Status Deciding::on(const SignalOffered& event) {
  if (run_.closed || run_.cancelling) return refused("no open wait takes this signal");
  const Scope* found = taker_of(run_, event);
  Scope* taker = found == nullptr ? nullptr : run_.find(found->id);
  if (!taker) return refused("no open wait takes this signal");

  Scope& scope = *taker;
  command(end_wait_command(scope));
  Json result = Json::object();
  result["name"] = event.name;
  result["key"] = event.key                 ? Json(*event.key)
                  : scope.step.request->key ? Json(*scope.step.request->key)
                                            : Json(nullptr);
  result["payload"] = json_of(event.payload);
  result["signal_id"] = event.signal_id.str();
  result["received_at"] = to_rfc3339(event.received_at);
  const Payload value = make_payload(std::move(result));
  emit(scope, EventType::SignalConsumed, value);
  go_on(scope, leave(scope, value));
  run_on();
  return {};
}

std::optional<Run::OpenWait> Run::open_wait_for(const SignalOffered& signal) const {
  if (body_->closed || body_->cancelling) return std::nullopt;
  const Scope* scope = taker_of(*body_, signal);
  if (scope == nullptr) return std::nullopt;
  OpenWait wait;
  wait.step = scope->step.id;
  wait.state_name = scope->state->name;
  ask_of_answer(*scope, signal.name, wait);
  return wait;
}

}  // namespace orchestrator::core
