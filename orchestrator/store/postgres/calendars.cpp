#include "orchestrator/store/postgres/calendars.hpp"

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

CalendarRow read_calendar(RowReader& reader) {
  CalendarRow found;
  found.namespace_name = reader.text();
  found.name = reader.text();
  found.days = reader.text();
  found.created_at = reader.time();
  found.changed_at = reader.time();
  return found;
}

Parameters named(const std::string& namespace_name, const std::string& name) {
  Parameters parameters;
  parameters.text(namespace_name).text(name);
  return parameters;
}

std::optional<CalendarRow> known_calendar(Transaction& transaction, const std::string& namespace_name,
                                          const std::string& name) {
  const auto rows = transaction.execute("find_calendar", named(namespace_name, name));
  if (rows.empty()) return std::nullopt;
  RowReader reader(rows[0]);
  return read_calendar(reader);
}

std::vector<CalendarUser> users_of(Transaction& transaction, const CalendarUserFilter& filter) {
  Parameters parameters = named(filter.namespace_name, filter.calendar);
  parameters.id(filter.after).integer(filter.limit);
  std::vector<CalendarUser> users;
  for (const auto& row : transaction.execute("list_calendar_users", std::move(parameters))) {
    RowReader reader(row);
    CalendarUser& user = users.emplace_back();
    user.shard = reader.shard();
    user.namespace_name = reader.text();
    user.name = reader.text();
    user.schedule_id = reader.id<ScheduleTag>();
  }
  return users;
}

}  // namespace

Result<PutCalendar> put_calendar(Session& session, const CalendarRow& row, const std::optional<AuditEntry>& audit) {
  return session.run<PutCalendar>(Mode::transaction, [&](Transaction& transaction) -> Result<PutCalendar> {
    std::optional<CalendarRow> before;
    if (audit) before = known_calendar(transaction, row.namespace_name, row.name);
    Parameters parameters = named(row.namespace_name, row.name);
    parameters.text(row.days).integer(kMaxCalendars);
    const auto rows = transaction.execute("put_calendar", std::move(parameters));
    if (rows.empty()) return no_room_for_calendars();
    RowReader reader(rows[0]);
    PutCalendar answer;
    answer.row = read_calendar(reader);
    answer.created = reader.boolean();
    append_audit(transaction, kClusterChain, calendar_audit(audit, before, answer.row));
    return answer;
  });
}

Result<CalendarRow> find_calendar(Session& session, const std::string& namespace_name, const std::string& name) {
  return session.run<CalendarRow>(Mode::read, [&](Transaction& transaction) -> Result<CalendarRow> {
    const auto rows = transaction.execute("find_calendar", named(namespace_name, name));
    if (rows.empty()) return no_such_calendar(name);
    RowReader reader(rows[0]);
    return read_calendar(reader);
  });
}

Result<std::vector<CalendarRow>> list_calendars(Session& session, const std::string& namespace_name) {
  using Answer = std::vector<CalendarRow>;
  return session.run<Answer>(Mode::read, [&](Transaction& transaction) -> Result<Answer> {
    Parameters parameters;
    parameters.text(namespace_name);
    Answer calendars;
    for (const auto& row : transaction.execute("list_calendars", std::move(parameters))) {
      RowReader reader(row);
      calendars.push_back(read_calendar(reader));
    }
    return calendars;
  });
}

Status delete_calendar(Session& session, const std::string& namespace_name, const std::string& name,
                       const std::optional<AuditEntry>& audit) {
  return session.run<void>(Mode::transaction, [&](Transaction& transaction) -> Status {
    std::optional<CalendarRow> before;
    if (audit) before = known_calendar(transaction, namespace_name, name);
    if (transaction.execute("delete_calendar", named(namespace_name, name)).affected_rows() == 1) {
      append_audit(transaction, kClusterChain, calendar_audit(audit, before, std::nullopt));
      return {};
    }
    const auto users = users_of(transaction, {.namespace_name = namespace_name, .calendar = name, .limit = 1});
    if (!users.empty()) return calendar_in_use(name, users.front().name);
    return no_such_calendar(name);
  });
}

Result<std::vector<CalendarUser>> list_calendar_users(Session& session, const CalendarUserFilter& filter) {
  using Answer = std::vector<CalendarUser>;
  return session.run<Answer>(Mode::read,
                             [&](Transaction& transaction) -> Result<Answer> { return users_of(transaction, filter); });
}

}  // namespace orchestrator::store::postgres
