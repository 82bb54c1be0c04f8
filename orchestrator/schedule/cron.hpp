#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator::schedule {

/// Longest cron expression that is read. Source: docs/operations/limits.md.
inline constexpr std::size_t kMaxCronBytes = 256;

/// A cron expression: which days, and which seconds of a day. Knows nothing of time zones.
///
/// Five fields (minute, hour, day of month, month, day of week) or six with seconds first; lists, ranges, steps, names
/// (JAN, MON), `L` and `L-n` in day of month, `n#k` (the k-th) and `nL` (the last) in day of week, and the macros
/// @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly. A day fits when its month does and, where day of
/// month and day of week are both restricted (neither `*` nor `?`), either of them does.
class Cron {
 public:
  /// invalid_argument with a sentence that names the field.
  static Result<Cron> parse(std::string_view text);

  /// Whether the hour field is a number, a list or a range: then the expression means times on the wall, which a change
  /// of the clock must neither lose nor double. `*` and steps mean a rhythm.
  [[nodiscard]] bool has_fixed_hours() const { return fixed_hours_; }

  [[nodiscard]] bool fits_month(std::chrono::month month) const;
  /// @param date a valid date
  [[nodiscard]] bool fits_day(std::chrono::year_month_day date) const;
  /// The first second of a day, 0 to 86 399, at or after `from` that fits.
  [[nodiscard]] std::optional<std::int32_t> next_in_day(std::int32_t from) const;

 private:
  friend class CronReader;

  [[nodiscard]] bool fits_day_of_month(std::chrono::year_month_day date) const;
  [[nodiscard]] bool fits_day_of_week(std::chrono::year_month_day date) const;

  // Bit n stands for the value n.
  std::uint64_t seconds_ = 1;
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;                  ///< Sunday is 0
  std::uint64_t days_before_last_ = 0;          ///< `L-n`; bit 0 for `L`
  std::uint64_t last_weekdays_ = 0;             ///< `nL`
  std::array<std::uint8_t, 7> nth_weekdays_{};  ///< `n#k`: bit k of element n
  bool days_restricted_ = false;
  bool weekdays_restricted_ = false;
  bool fixed_hours_ = true;
};

}  // namespace orchestrator::schedule
