#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/base/ids.hpp"

/// The feed: what each committed batch wrote of histories, in an order over all runs that stays the same. Batches are
/// noted while somebody keeps the feed open, and kept for a quarter of an hour. docs/decisions/0025.
namespace orchestrator::store {

/// One journal row of a workflow's run; of a job, its beginning (seq 1) or its end (seq 0).
struct FeedEntry {
  RunId run_id;
  EventId seq = 0;
  bool operator==(const FeedEntry&) const = default;
};

struct FeedBatch {
  std::uint64_t number = 0;  ///< ascending within a page
  std::vector<FeedEntry> entries;
};

/// Answer of keep_feed_open.
struct FeedPlace {
  std::string place;      ///< what was committed before it is behind it; opaque
  bool is_ready = false;  ///< false: not every committer has noticed yet, ask again
};

/// What lies behind `after` and not behind `until`.
struct FeedRead {
  std::string after;
  std::string until;             ///< empty: everything that is committed now
  std::uint64_t from_batch = 0;  ///< batches with lower numbers are left out
  std::int32_t limit = 500;      ///< batches
};

struct FeedPage {
  std::string until;  ///< the place to go on from once all pages were read
  std::vector<FeedBatch> batches;
  bool has_more = false;  ///< read again with this `until` and the number after the last batch's
};

/// Slug of the error when a place is older than what is kept: precondition_failed.
inline constexpr const char* kFeedGap = "feed-gap";

}  // namespace orchestrator::store
