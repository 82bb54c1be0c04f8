#pragma once

#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::service {

/// History items of a job, made from its row: ExecutionStarted, a TaskFailed for each kept failed attempt, the success
/// of one that was cancelled meanwhile, and the end.
/// internal when the row's record cannot be read.
Result<std::vector<Json>> job_history(const store::RunView& view);

}  // namespace orchestrator::service
