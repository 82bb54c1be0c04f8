#include <algorithm>
#include <cmath>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/parse_state.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

constexpr std::string_view kAll = "States.ALL";

/// Source: Amazon States Language, appendix A, and the service's own later names.
constexpr std::string_view kReservedNames[] = {
    kAll,
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
};

std::vector<std::string> parse_error_equals(FieldReader& fields, bool last, ParseContext& context) {
  std::vector<std::string> names;
  const Json* list = fields.array("ErrorEquals");
  if (!fields.has("ErrorEquals"))
    context.findings.error(kSchemaFault, fields.pointer(), "Field 'ErrorEquals' is missing");
  if (list == nullptr) return names;
  if (list->empty()) fields.fault("ErrorEquals", "'ErrorEquals' must name at least one error");
  const std::string place = fields.pointer_to("ErrorEquals");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Json& name = (*list)[i];
    if (!name.is_string()) {
      context.findings.error(kSchemaFault, below(place, i), "An error name is a string");
      continue;
    }
    names.push_back(name.get<std::string>());
    if (names.back().starts_with("States.") &&
        std::ranges::find(kReservedNames, names.back()) == std::end(kReservedNames)) {
      context.findings.warning(kUnknownErrorName, below(place, i), "No error is called '" + names.back() + "'");
    }
  }
  if (std::ranges::find(names, kAll) != names.end()) {
    if (names.size() > 1) fields.fault("ErrorEquals", "States.ALL must appear alone in 'ErrorEquals'");
    if (!last) fields.fault("ErrorEquals", "States.ALL must be in the last entry: those behind it would never be used");
  }
  return names;
}

Retrier parse_retrier(const Json& source, const std::string& pointer, bool last, ParseContext& context) {
  constexpr std::string_view kFields[] = {"ErrorEquals",     "IntervalSeconds", "MaxAttempts", "BackoffRate",
                                          "MaxDelaySeconds", "JitterStrategy",  "Comment"};
  FieldReader fields(source, pointer, context);
  fields.allow_only(kFields);
  Retrier retrier;
  retrier.error_equals = parse_error_equals(fields, last, context);
  const std::int64_t interval = fields.integer("IntervalSeconds", 1, kMaxSeconds).value_or(1);
  retrier.interval_seconds = static_cast<double>(interval);
  retrier.max_attempts = fields.integer("MaxAttempts", 0, kMaxSeconds).value_or(retrier.max_attempts);
  const auto longest = fields.integer("MaxDelaySeconds", 1, kMaxDelaySecondsBound - 1);
  if (longest) retrier.max_delay_seconds = static_cast<double>(*longest);
  if (longest && *longest <= interval) {
    fields.fault("MaxDelaySeconds", "'MaxDelaySeconds' must be greater than 'IntervalSeconds'");
  }
  if (const Json* rate = fields.find("BackoffRate")) {
    if (rate->is_number() && rate->get<double>() >= 1.0 && std::isfinite(rate->get<double>())) {
      retrier.backoff_rate = rate->get<double>();
    } else {
      fields.fault("BackoffRate", "'BackoffRate' must be a number of at least 1.0");
    }
  }
  if (const auto jitter = fields.text("JitterStrategy")) {
    retrier.full_jitter = *jitter == "FULL";
    if (*jitter != "FULL" && *jitter != "NONE") fields.fault("JitterStrategy", "'JitterStrategy' must be FULL or NONE");
  }
  return retrier;
}

Catcher parse_catcher(const State& state, const Json& source, const std::string& pointer, bool last,
                      ParseContext& context) {
  constexpr std::string_view kFields[] = {"ErrorEquals", "Next", "ResultPath", "Assign", "Comment"};
  FieldReader fields(source, pointer, context);
  fields.allow_only(kFields);
  Catcher catcher;
  catcher.error_equals = parse_error_equals(fields, last, context);
  catcher.result_path = fields.result_path("ResultPath");
  catcher.assign = fields.assignment();
  catcher.next = fields.required_text("Next").value_or("");
  if (catcher.next.empty()) {
    note_unknown_transition(context);
  } else {
    note_transition(context, state.name, catcher.next, fields.pointer_to("Next"), "Next");
  }
  return catcher;
}

/// The entries of `name` that are objects, with their pointers.
template <typename Visit>
void for_each_entry(std::string_view name, FieldReader& fields, ParseContext& context, Visit visit) {
  const Json* list = fields.array(name);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string pointer = below(fields.pointer_to(name), i);
    if ((*list)[i].is_object()) {
      visit((*list)[i], pointer, i + 1 == list->size());
    } else {
      context.findings.error(kSchemaFault, pointer, "An entry of '" + std::string(name) + "' is an object");
    }
  }
}

}  // namespace

void parse_error_handling(State& state, FieldReader& fields, ParseContext& context) {
  const bool may_fail =
      state.type == StateType::task || state.type == StateType::parallel || state.type == StateType::map;
  if (!may_fail) return;  // Retry and Catch there are reported as unsupported fields.
  for_each_entry("Retry", fields, context, [&](const Json& entry, const std::string& pointer, bool last) {
    state.retry.push_back(parse_retrier(entry, pointer, last, context));
  });
  for_each_entry("Catch", fields, context, [&](const Json& entry, const std::string& pointer, bool last) {
    state.catches.push_back(parse_catcher(state, entry, pointer, last, context));
  });
}

}  // namespace orchestrator::language
