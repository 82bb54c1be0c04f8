#include "orchestrator/base/timestamp.hpp"

#include <cstdio>

namespace orchestrator {
namespace {

/// Reads exactly `count` digits at `at`; -1 when there are others.
int read_digits(std::string_view text, std::size_t at, int count) {
  int value = 0;
  for (int i = 0; i < count; ++i) {
    if (at + i >= text.size() || text[at + i] < '0' || text[at + i] > '9') return -1;
    value = value * 10 + (text[at + i] - '0');
  }
  return value;
}

Unexpected malformed(std::string_view text) {
  return fail(ErrorCode::invalid_argument,
              "not an RFC 3339 time with T and an offset: " + std::string(text.substr(0, 64)));
}

}  // namespace

std::string to_rfc3339(Timestamp time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const auto of_day = duration_cast<milliseconds>(time - day).count();
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(of_day / 3'600'000), static_cast<int>(of_day / 60'000 % 60),
                static_cast<int>(of_day / 1'000 % 60), static_cast<int>(of_day % 1'000));
  return buffer;
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return malformed(text);
  }
  const int year_value = read_digits(text, 0, 4);
  const int month_value = read_digits(text, 5, 2);
  const int day_value = read_digits(text, 8, 2);
  const int hour = read_digits(text, 11, 2);
  const int minute = read_digits(text, 14, 2);
  const int second = read_digits(text, 17, 2);
  if (year_value < 1 || month_value < 0 || day_value < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60) {
    return malformed(text);
  }
  const year_month_day date{year{year_value}, month{static_cast<unsigned>(month_value)},
                            day{static_cast<unsigned>(day_value)}};
  if (!date.ok()) return malformed(text);

  std::size_t at = 19;
  std::int64_t micros = 0;
  if (text[at] == '.') {
    ++at;
    int digits = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      if (digits < 6) micros = micros * 10 + (text[at] - '0');
      ++digits;
      ++at;
    }
    if (digits == 0 || digits > 9) return malformed(text);
    for (; digits < 6; ++digits) micros *= 10;
  }
  if (at >= text.size()) return malformed(text);

  int offset_minutes = 0;
  if (text[at] == 'Z') {
    ++at;
  } else if (text[at] == '+' || text[at] == '-') {
    const int sign = text[at] == '-' ? -1 : 1;
    const int offset_hour = read_digits(text, at + 1, 2);
    if (offset_hour < 0 || offset_hour > 23 || at + 3 >= text.size() || text[at + 3] != ':') return malformed(text);
    const int offset_minute = read_digits(text, at + 4, 2);
    if (offset_minute < 0 || offset_minute > 59) return malformed(text);
    offset_minutes = sign * (offset_hour * 60 + offset_minute);
    at += 6;
  } else {
    return malformed(text);
  }
  if (at != text.size()) return malformed(text);

  const Timestamp local =
      Timestamp{sys_days{date}} + hours{hour} + minutes{minute} + seconds{second} + Duration{micros};
  return local - minutes{offset_minutes};
}

}  // namespace orchestrator
