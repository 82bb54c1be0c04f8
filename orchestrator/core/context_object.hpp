#pragma once

#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {

/// `$$` for a scope's present step. The reference stays good until the next call for the same run: the run keeps one
/// context object and changes only what differs, so that a large input is not copied for every expression.
const Json& context_object(RunData& run, const Scope& scope);

/// `$$.Task.Token` of a step: the same for all its attempts.
std::string task_token(const RunData& run, const Scope& scope);

}  // namespace orchestrator::core
