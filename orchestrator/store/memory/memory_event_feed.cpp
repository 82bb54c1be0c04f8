// The feed in memory: a place is the number of the next batch.
#include <charconv>

#include "orchestrator/store/memory/memory_database.hpp"

namespace orchestrator::store::memory {
namespace {

constexpr std::chrono::minutes kKept{15};

/// The number after the last batch.
std::uint64_t next_number(const Tables::Feed& feed) { return feed.first + feed.batches.size(); }

Result<std::uint64_t> number_of(const std::string& place) {
  std::uint64_t number = 0;
  const char* end = place.data() + place.size();
  const auto [stopped, error] = std::from_chars(place.data(), end, number);
  if (error != std::errc{} || stopped != end) return fail(ErrorCode::invalid_argument, "not a place in the feed");
  return number;
}

void prune(Tables::Feed& feed, Timestamp now) {
  while (!feed.batches.empty() && feed.batches.front().first < now - kKept) {
    feed.batches.pop_front();
    ++feed.first;
  }
}

}  // namespace

void note_batch(Tables& tables, const Batch& batch, Timestamp now) {
  if (tables.feed.open_until <= now) return;
  FeedBatch noted;
  for (const OpenRunRow& row : batch.opened) {
    if (row.header.kind == RunKind::job) noted.entries.push_back({.run_id = row.header.id, .seq = 1});
  }
  for (const JournalRow& row : batch.journal) noted.entries.push_back({.run_id = row.run_id, .seq = row.seq});
  for (const ClosedRunRow& row : batch.closed) {
    if (row.header.kind == RunKind::job) noted.entries.push_back({.run_id = row.header.id, .seq = 0});
  }
  if (noted.entries.empty()) return;
  noted.number = next_number(tables.feed);
  tables.feed.batches.emplace_back(now, std::move(noted));
}

FeedPlace keep_feed_open(Tables& tables, std::chrono::seconds length, Timestamp now) {
  Tables::Feed& feed = tables.feed;
  // What was written while nobody listened has no number: everything before is out of reach.
  if (feed.open_until <= now) {
    feed.first = next_number(feed) + 1;
    feed.batches.clear();
  }
  feed.open_until = std::max(feed.open_until, Timestamp{now + length});
  prune(feed, now);
  return {.place = std::to_string(next_number(feed)), .is_ready = true};
}

Result<FeedPage> read_feed(const Tables& tables, const FeedRead& read) {
  const Tables::Feed& feed = tables.feed;
  const auto after = number_of(read.after);
  if (!after) return after.error();
  Result<std::uint64_t> until = read.until.empty() ? next_number(feed) : number_of(read.until);
  if (!until) return until.error();
  if (*after < feed.first) {
    return fail(ErrorCode::precondition_failed, kFeedGap, "events since then are not kept any more");
  }
  FeedPage page;
  page.until = std::to_string(*until);
  for (const auto& [noted_at, batch] : feed.batches) {
    if (batch.number < std::max(*after, read.from_batch) || batch.number >= *until) continue;
    page.batches.push_back(batch);
    if (page.batches.size() == static_cast<std::size_t>(read.limit)) break;
  }
  page.has_more = page.batches.size() == static_cast<std::size_t>(read.limit);
  return page;
}

}  // namespace orchestrator::store::memory
