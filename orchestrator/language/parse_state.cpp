#include "orchestrator/language/parse_state.hpp"

#include <span>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

// Fields of each type beside Type, Comment and QueryLanguage. Source: Amazon States Language, state type table.
constexpr std::string_view kTaskFields[] = {"Next",
                                            "End",
                                            "InputPath",
                                            "OutputPath",
                                            "Parameters",
                                            "ResultSelector",
                                            "ResultPath",
                                            "Assign",
                                            "Retry",
                                            "Catch",
                                            "Resource",
                                            "TimeoutSeconds",
                                            "TimeoutSecondsPath",
                                            "HeartbeatSeconds",
                                            "HeartbeatSecondsPath",
                                            "Credentials",
                                            "Inquire",
                                            "Compensate",
                                            "Type",
                                            "Comment",
                                            "QueryLanguage"};
constexpr std::string_view kPassFields[] = {"Next",   "End",    "InputPath", "OutputPath", "Parameters",   "ResultPath",
                                            "Result", "Assign", "Type",      "Comment",    "QueryLanguage"};
constexpr std::string_view kChoiceFields[] = {"InputPath", "OutputPath", "Choices", "Default",
                                              "Assign",    "Type",       "Comment", "QueryLanguage"};
constexpr std::string_view kWaitFields[] = {"Next",    "End",         "InputPath", "OutputPath",
                                            "Seconds", "SecondsPath", "Timestamp", "TimestampPath",
                                            "Assign",  "Type",        "Comment",   "QueryLanguage"};
constexpr std::string_view kSucceedFields[] = {"InputPath", "OutputPath", "Type", "Comment", "QueryLanguage"};
constexpr std::string_view kFailFields[] = {"Error", "ErrorPath", "Cause",        "CausePath",
                                            "Type",  "Comment",   "QueryLanguage"};
constexpr std::string_view kParallelFields[] = {
    "Next",   "End",   "InputPath", "OutputPath", "Parameters", "ResultSelector", "ResultPath",
    "Assign", "Retry", "Catch",     "Branches",   "Type",       "Comment",        "QueryLanguage"};
constexpr std::string_view kMapFields[] = {"Next",
                                           "End",
                                           "InputPath",
                                           "OutputPath",
                                           "Parameters",
                                           "ResultSelector",
                                           "ResultPath",
                                           "Assign",
                                           "Retry",
                                           "Catch",
                                           "ItemsPath",
                                           "ItemSelector",
                                           "ItemProcessor",
                                           "Iterator",
                                           "MaxConcurrency",
                                           "MaxConcurrencyPath",
                                           "ToleratedFailurePercentage",
                                           "ToleratedFailurePercentagePath",
                                           "ToleratedFailureCount",
                                           "ToleratedFailureCountPath",
                                           "ItemReader",
                                           "ItemBatcher",
                                           "ResultWriter",
                                           "Label",
                                           "Type",
                                           "Comment",
                                           "QueryLanguage"};

struct TypeRules {
  StateType type;
  std::span<const std::string_view> fields;
  bool goes_on;  ///< has Next or End
};

const TypeRules kRules[] = {
    {StateType::task, kTaskFields, true},         {StateType::pass, kPassFields, true},
    {StateType::choice, kChoiceFields, false},    {StateType::wait, kWaitFields, true},
    {StateType::succeed, kSucceedFields, false},  {StateType::fail, kFailFields, false},
    {StateType::parallel, kParallelFields, true}, {StateType::map, kMapFields, true},
};

const TypeRules* find_rules(const std::string& type) {
  for (const TypeRules& rules : kRules) {
    if (type_name(rules.type) == type) return &rules;
  }
  return nullptr;
}

/// Next, or End: true; exactly one.
void parse_next(State& state, FieldReader& fields, ParseContext& context) {
  const auto next = fields.text("Next");
  const auto end = fields.flag("End");
  state.next = next.value_or("");
  state.end = end.value_or(false);
  const std::string type(type_name(state.type));
  if (fields.has("Next") && state.end) {
    fields.fault("End", "'Next' and 'End' cannot be given together");
  } else if (!fields.has("Next") && !state.end) {
    if (fields.has("End") && end) fields.fault("End", "'End' must be true, or 'Next' must name a state");
    if (!fields.has("End")) {
      context.findings.error(kSchemaFault, fields.pointer(), "A " + type + " state needs 'Next' or \"End\": true");
    }
  }
  if (next) {
    note_transition(context, state.name, *next, fields.pointer_to("Next"), "Next");
  } else if (state.end) {
    context.blocks[context.block].has_end = true;
  } else {
    note_unknown_transition(context);
  }
}

void parse_wait(State& state, FieldReader& fields, ParseContext& context) {
  state.seconds = fields.integer("Seconds", 0, kMaxSeconds);
  state.seconds_path = fields.single_path("SecondsPath");
  state.timestamp = fields.text("Timestamp");
  state.timestamp_path = fields.single_path("TimestampPath");
  if (state.timestamp && !parse_rfc3339(*state.timestamp)) {
    fields.fault("Timestamp",
                 "'Timestamp' must be an RFC 3339 time with 'T' and an offset, such as 2026-01-31T12:00:00Z");
  }
  if (fields.at_most_one({"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}) == 0) {
    context.findings.error(kSchemaFault, fields.pointer(),
                           "A Wait state needs one of 'Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'");
  }
}

void parse_pass(State& state, FieldReader& fields, ParseContext& context) {
  const Json* result = fields.find("Result");
  if (result == nullptr) return;
  state.result = make_payload(*result);
  if (!result->is_object()) return;
  for (const auto& [name, value] : result->items()) {
    if (!name.ends_with(".$")) continue;
    context.findings.warning(kStaticResult, below(fields.pointer_to("Result"), name),
                             "'Result' is taken as it is; use 'Parameters' to fill in a path");
  }
}

/// ErrorPath and CausePath: a path stays a path, an intrinsic call becomes a template.
void parse_path_or_call(FieldReader& fields, std::string_view name, std::optional<Path>& path, TemplatePtr& call) {
  const Json* value = fields.find(name);
  if (value != nullptr && value->is_string() && value->get_ref<const std::string&>().starts_with('$')) {
    path = fields.single_path(name);
  } else {
    call = fields.expression(name);
  }
}

void parse_fail(State& state, FieldReader& fields, ParseContext& context) {
  state.error = fields.text("Error");
  state.cause = fields.text("Cause");
  parse_path_or_call(fields, "ErrorPath", state.error_path, state.error_template);
  parse_path_or_call(fields, "CausePath", state.cause_path, state.cause_template);
  fields.at_most_one({"Error", "ErrorPath"});
  fields.at_most_one({"Cause", "CausePath"});
  fields.warn_of_path("Error");
  fields.warn_of_path("Cause");
  context.blocks[context.block].has_end = true;
}

/// Whether the rest of the state can be read.
bool check_query_language(FieldReader& fields) {
  const auto language = fields.text("QueryLanguage");
  if (language && *language == "JSONata") {
    fields.fault("QueryLanguage", "JSONata is not supported yet; use JSONPath", kUnsupportedQueryLanguage);
    return false;
  }
  if (language && *language != "JSONPath") fields.fault("QueryLanguage", "'QueryLanguage' must be JSONPath or JSONata");
  return true;
}

void parse_type(State& state, FieldReader& fields, ParseContext& context) {
  switch (state.type) {
    case StateType::task: parse_task(state, fields, context); break;
    case StateType::pass: parse_pass(state, fields, context); break;
    case StateType::choice: parse_choices(state, fields, context); break;
    case StateType::wait: parse_wait(state, fields, context); break;
    case StateType::succeed: context.blocks[context.block].has_end = true; break;
    case StateType::fail: parse_fail(state, fields, context); break;
    case StateType::parallel: parse_parallel(state, fields, context); break;
    case StateType::map: parse_map(state, fields, context); break;
  }
}

}  // namespace

State parse_state(const std::string& name, const Json& source, const std::string& pointer, ParseContext& context) {
  State state;
  state.name = name;
  FieldReader fields(source, pointer, context);
  const auto type = fields.required_text("Type");
  const TypeRules* rules = type ? find_rules(*type) : nullptr;
  if (rules == nullptr) {
    if (type && !type->empty()) {
      fields.fault("Type",
                   "'Type' must be Task, Pass, Choice, Wait, Succeed, Fail, Parallel or Map, but is '" + *type + "'");
    }
    note_unknown_transition(context);
    return state;
  }

  state.type = rules->type;
  state.comment = fields.text("Comment").value_or("");
  if (!check_query_language(fields)) {
    note_unknown_transition(context);
    return state;
  }
  fields.allow_only(rules->fields);
  if (rules->goes_on) parse_next(state, fields, context);
  state.input_path = fields.path_or_null("InputPath");
  state.output_path = fields.path_or_null("OutputPath");
  state.parameters = fields.shape("Parameters");
  state.result_selector = fields.shape("ResultSelector");
  state.result_path = fields.result_path("ResultPath");
  state.assign = fields.assignment();
  parse_error_handling(state, fields, context);
  parse_type(state, fields, context);
  return state;
}

}  // namespace orchestrator::language
