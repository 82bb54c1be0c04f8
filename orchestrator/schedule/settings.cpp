#include "orchestrator/schedule/settings.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "orchestrator/base/json.hpp"

namespace orchestrator::schedule {
namespace {

constexpr std::array<std::string_view, 2> kGaps{"next", "skip"};
constexpr std::array<std::string_view, 3> kFolds{"first", "second", "both"};
constexpr std::array<std::string_view, 2> kOnHolidays{"skip", "next_business_day"};
constexpr std::array<std::string_view, 4> kOverlaps{"skip", "queue", "cancel", "parallel"};
constexpr std::array<std::string_view, 3> kMissed{"skip", "latest", "all"};

template <typename Word, std::size_t Count>
std::optional<Word> parse(const std::array<std::string_view, Count>& words, std::string_view text) {
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) return std::nullopt;
  return static_cast<Word>(found - words.begin());
}

Json days_json(const Calendar& calendar) {
  Json dates = Json::array();
  for (const auto day : calendar.dates) dates.push_back(date_text(day));
  return {{"dates", std::move(dates)}, {"weekends", calendar.weekends}};
}

void read_days(Calendar& calendar, const Json& object) {
  calendar.dates.clear();
  for (const Json& text : object.at("dates")) {
    if (auto day = parse_date(text.get<std::string>())) calendar.dates.push_back(*day);
  }
  calendar.weekends = object.value("weekends", false);
}

Json calendar_json(const Calendar& calendar) {
  Json object = days_json(calendar);
  object["on_holiday"] = std::string(to_string(calendar.on_holiday));
  if (!calendar.name.empty()) object["name"] = calendar.name;
  return object;
}

Calendar calendar_from(const Json& object) {
  Calendar calendar;
  read_days(calendar, object);
  calendar.name = object.value("name", "");
  calendar.on_holiday = parse_on_holiday(object.value("on_holiday", "skip")).value_or(OnHoliday::skip);
  return calendar;
}

Settings settings_from(const Json& object) {
  Settings settings;
  if (object.contains("cron")) settings.cron = object["cron"].get<std::string>();
  if (object.contains("every_seconds")) settings.every_seconds = object["every_seconds"].get<std::int64_t>();
  for (const Json& moment : object.value("at_us", Json::array())) {
    settings.at.push_back(from_micros(moment.get<std::int64_t>()));
  }
  settings.time_zone = object.value("time_zone", "UTC");
  settings.gap = parse_gap(object.value("gap", "next")).value_or(Gap::next);
  settings.fold = parse_fold(object.value("fold", "first")).value_or(Fold::first);
  if (object.contains("calendar")) settings.calendar = calendar_from(object["calendar"]);
  settings.jitter_seconds = object.value("jitter_seconds", std::int64_t{0});
  settings.overlap = parse_overlap(object.value("overlap", "skip")).value_or(Overlap::skip);
  settings.missed = parse_missed(object.value("missed", "latest")).value_or(Missed::latest);
  settings.missed_max = object.value("missed_max", settings.missed_max);
  settings.workflow = object.value("workflow", "");
  settings.version = object.value("version", 0);
  if (object.contains("job")) settings.job = make_payload(object["job"]);
  if (object.contains("input")) settings.input = make_payload(object["input"]);
  settings.priority = object.value("priority", 0);
  if (object.contains("attributes")) settings.attributes = make_payload(object["attributes"]);
  if (object.contains("timeout_seconds")) settings.timeout_seconds = object["timeout_seconds"].get<std::int64_t>();
  return settings;
}

}  // namespace

std::string_view to_string(Gap gap) { return kGaps[static_cast<std::size_t>(gap)]; }
std::string_view to_string(Fold fold) { return kFolds[static_cast<std::size_t>(fold)]; }
std::string_view to_string(OnHoliday on_holiday) { return kOnHolidays[static_cast<std::size_t>(on_holiday)]; }
std::string_view to_string(Overlap overlap) { return kOverlaps[static_cast<std::size_t>(overlap)]; }
std::string_view to_string(Missed missed) { return kMissed[static_cast<std::size_t>(missed)]; }
std::optional<Gap> parse_gap(std::string_view text) { return parse<Gap>(kGaps, text); }
std::optional<Fold> parse_fold(std::string_view text) { return parse<Fold>(kFolds, text); }
std::optional<OnHoliday> parse_on_holiday(std::string_view text) { return parse<OnHoliday>(kOnHolidays, text); }
std::optional<Overlap> parse_overlap(std::string_view text) { return parse<Overlap>(kOverlaps, text); }
std::optional<Missed> parse_missed(std::string_view text) { return parse<Missed>(kMissed, text); }

std::string days_text(const Calendar& calendar) { return dump_json(days_json(calendar)); }

Status take_days(Calendar& calendar, std::string_view text) {
  auto object = parse_json(text);
  if (!object) return object.error();
  try {
    read_days(calendar, *object);
    return {};
  } catch (const Json::exception& e) {
    return fail(ErrorCode::internal, "the days of a calendar are unreadable: " + std::string(e.what()));
  }
}

std::string date_text(std::chrono::local_days day) {
  return to_rfc3339(Timestamp{std::chrono::sys_days{day.time_since_epoch()}}).substr(0, 10);
}

Result<std::chrono::local_days> parse_date(std::string_view text) {
  const auto moment = parse_rfc3339(std::string(text) + "T00:00:00Z");
  if (text.size() != 10 || !moment) {
    return fail(ErrorCode::invalid_argument, "invalid-body", "not a date such as 2026-12-25");
  }
  return std::chrono::local_days{std::chrono::floor<std::chrono::days>(*moment).time_since_epoch()};
}

std::string settings_text(const Settings& settings) {
  Json object = {{"time_zone", settings.time_zone},
                 {"gap", std::string(to_string(settings.gap))},
                 {"fold", std::string(to_string(settings.fold))},
                 {"jitter_seconds", settings.jitter_seconds},
                 {"overlap", std::string(to_string(settings.overlap))},
                 {"missed", std::string(to_string(settings.missed))},
                 {"missed_max", settings.missed_max},
                 {"workflow", settings.workflow},
                 {"version", settings.version},
                 {"priority", settings.priority}};
  if (settings.cron) object["cron"] = *settings.cron;
  if (settings.every_seconds) object["every_seconds"] = *settings.every_seconds;
  if (!settings.at.empty()) {
    Json moments = Json::array();
    for (const Timestamp moment : settings.at) moments.push_back(to_micros(moment));
    object["at_us"] = std::move(moments);
  }
  if (settings.calendar) object["calendar"] = calendar_json(*settings.calendar);
  if (settings.job) object["job"] = *settings.job;
  if (settings.input) object["input"] = *settings.input;
  if (settings.attributes) object["attributes"] = *settings.attributes;
  if (settings.timeout_seconds) object["timeout_seconds"] = *settings.timeout_seconds;
  return dump_json(object);
}

Result<Settings> settings_of(std::string_view text) {
  auto object = parse_json(text);
  if (!object) return object.error();
  try {
    return settings_from(*object);
  } catch (const Json::exception& e) {
    return fail(ErrorCode::internal, "the settings of a schedule are unreadable: " + std::string(e.what()));
  }
}

Result<Timetable> timetable_of(const Settings& settings, Timestamp anchor, std::string_view seed) {
  Error refused(ErrorCode::invalid_argument, "invalid-body", "");
  const auto fault = [&](const char* pointer, std::string message) {
    refused.faults.push_back({pointer, "invalid", std::move(message)});
  };
  Rule::Parts parts{.pattern = Moments{}, .zone = {}, .gap = settings.gap, .fold = settings.fold, .calendar = {}};
  const int patterns = (settings.cron ? 1 : 0) + (settings.every_seconds ? 1 : 0) + (settings.at.empty() ? 0 : 1);
  if (patterns != 1) fault("", "exactly one of `cron`, `every_seconds` and `at` is needed");

  auto zone = Zone::find(settings.time_zone);
  if (zone) {
    parts.zone = *zone;
  } else if (zone.error().code == ErrorCode::invalid_argument) {
    fault("/time_zone", zone.error().message);
  } else {
    return zone.error();
  }
  if (settings.calendar) parts.calendar = *settings.calendar;
  if (parts.calendar.on_holiday == OnHoliday::next_business_day && !settings.cron) {
    fault("/calendar/on_holiday", "next_business_day needs `cron`: other slots have no day of their own");
  }
  if (settings.cron) {
    auto cron = Cron::parse(*settings.cron);
    if (cron) {
      parts.pattern = *std::move(cron);
    } else {
      fault("/cron", cron.error().message);
    }
  } else if (settings.every_seconds) {
    parts.pattern =
        Interval{std::chrono::seconds{*settings.every_seconds}, std::chrono::floor<std::chrono::seconds>(anchor)};
    if (settings.jitter_seconds >= *settings.every_seconds) {
      fault("/jitter_seconds", "`jitter_seconds` must be less than `every_seconds`");
    }
  } else {
    parts.pattern = settings.at;
  }
  const bool is_cron = refused.faults.empty() && settings.cron.has_value();
  Rule rule(std::move(parts));
  // Without its holidays: a calendar may change, and a schedule that it leaves nothing is still one.
  if (is_cron && !rule.with_holidays().value_or(rule).next_after(anchor))
    fault("/cron", "cron: no day ever fits " + *settings.cron);
  if (!refused.faults.empty()) {
    refused.message = refused.faults.size() == 1 ? refused.faults.front().message
                                                 : std::to_string(refused.faults.size()) + " faults, see errors";
    return refused;
  }
  return Timetable(std::move(rule), std::chrono::seconds{settings.jitter_seconds}, seed);
}

}  // namespace orchestrator::schedule
