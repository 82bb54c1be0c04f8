#pragma once

#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/data_error.hpp"
#include "orchestrator/store/postgres/parameters.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {

/// Store::commit on one connection.
Result<CommitAnswer> commit(Session& session, const Batch& batch);

/// Store::was_committed. ownership_lost when only some of the batch's shards were written: reload all of them.
Result<bool> was_committed(Session& session, const Batch& batch);

/// Store::find_data_error.
Result<DataError> find_data_error(Session& session, const Batch& batch);

/// The call behind both commit and a transactional step: one commit_batch in the open transaction.
CommitAnswer execute_commit_batch(Transaction& transaction, const Batch& batch);

}  // namespace orchestrator::store::postgres
