#pragma once

#include <string>

#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {

/// Starts the child of a scope's step; also what is owed for it until it has started.
StartChild child_command(const RunData& run, const Scope& scope);
/// Cancels it, also while its start has not been reported.
CancelChild cancel_child_command(const RunData& run, const Scope& scope, CancelMode mode, const std::string& reason);

}  // namespace orchestrator::core
