#include "api/schedule_body.hpp"

#include <algorithm>
#include <limits>

#include "api/calendar_days.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/start_job_body.hpp"
#include "api/start_run_body.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

/// The engine adds the schedule's name and the slot.
constexpr std::size_t kAddedAttributes = 2;
/// Longer than the longest name of the IANA database.
constexpr std::size_t kMaxZoneBytes = 64;

std::vector<Timestamp> read_moments(ObjectReader& reader, std::vector<FaultDetail>& faults) {
  std::vector<Timestamp> moments;
  const bool is_given = reader.has("at");
  const Json array = reader.array("at");
  if (!array.is_array()) return moments;
  if (is_given && (array.empty() || array.size() > schedule::kMaxMoments)) {
    reader.fault("at", "out_of_range", "must have 1 to " + std::to_string(schedule::kMaxMoments) + " items");
    return moments;
  }
  for (std::size_t i = 0; i < array.size(); ++i) {
    auto moment = array[i].is_string() ? parse_rfc3339(array[i].get_ref<const std::string&>())
                                       : Result<Timestamp>(Error(ErrorCode::invalid_argument, "not a string"));
    if (moment) {
      moments.push_back(*moment);
    } else {
      faults.push_back({.pointer = deeper_pointer(reader.pointer_to("at"), std::to_string(i)),
                        .code = "invalid",
                        .message = "must be an RFC 3339 time such as 2026-01-31T23:59:59Z"});
    }
  }
  std::sort(moments.begin(), moments.end());
  moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
  return moments;
}

std::optional<schedule::Calendar> read_calendar(ObjectReader& parent, std::vector<FaultDetail>& faults) {
  Json object = parent.object("calendar");
  if (!object.is_object()) return std::nullopt;
  ObjectReader reader(object, parent.pointer_to("calendar"), faults);
  schedule::Calendar calendar;
  calendar.name = reader.name("name").value_or("");
  const bool has_days = reader.has("dates") || reader.has("weekends");
  if (!calendar.name.empty() && has_days) reader.fault("name", "invalid", "cannot be given together with days");
  read_days(reader, calendar, faults);
  if (const auto word = reader.choice("on_holiday", {"skip", "next_business_day"})) {
    calendar.on_holiday = schedule::parse_on_holiday(*word).value_or(schedule::OnHoliday::skip);
  }
  reader.finish();
  return calendar;
}

/// What a job has beside input and priority. Keys would send it to a shard of their own, away from its schedule.
void read_job(ObjectReader& reader, schedule::Settings& settings, std::vector<FaultDetail>& faults) {
  if (reader.has("workflow")) reader.fault("workflow", "invalid", "cannot be given together with `handler`");
  if (reader.has("version")) reader.fault("version", "invalid", "means nothing for a handler");
  static_cast<void>(reader.name("workflow"));
  Json job = Json::object();
  for (const char* member : {"handler", "queue", "max_attempts", "retry", "timeout_seconds"}) {
    if (const Payload value = reader.any(member); value && !value->is_null()) job[member] = *value;
  }
  const service::StartRun start = read_start_job(job, "", faults);
  settings.workflow = start.workflow;
  settings.job = make_payload(to_json(*start.job));
}

}  // namespace

ScheduleBody read_schedule(Json& value, const std::optional<std::string>& path_name, std::vector<FaultDetail>& faults) {
  ObjectReader reader(value, "", faults);
  ScheduleBody body;
  schedule::Settings& settings = body.settings;
  auto name = reader.name("name");
  if (!path_name) {
    body.name = reader.required("name", std::move(name)).value_or("");
  } else {
    if (name && *name != *path_name) reader.fault("name", "invalid", "is not the name in the path");
    body.name = *path_name;
  }
  settings.cron = reader.text("cron", schedule::kMaxCronBytes);
  settings.every_seconds = reader.integer("every_seconds", 1, schedule::kMaxEverySeconds);
  settings.at = read_moments(reader, faults);
  settings.time_zone = reader.text("time_zone", kMaxZoneBytes).value_or("UTC");
  if (const auto word = reader.choice("gap", {"next", "skip"})) settings.gap = *schedule::parse_gap(*word);
  if (const auto word = reader.choice("fold", {"first", "second", "both"}))
    settings.fold = *schedule::parse_fold(*word);
  settings.calendar = read_calendar(reader, faults);
  settings.jitter_seconds = reader.integer("jitter_seconds", 0, schedule::kMaxJitterSeconds).value_or(0);
  if (const auto word = reader.choice("overlap", {"skip", "queue", "cancel", "parallel"})) {
    settings.overlap = *schedule::parse_overlap(*word);
  }
  if (const auto word = reader.choice("missed", {"skip", "latest", "all"})) {
    settings.missed = *schedule::parse_missed(*word);
  }
  settings.missed_max = reader.integer("missed_max", 1, schedule::kMaxMissedStarts).value_or(settings.missed_max);

  if (reader.has("handler") && reader.is_object()) {
    read_job(reader, settings, faults);
  } else {
    settings.workflow = reader.required("workflow", reader.name("workflow")).value_or("");
    settings.timeout_seconds = reader.integer("timeout_seconds", 1, kMaxRunTimeoutSeconds);
  }
  settings.version =
      static_cast<std::int32_t>(reader.integer("version", 1, std::numeric_limits<std::int32_t>::max()).value_or(0));
  settings.input = reader.any("input");
  settings.priority = static_cast<std::int32_t>(reader.integer("priority", -100, 100).value_or(0));
  settings.attributes = read_attributes(reader, faults);
  if (settings.attributes && settings.attributes->size() > kMaxAttributes - kAddedAttributes) {
    reader.fault("attributes", "out_of_range",
                 "must not have more than " + std::to_string(kMaxAttributes - kAddedAttributes) + " members");
  }
  reader.finish();
  return body;
}

}  // namespace orchestrator::api
