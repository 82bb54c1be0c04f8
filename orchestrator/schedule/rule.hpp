#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/schedule/cron.hpp"
#include "orchestrator/schedule/zone.hpp"

namespace orchestrator::schedule {

/// How far ahead the next slot is looked for. A cron expression without one in that span never fires; the longest gap
/// that a possible expression has is 40 years (a Friday, 29 February, across 2100). Source: docs/schedules.md.
inline constexpr std::chrono::years kSearchSpan{50};

/// What happens to a time on the wall that does not exist because the clock was put forward.
enum class Gap : std::uint8_t {
  next,  ///< once, at the first instant after the gap
  skip,
};

/// What happens to a time on the wall that comes twice because the clock was put back.
enum class Fold : std::uint8_t { first, second, both };

/// What happens to the slots of a holiday.
enum class OnHoliday : std::uint8_t {
  skip,
  next_business_day,  ///< at the same time of the next day that is none
};

/// Days without slots, in the schedule's time zone.
struct Calendar {
  std::string name;                            ///< of the calendar that the days were copied from; empty: of none
  std::vector<std::chrono::local_days> dates;  ///< sorted, each once
  bool weekends = false;                       ///< Saturdays and Sundays are holidays too
  OnHoliday on_holiday = OnHoliday::skip;

  [[nodiscard]] bool is_holiday(std::chrono::local_days day) const;
  auto operator<=>(const Calendar&) const = default;
};

/// Every so often, counted from `anchor` in both directions.
struct Interval {
  std::chrono::seconds every{0};
  Timestamp anchor{};
};

/// The moments themselves, sorted, each once.
using Moments = std::vector<Timestamp>;

/// When a schedule has slots. Pure: the same arguments, the same answer, wherever the time-zone data is the same.
class Rule {
 public:
  struct Parts {
    std::variant<Cron, Interval, Moments> pattern;
    Zone zone;
    Gap gap = Gap::next;
    Fold fold = Fold::first;
    Calendar calendar;
  };
  explicit Rule(Parts parts) : parts_(std::move(parts)) {}

  /// The first slot strictly after a moment; nothing when there is none within kSearchSpan.
  [[nodiscard]] std::optional<Timestamp> next_after(Timestamp moment) const;
  [[nodiscard]] const Zone& zone() const { return parts_.zone; }
  /// The same with the slots that this one leaves out because of holidays; nothing when it leaves out none.
  [[nodiscard]] std::optional<Rule> with_holidays() const;

 private:
  using Local = std::chrono::local_seconds;

  [[nodiscard]] std::optional<Timestamp> next_of(const Cron& cron, Timestamp moment) const;
  [[nodiscard]] std::optional<Timestamp> next_of(const Interval& interval, Timestamp moment) const;
  [[nodiscard]] std::optional<Timestamp> next_of(const Moments& moments, Timestamp moment) const;
  [[nodiscard]] std::optional<std::chrono::sys_seconds> next_in_segment(const Cron& cron, const ZoneSegment& segment,
                                                                        std::chrono::sys_seconds from) const;
  [[nodiscard]] std::optional<Local> next_local(const Cron& cron, Local from, Local until) const;
  [[nodiscard]] bool has_slots_on(const Cron& cron, std::chrono::local_days day) const;
  [[nodiscard]] bool is_holiday(Timestamp moment) const;

  Parts parts_;
};

}  // namespace orchestrator::schedule
