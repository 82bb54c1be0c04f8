#pragma once

#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/postgres/parameters.hpp"

namespace orchestrator::store::postgres {

/// The parameters of the statement commit_batch, in the order of the function in migrations/0004.
Parameters encode_batch(const Batch& batch);

/// The shards of a batch that have no journal row in it and need a proof row, sorted.
std::vector<ShardId> shards_without_journal(const Batch& batch);

}  // namespace orchestrator::store::postgres
