#include <algorithm>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"
#include "orchestrator/language/json_schema.hpp"

namespace orchestrator::core {

using language::StateType;

namespace {

/// Faults that a cause names; whoever mends the definition sees the next ones then.
constexpr std::size_t kMaxFaultsInCause = 5;

/// What the schema has against the run's output; nothing when it fits or there is no schema.
std::optional<std::string> misfit_of(const Payload& output, const Payload& schema) {
  if (!schema) return std::nullopt;
  const auto faults = language::check_against_schema(json_of(output), *schema);
  if (faults.empty()) return std::nullopt;
  std::string cause = "The run's output does not fit the definition's OutputSchema:";
  for (std::size_t i = 0; i < std::min(faults.size(), kMaxFaultsInCause); ++i) {
    const std::string place = faults[i].pointer.empty() ? "the output" : faults[i].pointer;
    cause += (i == 0 ? " " : "; ") + place + " " + faults[i].message;
  }
  if (faults.size() > kMaxFaultsInCause) cause += "; and more";
  return cause;
}

}  // namespace

void Deciding::go_on(const Scope& scope, Next next) {
  if (next) work_.emplace_back(scope.id, next);
}

void Deciding::run_on() {
  // In a paused run each scope stays where it left its state; the resume goes on from there.
  while (!work_.empty() && may_go_on()) {
    auto [id, next] = work_.front();
    work_.pop_front();
    while (next && may_go_on()) {
      Scope* scope = run_.find(id);
      // A sibling's failure may have stopped the scope while it stood in line.
      if (!scope || scope->phase == Phase::stopped) break;
      next = enter(*scope, next);
    }
  }
  work_.clear();
  finish_cancel_when_idle();
}

Deciding::Next Deciding::enter(Scope& scope, Next state) {
  if (scope.burst_of != run_.decisions) {
    scope.burst_of = run_.decisions;
    scope.burst = 0;
  }
  // The Wait's end is part of its Entered event; a failure to compute it comes after the event.
  Status planned;
  HistoryEvent event = event_for(scope, entered_event(state->type));
  event.state_name = state->name;
  if (state->type == StateType::wait) {
    const language::State* before = std::exchange(scope.state, state);
    const Payload input = std::exchange(scope.step.input, scope.value);
    const Timestamp entered_at = std::exchange(scope.step.entered_at, now_);
    auto until = wait_until(scope, state);
    scope.state = before;
    scope.step.input = input;
    scope.step.entered_at = entered_at;
    if (until) {
      Json details = Json::object();
      details[detail::kUntil] = to_micros(*until);
      event.details = make_payload(std::move(details));
    } else {
      planned = std::move(until).error();
    }
  }
  emit(std::move(event));

  if (++scope.burst > limits_.max_transitions_per_decision) {
    return fail_evaluation(scope, Error(ErrorCode::resource_exhausted, "States.Runtime",
                                        "More than " + std::to_string(limits_.max_transitions_per_decision) +
                                            " transitions happened without waiting for anything."));
  }
  switch (state->type) {
    case StateType::task: return enter_task(scope);
    case StateType::pass: return enter_pass(scope);
    case StateType::choice: return enter_choice(scope);
    case StateType::wait: return enter_wait(scope, planned);
    case StateType::succeed: return enter_succeed(scope);
    case StateType::fail: return enter_fail(scope);
    case StateType::parallel: return enter_parallel(scope);
    case StateType::map: return enter_map(scope);
  }
  return nullptr;
}

Result<Deciding::Leaving> Deciding::leaving(Scope& scope, Payload result, bool select_result) {
  const language::State& state = *scope.state;
  if (select_result && state.result_selector) {
    auto selected = filled(scope, state.result_selector, result);
    if (!selected) return std::move(selected).error();
    result = *std::move(selected);
  }
  Leaving left;
  if (state.assign) {
    auto values = filled(scope, state.assign, result);
    if (!values) return std::move(values).error();
    left.assigned = *std::move(values);
  }

  left.output = std::move(result);
  const language::ResultPath& placed = state.result_path;
  if (placed.is_null) {
    left.output = scope.step.input;
  } else if (placed.path && !placed.path->is_root()) {
    auto combined = language::apply_result_path(placed, json_of(scope.step.input), json_of(left.output));
    if (!combined) return std::move(combined).error();
    left.output = make_payload(*std::move(combined));
    if (Status fits = within_limit(scope, left.output); !fits) return std::move(fits).error();
  }
  const language::PathOrNull& out = state.output_path;
  if (out.is_null || (out.path && !(out.path->is_root() && out.path->root() == language::Path::Root::input))) {
    auto selected = language::apply_input_path(out, view(scope, json_of(left.output)));
    if (!selected) return std::move(selected).error();
    left.output = make_payload(*std::move(selected));
  }
  return left;
}

Deciding::Next Deciding::leave(Scope& scope, Payload result, bool select_result) {
  auto left = leaving(scope, std::move(result), select_result);
  if (!left) return fail_evaluation(scope, left.error());
  const language::State& state = *scope.state;
  const language::State* next = state.next.empty() ? nullptr : scope.machine->find(state.next);
  return exit_with(scope, std::move(left->output), std::move(left->assigned), next);
}

Deciding::Next Deciding::exit_with(Scope& scope, Payload output, Payload assigned, Next next) {
  HistoryEvent event = event_for(scope, exited_event(scope.state->type));
  const bool keeps_input = output != scope.value && output == scope.step.input;
  if (output != scope.value && !keeps_input) event.value = std::move(output);
  const bool by_the_definition = next == nullptr || next->name == scope.state->next;
  if (assigned || keeps_input || !by_the_definition) {
    Json details = Json::object();
    if (assigned) details[detail::kAssigned] = *assigned;
    if (keeps_input) details[detail::kKeepsInput] = true;
    if (!by_the_definition) details[detail::kNext] = next->name;
    event.details = make_payload(std::move(details));
  }
  emit(std::move(event));
  if (scope.phase == Phase::finished) return finish(scope);
  return scope.resume_at;
}

Deciding::Next Deciding::finish(Scope& scope) {
  if (scope.parent >= 0) {
    Scope& parent = *run_.find(scope.parent);
    return parent.state->type == StateType::map ? iteration_finished(scope) : branch_finished(parent);
  }
  // A cancel that came first wins over the last state's success.
  if (run_.cancelling) return nullptr;
  if (const auto misfit = misfit_of(scope.value, run_.definition->output_schema)) {
    close_as(EventType::ExecutionFailed, "Orchestrator.OutputInvalid", misfit);
  } else {
    emit(scope, EventType::ExecutionSucceeded);
  }
  return nullptr;
}

}  // namespace orchestrator::core
