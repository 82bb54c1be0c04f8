#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/language/parse_state.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

/// A right side of the wrong type would only ever compare as false.
std::string_view wanted_constant(const ChoiceOperator& comparison, const Json& value) {
  if (comparison.asks_for_type()) return value.is_boolean() ? "" : "true or false";
  switch (comparison.operand) {
    case ChoiceOperand::text: return value.is_string() ? "" : "a string";
    case ChoiceOperand::number: return value.is_number() ? "" : "a number";
    case ChoiceOperand::boolean: return value.is_boolean() ? "" : "true or false";
    case ChoiceOperand::timestamp: break;
  }
  const bool good = value.is_string() && parse_rfc3339(value.get_ref<const std::string&>());
  return good ? "" : "an RFC 3339 time with 'T' and an offset";
}

class RuleParser {
 public:
  explicit RuleParser(ParseContext& context) : context_(context) {}

  ChoiceCondition parse(const Json& source, const std::string& pointer, bool outermost) {
    ChoiceCondition condition;
    if (!source.is_object()) {
      context_.findings.error(kSchemaFault, pointer, "A choice rule is an object");
      return condition;
    }
    FieldReader fields(source, pointer, context_);
    const std::vector<std::string> operators = check_fields(source, fields, outermost);
    if (operators.empty()) {
      context_.findings.error(kSchemaFault, pointer,
                              "A choice rule needs a comparison operator, or 'And', 'Or' or 'Not'");
      return condition;
    }
    if (operators.size() > 1) {
      for (std::size_t i = 1; i < operators.size(); ++i) {
        fields.fault(operators[i],
                     "A choice rule has exactly one operator; this one has '" + operators[0] + "' already");
      }
      return condition;
    }
    const std::string& name = operators.front();
    if (name == "And" || name == "Or") return parse_list(name, fields);
    if (name == "Not") return parse_negation(fields);
    return parse_comparison(name, fields);
  }

 private:
  /// Reports what does not belong into a rule; answers the operators that it has.
  static std::vector<std::string> check_fields(const Json& source, FieldReader& fields, bool outermost) {
    std::vector<std::string> operators;
    bool combines = false;
    for (const auto& [name, value] : source.items()) {
      if (name == "And" || name == "Or" || name == "Not") {
        operators.push_back(name);
        combines = true;
      } else if (find_choice_operator(name)) {
        operators.push_back(name);
      } else if (name == "Next" || name == "Assign") {
        if (!outermost) fields.fault(name, "'" + name + "' belongs to the outermost rule only");
      } else if (name != "Variable" && name != "Comment") {
        fields.fault(name, "Field '" + name + "' is not supported here");
      }
    }
    if (combines && fields.has("Variable"))
      fields.fault("Variable", "'Variable' cannot stand beside 'And', 'Or' or 'Not'");
    return operators;
  }

  ChoiceCondition parse_list(const std::string& name, FieldReader& fields) {
    ChoiceCondition condition;
    condition.kind = name == "And" ? ChoiceCondition::Kind::all_of : ChoiceCondition::Kind::any_of;
    const Json* list = fields.array(name);
    if (list == nullptr) return condition;
    if (list->empty()) fields.fault(name, "'" + name + "' must have at least one rule");
    for (std::size_t i = 0; i < list->size(); ++i) {
      condition.parts.push_back(parse((*list)[i], below(fields.pointer_to(name), i), false));
    }
    return condition;
  }

  ChoiceCondition parse_negation(FieldReader& fields) {
    ChoiceCondition condition;
    condition.kind = ChoiceCondition::Kind::negation;
    condition.parts.push_back(parse(*fields.find("Not"), fields.pointer_to("Not"), false));
    return condition;
  }

  ChoiceCondition parse_comparison(const std::string& name, FieldReader& fields) {
    ChoiceCondition condition;
    condition.comparison = *find_choice_operator(name);
    if (!fields.has("Variable")) context_.findings.error(kSchemaFault, fields.pointer(), "Field 'Variable' is missing");
    condition.variable = fields.path("Variable");
    const Json& value = *fields.find(name);
    if (condition.comparison.from_path) {
      condition.path = fields.path(name);
    } else if (const std::string_view wanted = wanted_constant(condition.comparison, value); !wanted.empty()) {
      fields.fault(name, "'" + name + "' must be " + std::string(wanted));
    } else {
      condition.constant = make_payload(value);
    }
    return condition;
  }

  ParseContext& context_;
};

}  // namespace

void parse_choices(State& state, FieldReader& fields, ParseContext& context) {
  const auto fallback = fields.text("Default");
  state.default_next = fallback.value_or("");
  if (fallback) note_transition(context, state.name, *fallback, fields.pointer_to("Default"), "Default");
  if (fields.has("Default") && !fallback) note_unknown_transition(context);

  if (!fields.has("Choices")) context.findings.error(kSchemaFault, fields.pointer(), "A Choice state needs 'Choices'");
  const Json* choices = fields.array("Choices");
  if (choices == nullptr) {
    note_unknown_transition(context);
    return;
  }
  if (choices->empty()) fields.fault("Choices", "'Choices' must have at least one rule");
  for (std::size_t i = 0; i < choices->size(); ++i) {
    const std::string pointer = below(fields.pointer_to("Choices"), i);
    ChoiceRule rule;
    rule.condition = std::make_shared<const ChoiceCondition>(RuleParser(context).parse((*choices)[i], pointer, true));
    if ((*choices)[i].is_object()) {
      FieldReader entry((*choices)[i], pointer, context);
      rule.next = entry.required_text("Next").value_or("");
      rule.assign = entry.assignment();
      if (!rule.next.empty()) note_transition(context, state.name, rule.next, entry.pointer_to("Next"), "Next");
    }
    if (rule.next.empty()) note_unknown_transition(context);
    state.choices.push_back(std::move(rule));
  }
}

}  // namespace orchestrator::language
