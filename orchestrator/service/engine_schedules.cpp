#include "orchestrator/service/engine_schedules.hpp"

#include <utility>

#include "orchestrator/digest/routing.hpp"
#include "orchestrator/store/calendar_rows.hpp"

namespace orchestrator::service {

using runtime::ScheduleAction;

namespace {

const char* audited_action(ScheduleAction action) {
  switch (action) {
    case ScheduleAction::create: return "schedule.create";
    case ScheduleAction::replace: return "schedule.replace";
    case ScheduleAction::remove: return "schedule.remove";
    case ScheduleAction::pause: return "schedule.pause";
    case ScheduleAction::resume: return "schedule.resume";
    case ScheduleAction::trigger: return "schedule.trigger";
    case ScheduleAction::backfill: return "schedule.backfill";
    case ScheduleAction::take_calendar: break;  // the calendar's own row says who changed it
  }
  return "";
}

}  // namespace

store::ScheduleRef EngineSchedules::ref_of(std::string namespace_name, std::string name) const {
  const ShardId shard = digest::shard_for_key(namespace_name, name, node_.shard_count());
  return {shard, std::move(namespace_name), std::move(name)};
}

void EngineSchedules::change(ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply) {
  if (change.action != ScheduleAction::create && change.action != ScheduleAction::replace) {
    ask(std::move(change), std::move(reply));
    return;
  }
  if (!change.settings.calendar || change.settings.calendar->name.empty()) {
    change_rule(std::move(change), std::move(reply));
    return;
  }
  const std::string namespace_name = change.namespace_name;
  const std::string calendar = change.settings.calendar->name;
  const auto take = [this, change = std::move(change),
                     reply = std::move(reply)](Result<store::CalendarRow> found) mutable {
    if (!found && found.error().code == ErrorCode::not_found) {
      Error unknown(ErrorCode::invalid_argument, "invalid-body", found.error().message);
      unknown.faults.push_back({"/calendar/name", "invalid", found.error().message});
      return reply(std::move(unknown));
    }
    if (!found) return reply(std::move(found).error());
    if (Status taken = schedule::take_days(*change.settings.calendar, found->days); !taken)
      return reply(std::move(taken).error());
    change_rule(std::move(change), [this, days = found->days, reply = std::move(reply)](auto answer) {
      if (!answer) return reply(std::move(answer));
      keep_calendar(*std::move(answer), days, reply);
    });
  };
  store_.find_calendar(namespace_name, calendar, take);
}

/// A calendar that changed while its days were on their way to a new schedule did not yet know of that one.
void EngineSchedules::keep_calendar(runtime::ScheduleAnswer answer, const std::string& days,
                                    std::function<void(Result<runtime::ScheduleAnswer>)> reply) {
  const auto settings = schedule::settings_of(answer.row.settings);
  if (!settings || !settings->calendar) return reply(std::move(answer));
  const std::string calendar = settings->calendar->name;
  const std::string namespace_name = answer.row.namespace_name;
  store_.find_calendar(
      namespace_name, calendar,
      [this, answer = std::move(answer), calendar, days, reply = std::move(reply)](Result<store::CalendarRow> now) {
        if (!now || now->days == days) return reply(answer);
        runtime::ScheduleRequest request;
        request.action = ScheduleAction::take_calendar;
        request.ref = answer.row;
        request.calendar = calendar;
        request.days = now->days;
        const auto told = [answer, reply](Result<runtime::ScheduleAnswer> taken) {
          if (!taken) return reply(std::move(taken));
          taken->created = answer.created;
          reply(std::move(taken));
        };
        owners_.change_schedule(std::move(request),
                                deadlines_->guard(std::function<void(Result<runtime::ScheduleAnswer>)>(told)));
      });
}

void EngineSchedules::change_rule(ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply) {
  if (auto readable = schedule::timetable_of(change.settings, node_.now(), change.name); !readable) {
    reply(std::move(readable).error());
    return;
  }
  if (change.settings.job) {
    // A remote worker may bring the handler at any time.
    ask(std::move(change), std::move(reply));
    return;
  }
  // A typing error in the workflow's name would otherwise show at the first slot, perhaps months later.
  const std::string namespace_name = change.namespace_name;
  const std::string workflow = change.settings.workflow;
  const std::int32_t version = change.settings.version;
  store_.find_definition(
      namespace_name, workflow, version,
      [this, change = std::move(change), reply = std::move(reply)](Result<store::DefinitionRow> found) mutable {
        if (found) {
          ask(std::move(change), std::move(reply));
        } else {
          reply(std::move(found).error());
        }
      });
}

void EngineSchedules::ask(ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply) {
  reply = deadlines_->guard(std::move(reply));
  runtime::ScheduleRequest request;
  request.action = change.action;
  request.audit =
      audited(change.namespace_name, std::move(change.caller), audited_action(change.action), change.name, "");
  request.ref = ref_of(std::move(change.namespace_name), std::move(change.name));
  request.traceparent = std::move(change.traceparent);
  request.from = change.from;
  request.to = change.to;
  const ShardId shard = request.ref.shard;
  // A reserved id lives on the shard of its Idempotency-Key; ours must carry the shard of the schedule.
  const UuidBytes id = change.reserved
                           ? digest::derived_uuid(change.reserved->str(), time_of(change.reserved->bytes), shard)
                           : make_uuid7(node_.now(), shard, node_.random());
  if (change.action == ScheduleAction::trigger) request.run_id = RunId{id};
  if (change.action == ScheduleAction::create || change.action == ScheduleAction::replace) {
    request.schedule_id = store::ScheduleId{id};
    request.settings = schedule::settings_text(change.settings);
  }
  owners_.change_schedule(std::move(request), std::move(reply));
}

void EngineSchedules::find(std::string namespace_name, std::string name,
                           std::function<void(Result<store::ScheduleRow>)> reply) {
  store_.find_schedule(ref_of(std::move(namespace_name), std::move(name)), std::move(reply));
}

void EngineSchedules::list(store::ScheduleFilter filter, std::function<void(Result<store::SchedulePage>)> reply) {
  store_.list_schedules(std::move(filter), std::move(reply));
}

void EngineSchedules::preview(std::string namespace_name, std::string name, std::optional<Timestamp> after,
                              std::int32_t count, std::function<void(Result<Preview>)> reply) {
  const Timestamp from = after ? *after : node_.now();
  find(std::move(namespace_name), std::move(name),
       [from, count, reply = std::move(reply)](Result<store::ScheduleRow> row) {
         if (!row) return reply(std::move(row).error());
         const auto settings = schedule::settings_of(row->settings);
         if (!settings) return reply(settings.error());
         const auto timetable = schedule::timetable_of(*settings, row->created_at, row->schedule_id.str());
         if (!timetable) return reply(timetable.error());
         const auto planned = [&](const schedule::Slot& slot) {
           return PlannedSlot{slot.at, slot.fire_at, timetable->local_text(slot.at)};
         };
         Preview preview;
         auto slot = timetable->next_after(from);
         while (slot && preview.slots.size() < static_cast<std::size_t>(count)) {
           preview.slots.push_back(planned(*slot));
           slot = timetable->next_after(slot->at);
         }
         if (!preview.slots.empty()) {
           for (const auto& holiday :
                timetable->holidays_between(from, preview.slots.back().slot, static_cast<std::size_t>(count)))
             preview.holidays.push_back(planned(holiday));
         }
         reply(std::move(preview));
       });
}

void EngineSchedules::fires(std::string namespace_name, std::string name, std::int32_t limit, std::string cursor,
                            std::function<void(Result<store::SlotPage>)> reply) {
  find(std::move(namespace_name), std::move(name),
       [this, limit, cursor = std::move(cursor), reply = std::move(reply)](Result<store::ScheduleRow> row) mutable {
         if (!row) return reply(std::move(row).error());
         store::SlotFilter filter{row->shard, row->schedule_id, limit, std::move(cursor)};
         store_.list_schedule_slots(std::move(filter), std::move(reply));
       });
}

}  // namespace orchestrator::service
