#pragma once

#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queue_ledger.hpp"

namespace orchestrator::store::postgres {

/// Store::exchange_queue_shares.
Result<std::vector<QueueShareAnswer>> exchange_queue_shares(Session& session, const NodeId& node,
                                                            const std::vector<QueueShareAsk>& asks);
/// Store::list_queue_shares.
Result<std::vector<QueueShareRow>> list_queue_shares(Session& session, const NodeId& node);
/// Part of the upkeep: rows that nobody uses any more.
void forget_queue_shares(Transaction& transaction);

}  // namespace orchestrator::store::postgres
