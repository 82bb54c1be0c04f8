// POST /v1/schedules/preview: when a rule would fire, before anybody makes a schedule of it.
#include "api/body.hpp"
#include "api/context.hpp"
#include "api/json_writer.hpp"
#include "api/object_reader.hpp"
#include "api/problem.hpp"
#include "api/query_reader.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "api/schedule_body.hpp"
#include "api/schedule_json.hpp"

namespace orchestrator::api {
namespace {

/// People look at the first few; each costs a search through the calendar.
constexpr std::int64_t kMaxPreviewed = 100;
constexpr std::int64_t kDefaultPreviewed = 10;

void preview(Context& context, const CallPtr& call) {
  QueryReader query(call->request.query);
  const auto count = static_cast<std::size_t>(query.integer("count", 1, kMaxPreviewed).value_or(kDefaultPreviewed));
  if (const Status status = query.finish(); !status) return call->fail(status.error());
  auto body = read_json(call->request);
  if (!body) return call->fail(body.error());
  std::vector<FaultDetail> faults;
  const ScheduleBody read = read_schedule(*body, std::nullopt, faults);
  // The days of a stored calendar are copied when a schedule is made; only then is it known which they are.
  if (read.settings.calendar && !read.settings.calendar->name.empty()) {
    faults.push_back({"/calendar/name", "invalid", "cannot be previewed; give its days, or create the schedule"});
  }
  if (const Status status = body_status(std::move(faults)); !status) return call->fail(status.error());

  const Timestamp now = context.options.now();
  const auto timetable = schedule::timetable_of(read.settings, now, read.name);
  if (!timetable) return call->fail(timetable.error());
  const auto planned = [&timetable](const schedule::Slot& slot) {
    return service::PlannedSlot{slot.at, slot.fire_at, timetable->local_text(slot.at)};
  };
  JsonWriter writer;
  writer.begin_object().name("items").begin_array();
  Timestamp last = now;
  auto slot = timetable->next_after(now);
  for (std::size_t i = 0; slot && i < count; ++i) {
    write_planned(writer, planned(*slot));
    last = slot->at;
    slot = timetable->next_after(slot->at);
  }
  writer.end_array().name("holidays").begin_array();
  for (const auto& holiday : timetable->holidays_between(now, last, count)) write_holiday(writer, planned(holiday));
  writer.end_array().name("next_cursor").null().end_object();
  call->respond(json_response(200, std::move(writer).take()));
}

}  // namespace

void add_schedule_preview_route(Router& router, Context& context) {
  // Nothing is changed: whoever may read schedules may ask.
  router.add({.method = "POST",
              .pattern = "/v1/schedules/preview",
              .handle = [&context](const CallPtr& call) { preview(context, call); },
              .role = Role::viewer});
}

}  // namespace orchestrator::api
