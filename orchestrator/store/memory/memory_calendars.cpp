// Calendars in memory.
#include <algorithm>

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/memory/memory_database.hpp"
#include "orchestrator/store/schedule_calendar.hpp"

namespace orchestrator::store::memory {
namespace {

bool uses(const ScheduleRow& schedule, const std::string& namespace_name, const std::string& calendar) {
  return schedule.namespace_name == namespace_name && calendar_of(schedule.settings) == calendar;
}

}  // namespace

Result<PutCalendar> put_calendar(Tables& tables, const CalendarRow& row, const std::optional<AuditEntry>& audit,
                                 Timestamp now) {
  const Tables::NamePair key{row.namespace_name, row.name};
  const auto of_namespace = [&](const auto& one) { return one.first.first == row.namespace_name; };
  const bool created = !tables.calendars.contains(key);
  if (created && std::count_if(tables.calendars.begin(), tables.calendars.end(), of_namespace) >= kMaxCalendars)
    return no_room_for_calendars();
  const std::optional<CalendarRow> before = created ? std::nullopt : std::optional(tables.calendars[key]);
  CalendarRow& kept = tables.calendars[key];
  const Timestamp created_at = created ? now : kept.created_at;
  kept = row;
  kept.created_at = created_at;
  kept.changed_at = now;
  append_audit(tables, kClusterChain, calendar_audit(audit, before, kept), now);
  return PutCalendar{kept, created};
}

Result<CalendarRow> find_calendar(const Tables& tables, const std::string& namespace_name, const std::string& name) {
  const auto found = tables.calendars.find({namespace_name, name});
  if (found == tables.calendars.end()) return no_such_calendar(name);
  return found->second;
}

std::vector<CalendarRow> list_calendars(const Tables& tables, const std::string& namespace_name) {
  std::vector<CalendarRow> calendars;
  for (const auto& [key, row] : tables.calendars) {
    if (key.first == namespace_name) calendars.push_back(row);
  }
  return calendars;
}

Status delete_calendar(Tables& tables, const std::string& namespace_name, const std::string& name,
                       const std::optional<AuditEntry>& audit, Timestamp now) {
  for (const auto& [key, schedule] : tables.schedules) {
    if (uses(schedule, namespace_name, name)) return calendar_in_use(name, schedule.name);
  }
  const auto found = tables.calendars.find({namespace_name, name});
  if (found == tables.calendars.end()) return no_such_calendar(name);
  append_audit(tables, kClusterChain, calendar_audit(audit, found->second, std::nullopt), now);
  tables.calendars.erase(found);
  return {};
}

std::vector<CalendarUser> list_calendar_users(const Tables& tables, const CalendarUserFilter& filter) {
  std::vector<CalendarUser> users;
  for (const auto& [key, schedule] : tables.schedules) {
    if (!(filter.after < schedule.schedule_id) || !uses(schedule, filter.namespace_name, filter.calendar)) continue;
    CalendarUser& user = users.emplace_back();
    static_cast<ScheduleRef&>(user) = schedule;
    user.schedule_id = schedule.schedule_id;
  }
  std::sort(users.begin(), users.end(), [](const auto& a, const auto& b) { return a.schedule_id < b.schedule_id; });
  if (users.size() > static_cast<std::size_t>(filter.limit)) users.resize(static_cast<std::size_t>(filter.limit));
  return users;
}

}  // namespace orchestrator::store::memory
