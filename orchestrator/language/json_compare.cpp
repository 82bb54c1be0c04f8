#include "orchestrator/language/json_compare.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::language {

std::partial_ordering compare_numbers(const Json& left, const Json& right) {
  if (left.is_number_float() || right.is_number_float()) return left.get<double>() <=> right.get<double>();
  // nlohmann keeps non-negative integers as unsigned and negative ones as signed; both may also hold small positives.
  const bool left_negative = !left.is_number_unsigned() && left.get<std::int64_t>() < 0;
  const bool right_negative = !right.is_number_unsigned() && right.get<std::int64_t>() < 0;
  if (left_negative != right_negative) {
    return left_negative ? std::partial_ordering::less : std::partial_ordering::greater;
  }
  if (left_negative) return left.get<std::int64_t>() <=> right.get<std::int64_t>();
  return left.get<std::uint64_t>() <=> right.get<std::uint64_t>();
}

bool equal_values(const Json& left, const Json& right) {
  if (left.is_number() && right.is_number()) return compare_numbers(left, right) == std::partial_ordering::equivalent;
  return left == right;
}

bool is_less(const Json& left, const Json& right) {
  if (left.is_number() && right.is_number()) return compare_numbers(left, right) == std::partial_ordering::less;
  if (left.is_string() && right.is_string()) {
    return left.get_ref<const std::string&>() < right.get_ref<const std::string&>();
  }
  return false;
}

}  // namespace orchestrator::language
