#pragma once

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/error.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/schedule/settings.hpp"

namespace orchestrator::api {

/// What a body says about a schedule.
struct ScheduleBody {
  std::string name;
  schedule::Settings settings;
};

/// Reads the body of a create or replace; faults of form go to `faults`. Whether the cron expression, the zone and
/// their combination make sense is the engine's to say.
/// @param path_name the name in the path, which the body may repeat; nothing: the body names the schedule
ScheduleBody read_schedule(Json& value, const std::optional<std::string>& path_name, std::vector<FaultDetail>& faults);

}  // namespace orchestrator::api
