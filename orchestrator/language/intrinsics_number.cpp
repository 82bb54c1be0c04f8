#include <cmath>
#include <cstdio>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/language/intrinsic_functions.hpp"

namespace orchestrator::language {
namespace {

/// Moments that RFC 3339 can write, so that a result can be read again.
const Timestamp kFirstTime = Timestamp{std::chrono::sys_days{std::chrono::year{1} / 1 / 1}};
const Timestamp kEndOfTime = Timestamp{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}};

/// Doubles beyond this do not fit into 64 bits.
constexpr double kIntegerBound = 9.2e18;

/// One scrambling step, so that neighbouring seeds give unrelated numbers. Source: the SplitMix64 generator.
std::uint64_t scramble(std::uint64_t seed) {
  seed += 0x9E3779B97F4A7C15U;
  seed = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9U;
  seed = (seed ^ (seed >> 27)) * 0x94D049BB133111EBU;
  return seed ^ (seed >> 31);
}

Result<Timestamp> time_argument(const Json& value) {
  if (!value.is_string()) return wrong_argument("A time must be a string, but was: " + std::string(value.type_name()));
  Result<Timestamp> time = parse_rfc3339(value.get_ref<const std::string&>());
  if (!time) return wrong_argument(time.error().message);
  return time;
}

}  // namespace

Result<std::int64_t> rounded(const Json& value) {
  if (!value.is_number())
    return wrong_argument("The argument must be a number, but was: " + std::string(value.type_name()));
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    return wrong_argument("The number " + dump_json(value) + " is out of range");
  }
  if (value.is_number_integer()) return value.get<std::int64_t>();
  const double number = value.get<double>();
  if (!(std::abs(number) < kIntegerBound)) return wrong_argument("The number " + dump_json(value) + " is out of range");
  const double below = std::floor(number);
  return static_cast<std::int64_t>(number - below >= 0.5 ? below + 1 : below);
}

Result<Json> math_random(const IntrinsicArguments& arguments) {
  const Result<std::int64_t> start = rounded(arguments.values[0]);
  if (!start) return start.error();
  const Result<std::int64_t> end = rounded(arguments.values[1]);
  if (!end) return end.error();
  if (*start >= *end) return wrong_argument("The start must be less than the end");

  std::uint64_t random = 0;
  if (arguments.values.size() == 3) {
    const Result<std::int64_t> seed = rounded(arguments.values[2]);
    if (!seed) return seed.error();
    random = scramble(static_cast<std::uint64_t>(*seed));
  } else if (arguments.scope.random) {
    random = arguments.scope.random();
  } else {
    return wrong_argument("No random numbers are available here");
  }
  const std::uint64_t width = static_cast<std::uint64_t>(*end) - static_cast<std::uint64_t>(*start);
  return Json(static_cast<std::int64_t>(static_cast<std::uint64_t>(*start) + random % width));
}

Result<Json> math_add(const IntrinsicArguments& arguments) {
  const Result<std::int64_t> left = rounded(arguments.values[0]);
  if (!left) return left.error();
  const Result<std::int64_t> right = rounded(arguments.values[1]);
  if (!right) return right.error();
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*left, *right, &sum)) return wrong_argument("The sum is out of range");
  return Json(sum);
}

Result<Json> make_uuid(const IntrinsicArguments& arguments) {
  if (!arguments.scope.random) return wrong_argument("No random numbers are available here");
  const std::uint64_t high = (arguments.scope.random() & 0xFFFF'FFFF'FFFF'0FFFU) | 0x4000U;                // version 4
  const std::uint64_t low = (arguments.scope.random() & 0x3FFF'FFFF'FFFF'FFFFU) | 0x8000'0000'0000'0000U;  // variant
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>((high >> 16) & 0xFFFF), static_cast<unsigned>(high & 0xFFFF),
                static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xFFFF'FFFF'FFFFU));
  return Json(std::string(text));
}

Result<Json> time_add(const IntrinsicArguments& arguments) {
  const Result<Timestamp> time = time_argument(arguments.values[0]);
  if (!time) return time.error();
  const Json& seconds = arguments.values[1];
  if (!seconds.is_number())
    return wrong_argument("Seconds must be a number, but was: " + std::string(seconds.type_name()));
  const double span = seconds.get<double>();
  const double reach = std::chrono::duration<double>(kEndOfTime - kFirstTime).count();
  if (!(std::abs(span) <= reach)) return wrong_argument("The time leaves the years 0001 to 9999");
  const Duration whole = seconds.is_number_integer() ? Duration{std::chrono::seconds{seconds.get<std::int64_t>()}}
                                                     : Duration{std::llround(span * 1e6)};
  const Timestamp moved = *time + whole;
  if (moved < kFirstTime || moved >= kEndOfTime) return wrong_argument("The time leaves the years 0001 to 9999");
  return Json(to_rfc3339(moved));
}

Result<Json> seconds_between(const IntrinsicArguments& arguments) {
  const Result<Timestamp> from = time_argument(arguments.values[0]);
  if (!from) return from.error();
  const Result<Timestamp> to = time_argument(arguments.values[1]);
  if (!to) return to.error();
  const std::int64_t micros = (*to - *from).count();
  if (micros % 1'000'000 == 0) return Json(micros / 1'000'000);
  return Json(static_cast<double>(micros) / 1e6);
}

}  // namespace orchestrator::language
