#include <algorithm>
#include <cmath>

#include "orchestrator/core/apply.hpp"
#include "orchestrator/core/deciding.hpp"
#include "orchestrator/core/details.hpp"

namespace orchestrator::core {
namespace {

/// What a Map field and its Path variant say; nothing when neither is there.
struct Tolerance {
  std::optional<std::int64_t> count;
  std::optional<double> percentage;
};

bool is_exceeded(const MapProgress& map) {
  if (!map.tolerated_count && !map.tolerated_percentage) return map.failed > 0;
  if (map.tolerated_count && map.failed > *map.tolerated_count) return true;
  const auto total = static_cast<double>(map.results.size());
  return map.tolerated_percentage && static_cast<double>(map.failed) * 100.0 > *map.tolerated_percentage * total;
}

Unexpected bad_field(const char* field, const Json& value, const std::string& kind, const std::string& path) {
  return fail(ErrorCode::invalid_argument, "States.Runtime",
              "The " + std::string(field) + " field refers to value \"" + shown(value) + "\" which is not a valid " +
                  kind + ": " + path);
}

}  // namespace

Deciding::Next Deciding::enter_map(Scope& scope) { return start_iterations(scope); }

Deciding::Next Deciding::start_iterations(Scope& scope) {
  const language::State& state = *scope.state;
  auto input = effective_input(scope);
  if (!input) return fail_evaluation(scope, input.error());

  Payload items = *input;
  if (state.items_path && !state.items_path->is_root()) {
    auto value = path_value(scope, *state.items_path, *input);
    if (!value) return fail_evaluation(scope, value.error());
    items = make_payload(*std::move(value));
  }
  if (!json_of(items).is_array()) {
    return fail_evaluation(
        scope, Error(ErrorCode::invalid_argument, "States.Runtime",
                     "Reference path \"" + (state.items_path ? state.items_path->text() : std::string("$")) +
                         "\" must point to array."));
  }
  auto limits = map_limits(scope, *input);
  if (!limits) return fail_evaluation(scope, limits.error());

  HistoryEvent event = event_for(scope, EventType::MapStateStarted);
  (*limits)[detail::kLength] = items->size();
  if (items != scope.value) event.value = std::move(items);
  event.details = make_payload(*std::move(limits));
  emit(std::move(event));
  fill_map(scope);
  return map_settled(scope);
}

Result<Json> Deciding::map_limits(Scope& scope, const Payload& input) {
  const language::State& state = *scope.state;
  Json details = Json::object();

  std::int64_t concurrency = state.max_concurrency.value_or(0);
  if (state.max_concurrency_path) {
    auto value = path_value(scope, *state.max_concurrency_path, input);
    if (!value) return std::move(value).error();
    if (!value->is_number_integer() || value->get<std::int64_t>() < 0) {
      return bad_field("MaxConcurrencyPath", *value, "integer", state.max_concurrency_path->text());
    }
    concurrency = value->get<std::int64_t>();
  }
  const std::int64_t most = limits_.max_open_iterations;
  details[detail::kMaxConcurrency] = concurrency == 0 ? most : std::min(concurrency, most);

  if (state.tolerated_failure_count) details[detail::kToleratedCount] = *state.tolerated_failure_count;
  if (state.tolerated_failure_count_path) {
    auto value = path_value(scope, *state.tolerated_failure_count_path, input);
    if (!value) return std::move(value).error();
    if (!value->is_number_integer() || value->get<std::int64_t>() < 0) {
      return bad_field("ToleratedFailureCountPath", *value, "integer", state.tolerated_failure_count_path->text());
    }
    details[detail::kToleratedCount] = *value;
  }
  if (state.tolerated_failure_percentage) details[detail::kToleratedPercentage] = *state.tolerated_failure_percentage;
  if (state.tolerated_failure_percentage_path) {
    auto value = path_value(scope, *state.tolerated_failure_percentage_path, input);
    if (!value) return std::move(value).error();
    const bool in_range = value->is_number() && value->get<double>() >= 0 && value->get<double>() <= 100;
    if (!in_range) {
      return bad_field("ToleratedFailurePercentagePath", *value, "float",
                       state.tolerated_failure_percentage_path->text());
    }
    details[detail::kToleratedPercentage] = *value;
  }
  return details;
}

void Deciding::fill_map(Scope& scope) {
  MapProgress& map = *scope.step.map;
  const auto total = static_cast<std::int64_t>(map.results.size());
  while (map.started < total && map.started - map.settled < map.max_concurrency && may_go_on()) {
    HistoryEvent event = event_for(scope, EventType::MapIterationStarted);
    const std::int64_t index = map.started;
    if (scope.state->item_selector) {
      auto input = item_input(scope, index);
      if (!input) {
        withdraw_inner(scope, "an item could not be selected");
        go_on(scope, fail_evaluation(scope, input.error()));
        return;
      }
      event.value = *std::move(input);
    }
    event.scope = run_.next_scope;
    Json details = Json::object();
    details[detail::kIndex] = index;
    details[detail::kParent] = scope.id;
    event.details = make_payload(std::move(details));
    emit(std::move(event));
    const Scope& iteration = run_.scopes.rbegin()->second;
    go_on(iteration, iteration.machine->find(iteration.machine->start_at));
  }
}

Result<Payload> Deciding::item_input(Scope& scope, std::int64_t index) {
  auto input = effective_input(scope);
  if (!input) return std::move(input).error();
  language::Scope seen = view(scope, json_of(*input));
  Json& item = run_.context["Map"]["Item"];
  item["Index"] = index;
  item["Value"] = (*scope.step.map->items)[static_cast<std::size_t>(index)];
  auto value = language::fill(*scope.state->item_selector, seen);
  if (!value) return std::move(value).error();
  return make_payload(*std::move(value));
}

Deciding::Next Deciding::iteration_finished(Scope& scope) {
  Scope& parent = *run_.find(scope.parent);
  HistoryEvent event = event_for(scope, EventType::MapIterationSucceeded);
  Json details = Json::object();
  details[detail::kIndex] = scope.index;
  event.details = make_payload(std::move(details));
  emit(std::move(event));  // The scope is gone from here on.
  return iteration_settled(parent);
}

Deciding::Next Deciding::iteration_failed(Scope& scope, const Failure& failure) {
  Scope& parent = *run_.find(scope.parent);
  withdraw_inner(scope, "the iteration failed");
  HistoryEvent event = event_for(scope, EventType::MapIterationFailed);
  event.error = failure.error;
  event.cause = failure.cause;
  Json details = Json::object();
  details[detail::kIndex] = scope.index;
  event.details = make_payload(std::move(details));
  emit(std::move(event));

  const MapProgress& map = *parent.step.map;
  if (!is_exceeded(map)) return iteration_settled(parent);

  for (const ScopeId id : std::vector<ScopeId>(parent.step.inner)) {
    Scope& other = *run_.find(id);
    if (other.phase == Phase::stopped) continue;
    withdraw(other, CancelMode::kill, "a sibling failed");
    HistoryEvent aborted = event_for(other, EventType::MapIterationAborted);
    Json where = Json::object();
    where[detail::kIndex] = other.index;
    aborted.details = make_payload(std::move(where));
    emit(std::move(aborted));
  }
  Failure of_map = failure;
  if (map.tolerated_count || map.tolerated_percentage) {
    of_map = Failure{.error = "States.ExceedToleratedFailureThreshold",
                     .cause = "The specified tolerated failure threshold was exceeded"};
  }
  parent.last = run_.last_id;
  go_on(parent, fail_step(parent, of_map, EventType::MapStateFailed));
  return nullptr;
}

Deciding::Next Deciding::iteration_settled(Scope& parent) {
  fill_map(parent);
  go_on(parent, map_settled(parent));
  return nullptr;
}

Deciding::Next Deciding::map_settled(Scope& scope) {
  if (scope.phase != Phase::branching || run_.cancelling) return nullptr;
  const MapProgress& map = *scope.step.map;
  if (map.settled < static_cast<std::int64_t>(map.results.size())) return nullptr;
  emit(scope, EventType::MapStateSucceeded);
  const Payload result = scope.value;
  if (Status fits = within_limit(scope, result); !fits) return fail_evaluation(scope, fits.error());
  return leave(scope, result);
}

}  // namespace orchestrator::core
