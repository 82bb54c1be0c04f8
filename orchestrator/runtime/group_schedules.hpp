#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "orchestrator/model/job_spec.hpp"
#include "orchestrator/schedule/settings.hpp"
#include "orchestrator/store/schedule_rows.hpp"

/// What a shard keeps in memory of its schedules. Only touched on the group's strand.
namespace orchestrator::runtime {

/// A slot that is decided later than this after its time was missed: nobody was there to start it. Longer than a
/// take-over after a crash. Source: docs/schedules.md.
inline constexpr Duration kMissedAfter = std::chrono::seconds{60};
/// Slots that one schedule may have waiting; further ones are skipped, and larger backfills refused.
inline constexpr std::size_t kMaxQueuedSlots = 10'000;
/// Slots of one backfill.
inline constexpr std::size_t kMaxBackfillSlots = 10'000;
/// Missed slots that get a row each; what was missed before them shares one.
inline constexpr std::size_t kMaxMissedRows = 1'000;
/// How far the slots of a range are counted.
inline constexpr std::int32_t kMaxCountedSlots = 10'000;
/// Open runs of one schedule that count for its overlap; only triggers make more than one.
inline constexpr std::size_t kMaxTrackedRuns = 100;

using ScheduleKey = std::pair<std::string, std::string>;  ///< namespace, name

struct ScheduleEntry {
  ScheduleEntry(store::ScheduleRow row_, schedule::Settings settings_, schedule::Timetable timetable_)
      : row(std::move(row_)), settings(std::move(settings_)), timetable(std::move(timetable_)) {}

  store::ScheduleRow row;  ///< pending writes included
  schedule::Settings settings;
  schedule::Timetable timetable;
  std::optional<JobStart> job;                         ///< of settings.job
  std::optional<schedule::Slot> next;                  ///< the first slot that is not decided
  std::map<Timestamp, store::ScheduleSlotRow> queued;  ///< by slot
  bool starting = false;                               ///< a start is on its way into a batch
  bool backfilling = false;                            ///< the slots of a backfill are being looked up
  std::optional<Timestamp> due;                        ///< where it stands in ShardSchedules::due
  std::optional<Timestamp> not_before;                 ///< after a start that could not be tried

  [[nodiscard]] bool is_paused() const { return row.progress.paused_at.has_value(); }
  [[nodiscard]] bool is_busy() const { return starting || !row.progress.open_runs.empty() || !queued.empty(); }
  [[nodiscard]] ScheduleKey key() const { return {row.namespace_name, row.name}; }
};

struct ShardSchedules {
  std::map<ScheduleKey, std::unique_ptr<ScheduleEntry>> entries;
  std::set<std::pair<Timestamp, ScheduleKey>> due;  ///< when each has something to do next
  std::unordered_map<RunId, ScheduleKey> open_runs;
};

/// SHA-256 hex of what the audit says of a schedule (group_audit.cpp).
std::string audit_digest_of(const store::ScheduleRow& row);

}  // namespace orchestrator::runtime
