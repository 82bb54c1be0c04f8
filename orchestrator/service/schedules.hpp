#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/runtime/schedule_requests.hpp"
#include "orchestrator/schedule/settings.hpp"
#include "orchestrator/store/schedule_rows.hpp"

namespace orchestrator::service {

/// One thing that is asked of a schedule.
struct ScheduleChange {
  runtime::ScheduleAction action = runtime::ScheduleAction::create;
  std::string namespace_name;
  std::string name;
  schedule::Settings settings;    ///< create and replace
  std::optional<RunId> reserved;  ///< from an IdempotencyGate: create and trigger repeat under it
  std::string traceparent;        ///< trigger
  Timestamp from{};               ///< backfill, inclusive
  Timestamp to{};                 ///< backfill, exclusive
  Caller caller;
};

/// One line of a preview.
struct PlannedSlot {
  Timestamp slot{};
  Timestamp fire_at{};
  std::string local;  ///< on the wall of the schedule's zone, with offset
};

struct Preview {
  std::vector<PlannedSlot> slots;  ///< in their order
  std::vector<PlannedSlot>
      holidays;  ///< until the last of those: what starts nothing because of its day; as many at most
};

/// What people do with schedules. Every method is thread-safe, returns at once and never throws.
class Schedules {
 public:
  virtual ~Schedules() = default;

  /// Answers after the commit. Errors: invalid_argument with faults, not_found (`unknown-workflow` for the workflow
  /// that it would start), already_exists, conflict, resource_exhausted.
  virtual void change(ScheduleChange change, std::function<void(Result<runtime::ScheduleAnswer>)> reply) = 0;
  virtual void find(std::string namespace_name, std::string name,
                    std::function<void(Result<store::ScheduleRow>)> reply) = 0;
  virtual void list(store::ScheduleFilter filter, std::function<void(Result<store::SchedulePage>)> reply) = 0;
  /// The next slots strictly after a moment (nothing: now), also of a paused schedule.
  virtual void preview(std::string namespace_name, std::string name, std::optional<Timestamp> after, std::int32_t count,
                       std::function<void(Result<Preview>)> reply) = 0;
  /// What became of its slots, latest first.
  virtual void fires(std::string namespace_name, std::string name, std::int32_t limit, std::string cursor,
                     std::function<void(Result<store::SlotPage>)> reply) = 0;
};

}  // namespace orchestrator::service
