#pragma once

#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Store::find_run. not_found.
Result<RunView> find_run(Session& session, RunId run_id);
/// Store::list_runs. A page looks at so many rows at most: it may hold less than the limit, even nothing, and still
/// have a next one. invalid_argument ("invalid-parameter") for a bad cursor.
Result<RunPage> list_runs(Session& session, const RunFilter& filter, std::int32_t shard_count);
Result<std::vector<JournalRow>> read_journal(Session& session, RunId run_id, EventId from, std::int32_t limit);
/// Store::find_signal. not_found.
Result<SignalView> find_signal(Session& session, SignalId signal_id);
/// Store::list_signals. invalid_argument ("invalid-parameter") for a bad cursor.
Result<SignalPage> list_signals(Session& session, const SignalFilter& filter);
/// Store::expired_signals.
Result<std::vector<SignalRow>> expired_signals(Session& session, const std::vector<ShardId>& shards, Timestamp now,
                                               std::int32_t limit);

}  // namespace orchestrator::store::postgres
