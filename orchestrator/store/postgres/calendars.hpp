#pragma once

#include <string>
#include <vector>

#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/store/calendar_rows.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {

/// Store::put_calendar.
Result<PutCalendar> put_calendar(Session& session, const CalendarRow& row, const std::optional<AuditEntry>& audit);
/// Store::find_calendar.
Result<CalendarRow> find_calendar(Session& session, const std::string& namespace_name, const std::string& name);
/// Store::list_calendars.
Result<std::vector<CalendarRow>> list_calendars(Session& session, const std::string& namespace_name);
/// Store::delete_calendar.
Status delete_calendar(Session& session, const std::string& namespace_name, const std::string& name,
                       const std::optional<AuditEntry>& audit);
/// Store::list_calendar_users.
Result<std::vector<CalendarUser>> list_calendar_users(Session& session, const CalendarUserFilter& filter);

}  // namespace orchestrator::store::postgres
