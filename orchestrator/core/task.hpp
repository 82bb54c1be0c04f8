#pragma once

#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {

/// The task that a scope's step has out: its attempt, or its inquiry.
TaskRef task_of(const Scope& scope);

/// The command that makes it ready for a worker; also what is owed for it after a crash.
ScheduleTask task_command(const RunData& run, const Scope& scope);

}  // namespace orchestrator::core
