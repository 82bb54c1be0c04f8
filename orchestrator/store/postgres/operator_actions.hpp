#pragma once

#include <vector>

#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Store::read_dead_letter_trails.
Result<std::vector<DeadLetterTrail>> read_dead_letter_trails(Session& session, const std::vector<RunId>& runs,
                                                             std::int32_t rows);
/// The edits of a batch, in the transaction that holds its fence.
void edit_open_runs(Transaction& transaction, const Batch& batch);

/// In a transaction that holds the fence: which signals were made from others.
void add_signal_links(Transaction& transaction, const Batch& batch);
/// Store::discard_dead_letter.
Status discard_dead_letter(Session& session, const DiscardRequest& request);

}  // namespace orchestrator::store::postgres
