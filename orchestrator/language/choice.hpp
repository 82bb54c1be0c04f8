#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/language/evaluate.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::language {

enum class ChoiceTest : std::uint8_t {
  equals,
  less_than,
  greater_than,
  less_than_equals,
  greater_than_equals,
  matches,
  is_null,
  is_present,
  is_numeric,
  is_string,
  is_boolean,
  is_timestamp,
};

/// What both sides of a comparison must be; anything else compares as false.
enum class ChoiceOperand : std::uint8_t { text, number, boolean, timestamp };

/// One operator of Choice rules, such as `NumericLessThanPath`.
struct ChoiceOperator {
  ChoiceTest test = ChoiceTest::equals;
  ChoiceOperand operand = ChoiceOperand::text;
  bool from_path = false;  ///< `...Path`: the right side is a path

  /// `IsNull` and the like: the right side is the answer that is wanted.
  [[nodiscard]] bool asks_for_type() const { return test >= ChoiceTest::is_null; }
};

/// The operator called `name`, or nothing.
std::optional<ChoiceOperator> find_choice_operator(std::string_view name);

/// A compiled rule: `And`, `Or`, `Not`, or one comparison.
struct ChoiceCondition {
  enum class Kind : std::uint8_t { all_of, any_of, negation, comparison };

  Kind kind = Kind::comparison;
  std::vector<ChoiceCondition> parts;  ///< all_of, any_of: one or more; negation: one
  std::optional<Path> variable;        ///< comparison: the left side
  ChoiceOperator comparison;
  Payload constant;  ///< comparison: the right side, unless `path`
  std::optional<Path> path;
};

/// Whether the rule holds. States.Runtime when a path finds nothing.
Result<bool> holds(const ChoiceCondition& condition, const Scope& scope);

/// Whether `text` matches `pattern`, in which `*` stands for any characters, `\*` for an asterisk, `\\` for a
/// backslash.
bool matches_wildcards(std::string_view text, std::string_view pattern);

}  // namespace orchestrator::language
