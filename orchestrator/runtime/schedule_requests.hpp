#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/store/schedule_rows.hpp"

/// What the owner of a schedule can be asked to do, and the JSON in which one node asks another.
namespace orchestrator::runtime {

enum class ScheduleAction : std::uint8_t { create, replace, remove, pause, resume, trigger, backfill, take_calendar };

struct ScheduleRequest {
  ScheduleAction action = ScheduleAction::create;
  store::ScheduleRef ref;  ///< the shard is that of the name
  store::ScheduleId
      schedule_id;          ///< create, and replace of what does not exist: the new one's; repeating it is harmless
  std::string settings;     ///< create and replace: schedule::settings_text
  RunId run_id;             ///< trigger: the run's, on the schedule's shard; repeating it is harmless
  std::string traceparent;  ///< trigger
  Timestamp from{};         ///< backfill, inclusive
  Timestamp to{};           ///< backfill, exclusive
  std::string calendar;     ///< take_calendar: the name; a schedule that uses another stays as it is
  std::string days;         ///< take_calendar: schedule::days_text
  std::optional<AuditEntry> audit;
};

struct ScheduleAnswer {
  store::ScheduleRow row;       ///< after the request; settings left out where nobody asked for them
  bool created = false;         ///< replace: there was none
  std::optional<RunId> run_id;  ///< trigger
  std::int64_t slots = 0;       ///< backfill: those that will start
};

Json to_json(const ScheduleRequest& request);
ScheduleRequest schedule_request_from(const Json& object);
Json to_json(const ScheduleAnswer& answer);
ScheduleAnswer schedule_answer_from(const Json& object);

}  // namespace orchestrator::runtime
