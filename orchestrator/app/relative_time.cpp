#include "orchestrator/app/relative_time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace orchestrator::app {
namespace {

using std::chrono::duration_cast;

std::string with_zeros(std::int64_t number, std::size_t width) {
  const std::string text = std::to_string(number);
  return std::string(width > text.size() ? width - text.size() : 0, '0') + text;
}

/// The words around the numbers: `between` stands between number and unit, `apart` between the two units.
std::string told(Duration duration, const char* between, const char* apart, const char* minutes) {
  const std::int64_t ms = std::max<std::int64_t>(duration_cast<std::chrono::milliseconds>(duration).count(), 0);
  const std::int64_t s = ms / 1'000;
  const auto two = [&](std::int64_t first, const char* unit, std::int64_t second, const char* smaller) {
    return std::to_string(first) + between + unit + apart + with_zeros(second, 2) + between + smaller;
  };
  if (s < 3'600) return two(s / 60, minutes, s % 60, "s");
  if (s < 86'400) return two(s / 3'600, "h", s / 60 % 60, minutes);
  return two(s / 86'400, "d", s / 3'600 % 24, "h");
}

}  // namespace

std::string in_words(Duration duration) {
  const std::int64_t ms = std::max<std::int64_t>(duration_cast<std::chrono::milliseconds>(duration).count(), 0);
  if (ms < 1'000) return std::to_string(ms) + " ms";
  if (ms < 60'000) return std::to_string(ms / 1'000) + "." + with_zeros(ms % 1'000, 3) + " s";
  return told(duration, " ", " ", "min");
}

std::string in_short(Duration duration) {
  const std::int64_t ms = std::max<std::int64_t>(duration_cast<std::chrono::milliseconds>(duration).count(), 0);
  if (ms < 1'000) return std::to_string(ms) + "ms";
  if (ms < 60'000) return std::to_string(ms / 1'000) + "." + std::to_string(ms % 1'000 / 100) + "s";
  return told(duration, "", "", "m");
}

std::string relative_to(Timestamp now, Timestamp moment) {
  const Duration since = now - moment;
  if (std::chrono::abs(since) < std::chrono::seconds(1)) return "just now";
  // Whole seconds are enough for a person.
  const auto whole = [](Duration duration) {
    const auto seconds = duration_cast<std::chrono::seconds>(duration);
    return seconds < std::chrono::minutes(1) ? std::to_string(seconds.count()) + " s" : in_words(seconds);
  };
  return since > Duration{} ? whole(since) + " ago" : "in " + whole(-since);
}

std::string relative_to(Timestamp now, const std::string& rfc3339) {
  const auto moment = parse_rfc3339(rfc3339);
  return moment ? relative_to(now, *moment) : rfc3339;
}

}  // namespace orchestrator::app
