#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/schedule_rows.hpp"

namespace orchestrator::store {

/// Days without slots that many schedules of a namespace share.
struct CalendarRow {
  std::string namespace_name;
  std::string name;
  std::string days;  ///< schedule::days_text
  Timestamp created_at{};
  Timestamp changed_at{};
};
struct PutCalendar {
  CalendarRow row;
  bool created = false;
};

/// Schedules that use one calendar, by id, oldest first.
struct CalendarUserFilter {
  std::string namespace_name;
  std::string calendar;
  ScheduleId after;  ///< nil: from the first
  std::int32_t limit = 500;
};
struct CalendarUser : ScheduleRef {
  ScheduleId schedule_id;
};

/// Calendars of one namespace. Listed in docs/operations/limits.md.
inline constexpr std::int64_t kMaxCalendars = 500;

inline Unexpected no_such_calendar(const std::string& name) {
  return fail(ErrorCode::not_found, "no such calendar: " + name);
}
inline Unexpected no_room_for_calendars() {
  return fail(ErrorCode::resource_exhausted, "the namespace has as many calendars as it may; delete one first");
}
inline Unexpected calendar_in_use(const std::string& name, const std::string& schedule) {
  return fail(ErrorCode::precondition_failed, "wrong-state",
              "the calendar " + name + " is used by the schedule " + schedule);
}

}  // namespace orchestrator::store
