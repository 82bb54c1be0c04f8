#include "orchestrator/language/choice.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/language/failures.hpp"
#include "orchestrator/language/json_compare.hpp"
#include "orchestrator/language/lookup.hpp"

namespace orchestrator::language {
namespace {

constexpr std::pair<std::string_view, ChoiceTest> kTypeTests[] = {
    {"IsNull", ChoiceTest::is_null},       {"IsPresent", ChoiceTest::is_present},
    {"IsNumeric", ChoiceTest::is_numeric}, {"IsString", ChoiceTest::is_string},
    {"IsBoolean", ChoiceTest::is_boolean}, {"IsTimestamp", ChoiceTest::is_timestamp},
};

constexpr std::pair<std::string_view, ChoiceOperand> kOperands[] = {
    {"String", ChoiceOperand::text},
    {"Numeric", ChoiceOperand::number},
    {"Boolean", ChoiceOperand::boolean},
    {"Timestamp", ChoiceOperand::timestamp},
};

constexpr std::pair<std::string_view, ChoiceTest> kRelations[] = {
    {"Equals", ChoiceTest::equals},
    {"LessThan", ChoiceTest::less_than},
    {"GreaterThan", ChoiceTest::greater_than},
    {"LessThanEquals", ChoiceTest::less_than_equals},
    {"GreaterThanEquals", ChoiceTest::greater_than_equals},
};

/// A value that must be there. The text is the one that the state machine's authors know.
Result<Json> required(const Path& path, const Scope& scope) {
  Result<std::optional<Json>> found = look_up(path, scope);
  if (!found) return std::move(found).error();
  if (*found) return **std::move(found);
  return runtime_failure("Invalid path '" + path.text() +
                         "': The choice state's condition path references an invalid value.");
}

bool is_timestamp(const Json& value) {
  return value.is_string() && parse_rfc3339(value.get_ref<const std::string&>()).has_value();
}

bool has_type(const Json& value, ChoiceTest test) {
  switch (test) {
    case ChoiceTest::is_null: return value.is_null();
    case ChoiceTest::is_numeric: return value.is_number();
    case ChoiceTest::is_string: return value.is_string();
    case ChoiceTest::is_boolean: return value.is_boolean();
    case ChoiceTest::is_timestamp: return is_timestamp(value);
    default: return true;
  }
}

bool relation_holds(std::partial_ordering order, ChoiceTest test) {
  switch (test) {
    case ChoiceTest::equals: return order == 0;
    case ChoiceTest::less_than: return order < 0;
    case ChoiceTest::greater_than: return order > 0;
    case ChoiceTest::less_than_equals: return order <= 0;
    case ChoiceTest::greater_than_equals: return order >= 0;
    default: return false;
  }
}

bool compare(const Json& left, const ChoiceOperator& comparison, const Json& right) {
  switch (comparison.operand) {
    case ChoiceOperand::number:
      if (!left.is_number() || !right.is_number()) return false;
      return relation_holds(compare_numbers(left, right), comparison.test);
    case ChoiceOperand::boolean: return left.is_boolean() && right.is_boolean() && left == right;
    case ChoiceOperand::text: break;
    case ChoiceOperand::timestamp: break;
  }
  if (!left.is_string() || !right.is_string()) return false;
  const auto& left_text = left.get_ref<const std::string&>();
  const auto& right_text = right.get_ref<const std::string&>();
  if (comparison.operand == ChoiceOperand::text) {
    if (comparison.test == ChoiceTest::matches) return matches_wildcards(left_text, right_text);
    return relation_holds(left_text <=> right_text, comparison.test);
  }
  const Result<Timestamp> left_time = parse_rfc3339(left_text);
  const Result<Timestamp> right_time = parse_rfc3339(right_text);
  return left_time && right_time && relation_holds(*left_time <=> *right_time, comparison.test);
}

Result<bool> comparison_holds(const ChoiceCondition& condition, const Scope& scope) {
  if (condition.comparison.test == ChoiceTest::is_present) {
    const Result<std::optional<Json>> found = look_up(*condition.variable, scope);
    // An unknown variable is absent as well, and asking is the way to find out.
    const bool present = found.has_value() && found->has_value();
    return present == condition.constant->get<bool>();
  }
  const Result<Json> left = required(*condition.variable, scope);
  if (!left) return left.error();
  if (condition.comparison.asks_for_type()) {
    return has_type(*left, condition.comparison.test) == condition.constant->get<bool>();
  }
  if (!condition.path) return compare(*left, condition.comparison, *condition.constant);
  const Result<Json> right = required(*condition.path, scope);
  if (!right) return right.error();
  return compare(*left, condition.comparison, *right);
}

}  // namespace

std::optional<ChoiceOperator> find_choice_operator(std::string_view name) {
  for (const auto& [word, test] : kTypeTests) {
    if (name == word) return ChoiceOperator{.test = test};
  }
  if (name == "StringMatches") return ChoiceOperator{.test = ChoiceTest::matches};
  ChoiceOperator found;
  if (name.ends_with("Path")) {
    found.from_path = true;
    name.remove_suffix(4);
  }
  for (const auto& [type, operand] : kOperands) {
    if (!name.starts_with(type)) continue;
    found.operand = operand;
    for (const auto& [word, test] : kRelations) {
      if (name.substr(type.size()) != word) continue;
      if (operand == ChoiceOperand::boolean && test != ChoiceTest::equals) return std::nullopt;
      found.test = test;
      return found;
    }
  }
  return std::nullopt;
}

Result<bool> holds(const ChoiceCondition& condition, const Scope& scope) {
  if (condition.kind == ChoiceCondition::Kind::comparison) return comparison_holds(condition, scope);
  if (condition.kind == ChoiceCondition::Kind::negation) {
    const Result<bool> inner = holds(condition.parts.front(), scope);
    if (!inner) return inner;
    return !*inner;
  }
  // The first part that decides ends it: `And` with IsPresent in front guards what follows.
  const bool decisive = condition.kind == ChoiceCondition::Kind::any_of;
  for (const ChoiceCondition& part : condition.parts) {
    const Result<bool> answer = holds(part, scope);
    if (!answer || *answer == decisive) return answer;
  }
  return !decisive;
}

Result<ChoiceAnswer> choose(const State& state, const Scope& scope) {
  for (std::size_t i = 0; i < state.choices.size(); ++i) {
    const Result<bool> answer = holds(*state.choices[i].condition, scope);
    if (!answer) return answer.error();
    if (*answer) return ChoiceAnswer{.next = state.choices[i].next, .rule = static_cast<int>(i)};
  }
  if (!state.default_next.empty()) return ChoiceAnswer{.next = state.default_next};
  return fail(ErrorCode::precondition_failed, "States.NoChoiceMatched",
              "Failed to transition out of the state. The state does not point to a next state.");
}

bool matches_wildcards(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  // Where to go on after the latest asterisk took one character more: earlier asterisks need no second chance.
  std::optional<std::size_t> after_star;
  std::size_t star_text = 0;
  while (at < text.size() || in_pattern < pattern.size()) {
    if (in_pattern < pattern.size()) {
      if (pattern[in_pattern] == '*') {
        after_star = ++in_pattern;
        star_text = at;
        continue;
      }
      const bool escaped = pattern[in_pattern] == '\\' && in_pattern + 1 < pattern.size() &&
                           (pattern[in_pattern + 1] == '*' || pattern[in_pattern + 1] == '\\');
      const char wanted = pattern[in_pattern + (escaped ? 1 : 0)];
      if (at < text.size() && text[at] == wanted) {
        ++at;
        in_pattern += escaped ? 2 : 1;
        continue;
      }
    }
    if (!after_star || star_text >= text.size()) return false;
    at = ++star_text;
    in_pattern = *after_star;
  }
  return true;
}

}  // namespace orchestrator::language
