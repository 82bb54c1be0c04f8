#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"

/// Schedules and their slots in durable state, as plain values. Column for column what migrations/0012 says.
namespace orchestrator::store {

using ScheduleId = Uuid<struct ScheduleTag>;

/// Schedules of one shard; creating another is refused. Its owner keeps all of them in memory.
inline constexpr std::size_t kMaxSchedulesPerShard = 10'000;

/// How far a schedule has come.
struct ScheduleProgress {
  Timestamp decided_until{};  ///< every slot up to here has its outcome
  std::optional<Timestamp> next_fire_at;
  std::optional<Timestamp> paused_at;
  std::optional<RunId> last_run_id;
  std::vector<RunId> open_runs;  ///< started here and not known to have closed; none with overlap `parallel`
};

struct ScheduleRef {
  ShardId shard{};
  std::string namespace_name;
  std::string name;
};

/// A schedule on the shard of its name.
struct ScheduleRow : ScheduleRef {
  ScheduleId schedule_id;
  std::string settings;  ///< schedule::settings_text
  ScheduleProgress progress;
  Timestamp created_at{};
  Timestamp updated_at{};  ///< of the settings
};

struct ScheduleUpdate : ScheduleRef {
  ScheduleProgress progress;
};

/// What became of a slot. `queued` is the only one that changes: to `started`, `skipped` or `cancelled`.
enum class SlotOutcome : std::uint8_t { started, skipped, missed, queued, cancelled };
std::string_view to_string(SlotOutcome outcome);
std::optional<SlotOutcome> parse_slot_outcome(std::string_view text);

enum class SlotOrigin : std::uint8_t {
  schedule,  ///< the rule said so
  trigger,   ///< somebody asked for a run at this moment
  range,     ///< many slots of the rule that share a fate, in one row
};
std::string_view to_string(SlotOrigin origin);
std::optional<SlotOrigin> parse_slot_origin(std::string_view text);

struct ScheduleSlotRow {
  ShardId shard{};
  ScheduleId schedule_id;
  Timestamp slot_at{};
  SlotOrigin origin = SlotOrigin::schedule;
  Timestamp fire_at{};
  Timestamp decided_at{};
  SlotOutcome outcome = SlotOutcome::started;
  std::string reason;                      ///< one word: overlap, paused, late, ...; empty when there is nothing to say
  std::optional<RunId> run_id;             ///< exactly when started
  std::optional<Timestamp> last_slot_at;   ///< of a range
  std::optional<std::int32_t> slot_count;  ///< of a range; nothing when nobody counted that far
};

/// A schedule as its shard's new owner needs it.
struct LoadedSchedule {
  ScheduleRow row;                      ///< open_runs: those that are still open
  std::vector<ScheduleSlotRow> queued;  ///< oldest first
};

/// Filters of GET /v1/schedules; newest first.
struct ScheduleFilter {
  std::string namespace_name;
  std::int32_t limit = 50;
  std::string cursor;  ///< opaque, from the page before
};
struct SchedulePage {
  std::vector<ScheduleRow> items;
  std::optional<std::string> next_cursor;
};

/// The slots of one schedule, latest first.
struct SlotFilter {
  ShardId shard{};
  ScheduleId schedule_id;
  std::int32_t limit = 50;
  std::string cursor;
};
struct SlotPage {
  std::vector<ScheduleSlotRow> items;
  std::optional<std::string> next_cursor;
};

/// "1767225600000000.schedule": where the next page of slots begins.
std::string slot_cursor(const ScheduleSlotRow& last);
/// invalid_argument ("invalid-parameter") when it is none of slot_cursor's.
Result<std::optional<std::pair<Timestamp, SlotOrigin>>> parse_slot_cursor(const std::string& cursor);

}  // namespace orchestrator::store
