#pragma once

#include <optional>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Open runs with checkpoint and journal, parallel to the ids.
std::vector<std::optional<LoadedRun>> load_open_runs(Transaction& transaction, const std::vector<RunId>& ids);

/// Closed runs with checkpoint and journal, parallel to the ids.
std::vector<std::optional<LoadedClosedRun>> load_closed_runs(Transaction& transaction, const std::vector<RunId>& ids);

/// All runs of a shard that are not at rest.
std::vector<LoadedRun> load_moving_runs(Transaction& transaction, ShardId shard);

}  // namespace orchestrator::store::postgres
