// Calendars: /v1/calendars, days without slots that many schedules share.
#include "api/body.hpp"
#include "api/calendar_days.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/schedule/settings.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

/// internal when the stored days are unreadable.
Status write_calendar(JsonWriter& writer, const store::CalendarRow& row) {
  schedule::Calendar calendar;
  if (Status taken = schedule::take_days(calendar, row.days); !taken) return taken;
  writer.begin_object().member("name", row.name);
  write_days(writer, calendar);
  writer.member("created_at", row.created_at).member("changed_at", row.changed_at).end_object();
  return {};
}

void answer(const CallPtr& call, int status, const store::CalendarRow& row) {
  JsonWriter writer;
  if (const Status written = write_calendar(writer, row); !written) return call->fail(written.error());
  Response response = json_response(status, std::move(writer).take());
  if (status == 201) response.headers.emplace_back("Location", "/v1/calendars/" + row.name);
  call->respond(std::move(response));
}

void put(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  const auto named = reader.name("name");
  if (named && *named != *name) reader.fault("name", "invalid", "is not the name in the path");
  schedule::Calendar calendar;
  calendar.name = *name;
  read_days(reader, calendar, faults);
  reader.finish();
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());
  context.service.calendars().put(call->namespace_name, std::move(calendar), call->caller(),
                                  [call](Result<store::PutCalendar> kept) {
                                    if (!kept) return call->fail(kept.error());
                                    answer(call, kept->created ? 201 : 200, kept->row);
                                  });
}

void read(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  context.service.calendars().find(call->namespace_name, *name, [call](Result<store::CalendarRow> row) {
    if (!row) return call->fail(row.error());
    answer(call, 200, *row);
  });
}

/// All of them: a namespace has few.
void list(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  context.service.calendars().list(call->namespace_name, [call](Result<std::vector<store::CalendarRow>> rows) {
    if (!rows) return call->fail(rows.error());
    JsonWriter writer;
    writer.begin_object().name("items").begin_array();
    for (const store::CalendarRow& row : *rows) {
      if (const Status written = write_calendar(writer, row); !written) return call->fail(written.error());
    }
    writer.end_array().name("next_cursor").null().end_object();
    call->respond(json_response(200, std::move(writer).take()));
  });
}

void remove(Context& context, const CallPtr& call) {
  const auto name = name_parameter(*call, 0);
  if (!name) return call->fail(name.error());
  context.service.calendars().remove(call->namespace_name, *name, call->caller(), [call](const Result<void>& removed) {
    if (!removed) return call->fail(removed.error());
    Response nothing;
    nothing.status = 204;
    call->respond(std::move(nothing));
  });
}

}  // namespace

void add_calendar_routes(Router& router, Context& context) {
  const auto bind = [&context](auto action) {
    return [&context, action](const CallPtr& call) { action(context, call); };
  };
  const std::string one = "/v1/calendars/{name}";
  router.add({.method = "GET", .pattern = "/v1/calendars", .handle = bind(list)});
  router.add({.method = "GET", .pattern = one, .handle = bind(read)});
  router.add({.method = "PUT", .pattern = one, .handle = bind(put)});
  router.add({.method = "DELETE", .pattern = one, .handle = bind(remove)});
}

}  // namespace orchestrator::api
