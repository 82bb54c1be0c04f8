#pragma once

#include <cstdint>
#include <string>

#include "api/json_writer.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/schedules.hpp"

namespace orchestrator::api {

enum class ScheduleShape : std::uint8_t {
  item,  ///< of a list: without input
  single,
};

/// internal when the stored settings are unreadable.
Status write_schedule(JsonWriter& writer, const store::ScheduleRow& row, ScheduleShape shape);
void write_slot(JsonWriter& writer, const store::ScheduleSlotRow& row);
void write_planned(JsonWriter& writer, const service::PlannedSlot& slot);
/// A slot that starts nothing because of its day.
void write_holiday(JsonWriter& writer, const service::PlannedSlot& slot);

}  // namespace orchestrator::api
