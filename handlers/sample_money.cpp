#include "handlers/sample_money.hpp"

#include <cstdlib>

namespace orchestrator::samples {

Result<std::int64_t> parse_minor_units(std::string_view decimal) {
  constexpr std::size_t kMaxDigits = 15;
  const bool negative = decimal.starts_with('-');
  if (negative) decimal.remove_prefix(1);
  const std::size_t dot = decimal.find('.');
  const std::string_view whole = decimal.substr(0, dot);
  std::string fraction(dot == std::string_view::npos ? std::string_view{} : decimal.substr(dot + 1));
  const bool dangling_dot = dot != std::string_view::npos && fraction.empty();
  if (whole.empty() || dangling_dot || fraction.size() > 2 || whole.size() > kMaxDigits) {
    return fail(ErrorCode::invalid_argument, "not an amount with at most two decimals");
  }
  fraction.resize(2, '0');
  std::int64_t minor = 0;
  for (const char digit : std::string(whole) + fraction) {
    if (digit < '0' || digit > '9') return fail(ErrorCode::invalid_argument, "an amount holds digits and one dot");
    minor = minor * 10 + (digit - '0');
  }
  return negative ? -minor : minor;
}

std::string format_minor_units(std::int64_t minor) {
  const std::int64_t size = std::llabs(minor);
  const std::string fraction = std::to_string(size % 100);
  return (minor < 0 ? "-" : "") + std::to_string(size / 100) + (fraction.size() < 2 ? ".0" : ".") + fraction;
}

}  // namespace orchestrator::samples
