#pragma once

#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {

/// Registers the wait of a scope's step; also what is owed for it after a crash.
AwaitSignal await_command(const Scope& scope);
/// Takes it back.
EndSignalWait end_wait_command(const Scope& scope);

}  // namespace orchestrator::core
