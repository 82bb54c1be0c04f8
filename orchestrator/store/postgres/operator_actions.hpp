#pragma once

#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Store::read_dead_letter_trails.
Result<std::vector<DeadLetterTrail>> read_dead_letter_trails(Session& session, const std::vector<RunId>& runs,
                                                             std::int32_t rows);
/// Store::edit_open_run.
Status edit_open_run(Session& session, const OpenRunEdit& edit);
/// Store::discard_dead_letter.
Status discard_dead_letter(Session& session, const DiscardRequest& request);

}  // namespace orchestrator::store::postgres
