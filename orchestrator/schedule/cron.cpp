#include "orchestrator/schedule/cron.hpp"

#include <bit>

namespace orchestrator::schedule {
namespace {

constexpr std::int32_t kHour = 3'600;
constexpr std::int32_t kMinute = 60;

bool has(std::uint64_t bits, unsigned value) { return (bits >> value & 1U) != 0; }

/// The lowest value at or above `from` whose bit is set; -1 when there is none.
std::int32_t next_bit(std::uint64_t bits, std::int32_t from) {
  if (from > 63) return -1;
  const std::uint64_t rest = bits >> from << from;
  return rest == 0 ? -1 : std::countr_zero(rest);
}

}  // namespace

bool Cron::fits_month(std::chrono::month month) const { return has(months_, static_cast<unsigned>(month)); }

bool Cron::fits_day_of_month(std::chrono::year_month_day date) const {
  const auto day = static_cast<unsigned>(date.day());
  if (has(days_, day)) return true;
  if (days_before_last_ == 0) return false;
  const auto last = static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
  return has(days_before_last_, last - day);
}

bool Cron::fits_day_of_week(std::chrono::year_month_day date) const {
  const unsigned weekday = std::chrono::weekday(std::chrono::sys_days(date)).c_encoding();
  if (has(weekdays_, weekday)) return true;
  const auto day = static_cast<unsigned>(date.day());
  if (has(nth_weekdays_[weekday], (day - 1) / 7 + 1)) return true;
  if (!has(last_weekdays_, weekday)) return false;
  return day + 7 > static_cast<unsigned>((date.year() / date.month() / std::chrono::last).day());
}

bool Cron::fits_day(std::chrono::year_month_day date) const {
  if (!fits_month(date.month())) return false;
  if (days_restricted_ && weekdays_restricted_) return fits_day_of_month(date) || fits_day_of_week(date);
  if (days_restricted_) return fits_day_of_month(date);
  return !weekdays_restricted_ || fits_day_of_week(date);
}

std::optional<std::int32_t> Cron::next_in_day(std::int32_t from) const {
  std::int32_t minute_from = from / kMinute % 60;
  std::int32_t second_from = from % kMinute;
  for (std::int32_t hour = next_bit(hours_, from / kHour); hour >= 0; hour = next_bit(hours_, hour + 1)) {
    if (hour != from / kHour) minute_from = second_from = 0;
    for (std::int32_t minute = next_bit(minutes_, minute_from); minute >= 0; minute = next_bit(minutes_, minute + 1)) {
      if (minute != minute_from) second_from = 0;
      const std::int32_t second = next_bit(seconds_, second_from);
      if (second >= 0) return hour * kHour + minute * kMinute + second;
    }
  }
  return std::nullopt;
}

}  // namespace orchestrator::schedule
