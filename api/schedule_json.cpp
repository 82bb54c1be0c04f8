#include "api/schedule_json.hpp"

#include "api/calendar_days.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/model/job_spec.hpp"

namespace orchestrator::api {
namespace {

void write_moments(JsonWriter& writer, const std::vector<Timestamp>& moments) {
  if (moments.empty()) {
    writer.name("at").null();
    return;
  }
  writer.name("at").begin_array();
  for (const Timestamp moment : moments) writer.text(to_rfc3339(moment));
  writer.end_array();
}

void write_calendar(JsonWriter& writer, const std::optional<schedule::Calendar>& calendar) {
  if (!calendar) {
    writer.name("calendar").null();
    return;
  }
  writer.name("calendar").begin_object();
  // As it was asked for: the days of a named calendar are that one's to show.
  if (calendar->name.empty()) {
    write_days(writer, *calendar);
  } else {
    writer.member("name", calendar->name);
  }
  writer.member("on_holiday", to_string(calendar->on_holiday)).end_object();
}

/// What starts: a workflow, or a handler with what its jobs have.
void write_target(JsonWriter& writer, const schedule::Settings& settings) {
  const auto& name = settings.workflow;
  writer.member("workflow", settings.job ? std::nullopt : std::optional(name));
  writer.member("handler", settings.job ? std::optional(name) : std::nullopt);
  if (!settings.job) return;
  const Json spec = settings.job->value("spec", Json::object());
  writer.member("queue", string_member(*settings.job, "queue"));
  writer.name("max_attempts").json(spec.value("max_attempts", Json(JobSpec{}.max_attempts)));
  writer.name("retry").json(spec.value("retry", Json()));
}

}  // namespace

Status write_schedule(JsonWriter& writer, const store::ScheduleRow& row, ScheduleShape shape) {
  const auto read = schedule::settings_of(row.settings);
  if (!read) return read.error();
  const schedule::Settings& settings = *read;
  const store::ScheduleProgress& progress = row.progress;
  writer.begin_object();
  writer.member("schedule_id", row.schedule_id).member("name", row.name);
  writer.member("cron", settings.cron).member("every_seconds", settings.every_seconds);
  write_moments(writer, settings.at);
  writer.member("time_zone", settings.time_zone);
  writer.member("gap", to_string(settings.gap)).member("fold", to_string(settings.fold));
  write_calendar(writer, settings.calendar);
  writer.member("jitter_seconds", settings.jitter_seconds);
  writer.member("overlap", to_string(settings.overlap));
  writer.member("missed", to_string(settings.missed)).member("missed_max", settings.missed_max);
  write_target(writer, settings);
  writer.member("version", settings.version == 0 ? std::nullopt : std::optional(settings.version));
  if (shape == ScheduleShape::single) writer.member("input", settings.input);
  writer.member("priority", settings.priority);
  writer.name("attributes");
  if (settings.attributes) {
    writer.json(*settings.attributes);
  } else {
    writer.begin_object().end_object();
  }
  writer.member("timeout_seconds", settings.timeout_seconds);
  writer.member("paused", progress.paused_at.has_value()).member("paused_at", progress.paused_at);
  writer.member("next_fire_at", progress.next_fire_at).member("last_run_id", progress.last_run_id);
  writer.member("created_at", row.created_at).member("updated_at", row.updated_at);
  writer.end_object();
  return {};
}

void write_slot(JsonWriter& writer, const store::ScheduleSlotRow& row) {
  writer.begin_object().member("slot", row.slot_at).member("origin", to_string(row.origin));
  writer.member("fire_at", row.fire_at).member("decided_at", row.decided_at);
  writer.member("outcome", to_string(row.outcome));
  writer.member("reason", row.reason.empty() ? std::nullopt : std::optional(row.reason));
  writer.member("run_id", row.run_id);
  if (row.origin == store::SlotOrigin::range) {
    writer.member("last_slot", row.last_slot_at).member("slots", row.slot_count);
  }
  writer.end_object();
}

void write_planned(JsonWriter& writer, const service::PlannedSlot& slot) {
  writer.begin_object().member("fire_at", slot.fire_at).member("local", slot.local).member("slot", slot.slot);
  writer.end_object();
}

void write_holiday(JsonWriter& writer, const service::PlannedSlot& slot) {
  writer.begin_object().member("slot", slot.slot).member("local", slot.local).member("outcome", "skipped");
  writer.member("reason", "holiday").end_object();
}

}  // namespace orchestrator::api
