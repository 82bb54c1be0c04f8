#include "orchestrator/schedule/rule.hpp"

#include <algorithm>

namespace orchestrator::schedule {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

/// Holidays in a row after which nobody waits for a business day any more.
constexpr int kMaxHolidaysInARow = 370;

local_seconds local_of(sys_seconds moment, seconds offset) { return local_seconds{moment.time_since_epoch() + offset}; }
sys_seconds moment_of(local_seconds local, seconds offset) { return sys_seconds{local.time_since_epoch() - offset}; }

/// The first day of the month after that of `day`.
local_days next_month(local_days day) {
  const year_month_day date{day};
  return local_days{(date.year() / date.month() + std::chrono::months{1}) / 1};
}

}  // namespace

bool Calendar::is_holiday(local_days day) const {
  if (std::binary_search(dates.begin(), dates.end(), day)) return true;
  if (!weekends) return false;
  const unsigned weekday = std::chrono::weekday{day}.c_encoding();
  return weekday == 0 || weekday == 6;
}

std::optional<Timestamp> Rule::next_after(Timestamp moment) const {
  return std::visit([&](const auto& pattern) { return next_of(pattern, moment); }, parts_.pattern);
}

std::optional<Rule> Rule::with_holidays() const {
  const Calendar& calendar = parts_.calendar;
  if (calendar.on_holiday != OnHoliday::skip || (calendar.dates.empty() && !calendar.weekends)) return std::nullopt;
  Parts parts = parts_;
  parts.calendar = {};
  return Rule(std::move(parts));
}

// ---- cron --------------------------------------------------------------------------------------------------------

/// Whether the expression's times of day count on this day: its own, or those moved here from the holidays before.
bool Rule::has_slots_on(const Cron& cron, local_days day) const {
  const Calendar& calendar = parts_.calendar;
  const auto fits = [&](local_days on) { return cron.fits_day(year_month_day{sys_days{on.time_since_epoch()}}); };
  if (calendar.is_holiday(day)) return false;
  if (fits(day)) return true;
  if (calendar.on_holiday == OnHoliday::skip) return false;
  for (int before = 1; before <= kMaxHolidaysInARow && calendar.is_holiday(day - days{before}); ++before) {
    if (fits(day - days{before})) return true;
  }
  return false;
}

/// The first time on the wall in [from, until) that fits. Days that do not fit cost one look each, months that do not
/// fit one look together.
std::optional<local_seconds> Rule::next_local(const Cron& cron, local_seconds from, local_seconds until) const {
  const bool may_move = parts_.calendar.on_holiday == OnHoliday::next_business_day;
  while (from < until) {
    const auto day = floor<days>(from);
    if (!may_move && !cron.fits_month(year_month_day{day}.month())) {
      from = next_month(day);
      continue;
    }
    if (has_slots_on(cron, day)) {
      const auto second = cron.next_in_day(static_cast<std::int32_t>((from - day).count()));
      if (second && day + seconds{*second} < until) return day + seconds{*second};
      if (second) return std::nullopt;
    }
    from = day + days{1};
  }
  return std::nullopt;
}

/// The first slot in [from, segment.end). Within a segment the local clock runs evenly: only its ends are special.
std::optional<sys_seconds> Rule::next_in_segment(const Cron& cron, const ZoneSegment& segment, sys_seconds from) const {
  local_seconds at = local_of(from, segment.offset);
  const local_seconds end = local_of(segment.end, segment.offset);
  if (!cron.has_fixed_hours()) {
    const auto found = next_local(cron, at, end);
    if (!found) return std::nullopt;
    return moment_of(*found, segment.offset);
  }
  // What the clock left out on the way into this segment comes at the segment's first instant.
  if (from == segment.begin && segment.offset > segment.offset_before && parts_.gap == Gap::next) {
    const local_seconds left_out = local_of(segment.begin, segment.offset_before);
    if (next_local(cron, left_out, at)) return from;
  }
  // Times that came once already, in the segment before; and times that come again in the segment after.
  if (segment.offset < segment.offset_before && parts_.fold == Fold::first) {
    at = std::max(at, local_of(segment.begin, segment.offset_before));
  }
  const bool comes_again = segment.offset_after < segment.offset && parts_.fold == Fold::second;
  const local_seconds until = comes_again ? local_of(segment.end, segment.offset_after) : end;
  const auto found = next_local(cron, at, until);
  if (!found) return std::nullopt;
  return moment_of(*found, segment.offset);
}

std::optional<Timestamp> Rule::next_of(const Cron& cron, Timestamp moment) const {
  sys_seconds from = floor<seconds>(moment) + seconds{1};
  const sys_seconds last = from + floor<seconds>(kSearchSpan);
  while (from < last) {
    const ZoneSegment segment = parts_.zone.segment_at(from);
    if (const auto found = next_in_segment(cron, segment, from)) return Timestamp{*found};
    if (segment.end <= from) break;
    from = segment.end;
  }
  return std::nullopt;
}

// ---- intervals and lists -----------------------------------------------------------------------------------------

bool Rule::is_holiday(Timestamp moment) const {
  const sys_seconds second = floor<seconds>(moment);
  return parts_.calendar.is_holiday(floor<days>(local_of(second, parts_.zone.offset_at(second))));
}

std::optional<Timestamp> Rule::next_of(const Interval& interval, Timestamp moment) const {
  const Timestamp last = moment + floor<Duration>(kSearchSpan);
  Timestamp at = moment;
  do {
    const auto passed = floor<Duration>(at - interval.anchor).count();
    const auto every = Duration{interval.every}.count();
    const auto whole = passed >= 0 ? passed / every : -((-passed + every - 1) / every);
    at = interval.anchor + Duration{(whole + 1) * every};
    if (!is_holiday(at)) return at;
    // Nothing of this day counts: go on at its last second.
    const sys_seconds second = floor<seconds>(at);
    const seconds offset = parts_.zone.offset_at(second);
    const local_seconds next_day = floor<days>(local_of(second, offset)) + days{1};
    at = std::max(at, Timestamp{moment_of(next_day, offset)} - Duration{1});
  } while (at < last);
  return std::nullopt;
}

std::optional<Timestamp> Rule::next_of(const Moments& moments, Timestamp moment) const {
  auto at = std::upper_bound(moments.begin(), moments.end(), moment);
  while (at != moments.end() && is_holiday(*at)) ++at;
  if (at == moments.end()) return std::nullopt;
  return *at;
}

}  // namespace orchestrator::schedule
