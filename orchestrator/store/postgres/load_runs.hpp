#pragma once

#include <optional>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// An open run with checkpoint and journal.
struct FoundOpenRun {
  LoadedRun run;
  bool has_addressed_signals = false;  ///< signals wait that were sent to it by id
};

/// Open runs by id, parallel to the ids. One statement: no snapshot is needed around it.
std::vector<std::optional<FoundOpenRun>> load_open_runs(Transaction& transaction, const std::vector<RunId>& ids);

/// Closed runs with checkpoint and journal, parallel to the ids.
std::vector<std::optional<LoadedClosedRun>> load_closed_runs(Transaction& transaction, const std::vector<RunId>& ids);

/// All runs of a shard that are not at rest.
std::vector<LoadedRun> load_moving_runs(Transaction& transaction, ShardId shard);

}  // namespace orchestrator::store::postgres
