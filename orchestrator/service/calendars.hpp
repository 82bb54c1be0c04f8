#pragma once

#include <functional>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/schedule/rule.hpp"
#include "orchestrator/store/calendar_rows.hpp"

namespace orchestrator::service {

/// What people do with calendars. Every method is thread-safe, returns at once and never throws.
class Calendars {
 public:
  virtual ~Calendars() = default;

  /// Creates or replaces; answers once every schedule that uses it goes by the new days. `unavailable`: some do not
  /// yet; the same call again finishes it. Errors: resource_exhausted.
  /// @param calendar its name and its days; on_holiday is each schedule's own
  virtual void put(std::string namespace_name, schedule::Calendar calendar, Caller caller,
                   std::function<void(Result<store::PutCalendar>)> reply) = 0;
  virtual void find(std::string namespace_name, std::string name,
                    std::function<void(Result<store::CalendarRow>)> reply) = 0;
  /// By name.
  virtual void list(std::string namespace_name, std::function<void(Result<std::vector<store::CalendarRow>>)> reply) = 0;
  /// Errors: not_found; wrong-state while a schedule uses it.
  virtual void remove(std::string namespace_name, std::string name, Caller caller,
                      std::function<void(Result<void>)> reply) = 0;
};

}  // namespace orchestrator::service
