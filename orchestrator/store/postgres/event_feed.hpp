#pragma once

#include <chrono>

#include "orchestrator/store/event_feed.hpp"
#include "orchestrator/store/postgres/session.hpp"

namespace orchestrator::store::postgres {

/// Store::keep_feed_open.
Result<FeedPlace> keep_feed_open(Session& session, std::chrono::seconds length);
/// Store::read_feed.
Result<FeedPage> read_feed(Session& session, const FeedRead& read);
/// Forgets what nobody can ask for any more; those who keep the feed open do that, too.
void prune_event_feed(Transaction& transaction);

}  // namespace orchestrator::store::postgres
