#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/schedule/rule.hpp"
#include "orchestrator/schedule/timetable.hpp"

namespace orchestrator::schedule {

// Named limits of one schedule. Listed in docs/operations/limits.md.
inline constexpr std::size_t kMaxMoments = 1'000;
inline constexpr std::size_t kMaxHolidays = 1'000;
inline constexpr std::int64_t kMaxEverySeconds = 31'536'000;
inline constexpr std::int64_t kMaxJitterSeconds = 86'400;
inline constexpr std::int64_t kMaxMissedStarts = 1'000;

/// What happens to a slot while the run of the slot before is open.
enum class Overlap : std::uint8_t {
  skip,      ///< the slot starts nothing
  queue,     ///< it starts as soon as the other has ended
  cancel,    ///< the other is cancelled, and the slot starts as soon as that has ended
  parallel,  ///< it starts
};

/// What happens to slots whose time passed while nobody could start them.
enum class Missed : std::uint8_t {
  skip,    ///< none starts
  latest,  ///< the last one starts
  all,     ///< the last `missed_max` start, in their order
};

std::string_view to_string(Gap gap);
std::string_view to_string(Fold fold);
std::string_view to_string(OnHoliday on_holiday);
std::string_view to_string(Overlap overlap);
std::string_view to_string(Missed missed);
std::optional<Gap> parse_gap(std::string_view text);
std::optional<Fold> parse_fold(std::string_view text);
std::optional<OnHoliday> parse_on_holiday(std::string_view text);
std::optional<Overlap> parse_overlap(std::string_view text);
std::optional<Missed> parse_missed(std::string_view text);

/// The days of a calendar as JSON text, for the store and for calls between nodes; without its name.
std::string days_text(const Calendar& calendar);
/// Gives `calendar` the days of days_text. internal when the text is none.
Status take_days(Calendar& calendar, std::string_view text);

/// "2026-12-25".
std::string date_text(std::chrono::local_days day);
/// invalid_argument when it is no date.
Result<std::chrono::local_days> parse_date(std::string_view text);

/// What its owner asked of a schedule: when, and what to start.
struct Settings {
  // Exactly one of these three.
  std::optional<std::string> cron;
  std::optional<std::int64_t> every_seconds;
  std::vector<Timestamp> at;

  std::string time_zone = "UTC";
  Gap gap = Gap::next;
  Fold fold = Fold::first;
  std::optional<Calendar> calendar;
  std::int64_t jitter_seconds = 0;
  Overlap overlap = Overlap::skip;
  Missed missed = Missed::latest;
  std::int64_t missed_max = 100;

  std::string workflow;      ///< with `job` the name of a handler
  std::int32_t version = 0;  ///< 0: the newest at each start
  Payload job;               ///< set: each slot starts a job, and this is what makes it one (model/job_spec.hpp)
  Payload input;
  std::int32_t priority = 0;
  Payload attributes;
  std::optional<std::int64_t> timeout_seconds;
};

/// The settings as JSON text, for the store and for calls between nodes.
std::string settings_text(const Settings& settings);
/// internal when the text is not what settings_text wrote.
Result<Settings> settings_of(std::string_view text);

/// The timetable that the settings describe.
/// invalid_argument with one fault for each member that makes no sense: a cron expression that cannot be read or never
/// fires, an unknown zone, no or several of cron, every_seconds and at.
/// @param anchor where every_seconds counts from
/// @param seed sets the jitter apart from other schedules'
Result<Timetable> timetable_of(const Settings& settings, Timestamp anchor, std::string_view seed);

}  // namespace orchestrator::schedule
