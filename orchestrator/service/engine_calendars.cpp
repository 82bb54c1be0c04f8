#include "orchestrator/service/engine_calendars.hpp"

#include <atomic>
#include <utility>

#include "orchestrator/schedule/settings.hpp"

namespace orchestrator::service {

/// One change on its way to the schedules that use the calendar, page by page.
struct EngineCalendars::Spread {
  store::PutCalendar put;
  store::CalendarUserFilter filter;
  std::function<void(Result<store::PutCalendar>)> reply;
  std::atomic<std::size_t> left{0};  ///< of this page
  std::atomic<bool> failed{false};
};

void EngineCalendars::put(std::string namespace_name, schedule::Calendar calendar, Caller caller,
                          std::function<void(Result<store::PutCalendar>)> reply) {
  store::CalendarRow row;
  row.namespace_name = std::move(namespace_name);
  row.name = calendar.name;
  row.days = schedule::days_text(calendar);
  auto audit = audited(row.namespace_name, std::move(caller), "calendar.put", row.name, "");
  const auto kept = [this, reply = std::move(reply)](Result<store::PutCalendar> put) {
    if (!put) return reply(std::move(put));
    // Shared: each owner's answer finds it, on whichever thread it comes.
    auto work = std::make_shared<Spread>();
    work->filter.namespace_name = put->row.namespace_name;
    work->filter.calendar = put->row.name;
    work->put = *std::move(put);
    work->reply = reply;
    spread(std::move(work));
  };
  store_.put_calendar(std::move(row), std::move(audit), kept);
}

void EngineCalendars::spread(std::shared_ptr<Spread> work) {
  store_.list_calendar_users(work->filter, [this, work](Result<std::vector<store::CalendarUser>> users) {
    if (!users) return work->reply(std::move(users).error());
    if (users->empty()) return finish(work);
    work->filter.after = users->back().schedule_id;
    work->left = users->size();
    for (const store::CalendarUser& user : *users) {
      runtime::ScheduleRequest request;
      request.action = runtime::ScheduleAction::take_calendar;
      request.ref = user;
      request.calendar = work->put.row.name;
      request.days = work->put.row.days;
      const auto told = [this, work](const Result<runtime::ScheduleAnswer>& answer) {
        // A schedule that was deleted meanwhile needs no days.
        if (!answer && answer.error().code != ErrorCode::not_found) work->failed = true;
        if (--work->left != 0) return;
        if (work->failed) {
          work->reply(fail(ErrorCode::unavailable,
                           "some schedules do not go by the new days yet; the same call again finishes it"));
        } else {
          spread(work);
        }
      };
      owners_.change_schedule(std::move(request),
                              deadlines_->guard(std::function<void(Result<runtime::ScheduleAnswer>)>(told)));
    }
  });
}

/// Another change may have overtaken this one on the way: the days that are kept last go everywhere last.
void EngineCalendars::finish(std::shared_ptr<Spread> work) {
  const store::CalendarRow& row = work->put.row;
  store_.find_calendar(row.namespace_name, row.name, [this, work](Result<store::CalendarRow> now) {
    if (!now && now.error().code != ErrorCode::not_found) return work->reply(std::move(now).error());
    if (!now || now->days == work->put.row.days) return work->reply(work->put);
    work->put.row = *std::move(now);
    work->filter.after = {};
    spread(work);
  });
}

void EngineCalendars::find(std::string namespace_name, std::string name,
                           std::function<void(Result<store::CalendarRow>)> reply) {
  store_.find_calendar(std::move(namespace_name), std::move(name), std::move(reply));
}

void EngineCalendars::list(std::string namespace_name,
                           std::function<void(Result<std::vector<store::CalendarRow>>)> reply) {
  store_.list_calendars(std::move(namespace_name), std::move(reply));
}

void EngineCalendars::remove(std::string namespace_name, std::string name, Caller caller,
                             std::function<void(Result<void>)> reply) {
  auto audit = audited(namespace_name, std::move(caller), "calendar.remove", name, "");
  store_.delete_calendar(std::move(namespace_name), std::move(name), std::move(audit), std::move(reply));
}

}  // namespace orchestrator::service
