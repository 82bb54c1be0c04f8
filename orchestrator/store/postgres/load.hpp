#pragma once

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Store::load: one statement per kind of question, all in one snapshot.
Result<LoadAnswer> load(Session& session, const LoadRequest& request);

/// Store::recover. ownership_lost when the shard's epoch is another one by now.
Result<Recovery> recover(Session& session, ShardLease lease, Timestamp horizon);

}  // namespace orchestrator::store::postgres
