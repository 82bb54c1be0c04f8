#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "orchestrator/schedule/rule.hpp"

namespace orchestrator::schedule {

/// One planned start.
struct Slot {
  Timestamp at{};           ///< what the rule says: the slot's name
  Timestamp fire_at{};      ///< when it is due: `at` and its jitter; always before the next slot
  bool is_holiday = false;  ///< it starts nothing, because of its day; only where that is asked for
  auto operator<=>(const Slot&) const = default;
};

/// The end of a row of slots.
struct LastSlots {
  std::vector<Slot> slots;              ///< the last ones, oldest first
  std::optional<Timestamp> first_left;  ///< the first of those that were left out, if any were
  std::optional<Timestamp> last_left;
};

/// The slots of one schedule: its rule and its jitter.
class Timetable {
 public:
  /// @param seed what sets this schedule's jitter apart from that of others, such as its id
  Timetable(Rule rule, std::chrono::seconds jitter, std::string_view seed);

  /// The first slot whose `at` is strictly after a moment, and that is not left out because of a holiday.
  [[nodiscard]] std::optional<Slot> next_after(Timestamp moment) const;
  /// The same, but one that is left out counts too.
  [[nodiscard]] std::optional<Slot> next_planned_after(Timestamp moment) const;
  /// Slots with after < at <= until that are left out because of holidays, at most `limit`.
  [[nodiscard]] std::vector<Slot> holidays_between(Timestamp after, Timestamp until, std::size_t limit) const;
  /// Slots with from <= at < to, at most `limit`.
  [[nodiscard]] std::vector<Slot> between(Timestamp from, Timestamp to, std::size_t limit) const;
  /// The last `limit` slots with after < at that are due at `now` or before. Walks backwards in doubling spans, so that
  /// a year of seconds costs no more than its last minutes.
  [[nodiscard]] LastSlots due_between(Timestamp after, Timestamp now, std::size_t limit) const;
  /// How many slots there are with after < at <= until; nothing when more than `limit`.
  [[nodiscard]] std::optional<std::int32_t> count_between(Timestamp after, Timestamp until, std::int32_t limit) const;
  /// The time on the wall, "2026-03-29T03:00:00+02:00".
  [[nodiscard]] std::string local_text(Timestamp moment) const;

 private:
  [[nodiscard]] Duration jitter_of(Timestamp at) const;

  Rule rule_;
  std::optional<Rule> planned_;  ///< with the slots of holidays, where those are left out
  std::chrono::seconds jitter_;
  std::uint64_t seed_;
};

}  // namespace orchestrator::schedule
