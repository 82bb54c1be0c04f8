#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/core/history_items.hpp"
#include "orchestrator/model/run_header.hpp"
#include "orchestrator/runtime/definitions.hpp"
#include "orchestrator/service/feed_position.hpp"
#include "orchestrator/service/run_events.hpp"
#include "orchestrator/store/event_feed.hpp"
#include "orchestrator/store/store.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::service {

/// Runs whose histories are kept half replayed, so that their next events need no look at the first ones.
inline constexpr std::size_t kMaxKeptReplays = 64;

/// One run's history as far as it was replayed.
struct RunReplay {
  RunHeader header;
  std::unique_ptr<core::HistoryItems> items;
  EventId next_row = 1;
};

/// The replays at hand. Whoever works with one has it alone. Thread-safe.
class RunReplays {
 public:
  /// The run's replay when it is here and has not gone beyond `row`.
  std::unique_ptr<RunReplay> take(const RunId& run_id, EventId row);
  void put(std::unique_ptr<RunReplay> replay);

 private:
  telemetry::Mutex mutex_;
  std::map<RunId, std::unique_ptr<RunReplay>> kept_ ORC_GUARDED_BY(mutex_);
  std::deque<RunId> order_ ORC_GUARDED_BY(mutex_);  ///< oldest first
};

/// What turns pages of the feed into events. Outlives the work.
struct FeedParts {
  store::Store& store;
  runtime::Definitions& definitions;
  const core::Planner& planner;
  RunReplays& replays;
};

/// The events of one page in its order, those of other namespaces left out. Answers on a store thread; an error of the
/// store means: nothing was told, try the page again.
/// @param position where the page begins: what it says is behind is left out
void events_of(FeedParts parts, FeedPosition position, store::FeedPage page, std::set<std::string> namespaces,
               std::function<void(Result<std::vector<RunEventPtr>>)> done);

}  // namespace orchestrator::service
