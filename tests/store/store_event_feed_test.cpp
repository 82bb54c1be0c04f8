// What event streams follow: batches noted while somebody listens, in an order that a place in it survives.
#include <thread>

#include "orchestrator/store/event_feed.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

class StoreEventFeed : public StoreConformance {
 protected:
  /// Opens the feed, and waits until every committer has noticed.
  std::string open_feed() {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < give_up) {
      const auto place = keep_open();
      if (place.is_ready) return place.place;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "the feed did not open";
    return {};
  }

  FeedPlace keep_open() {
    return *ask<FeedPlace>([&](auto done) { store().keep_feed_open(std::chrono::seconds(600), done); });
  }

  Result<FeedPage> read(FeedRead question) {
    return ask<FeedPage>([&](auto done) { store().read_feed(question, done); });
  }

  /// Commits a run's first journal row.
  FeedEntry begin_run(const ShardLease& lease) {
    const OpenRunRow run = an_open_run(to_int(lease.shard));
    Batch batch = a_batch({lease});
    batch.opened = {run};
    batch.journal = {a_journal_row(run.header.id, 1, "[1]")};
    EXPECT_TRUE(commit(batch));
    return {.run_id = run.header.id, .seq = 1};
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, StoreEventFeed, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

TEST_P(StoreEventFeed, NotesNothingWhileNobodyListens) {
  const ShardLease lease = own(3);
  begin_run(lease);

  const std::string place = open_feed();

  EXPECT_TRUE(read({.after = place})->batches.empty());
}

TEST_P(StoreEventFeed, TellsWhatWasCommittedBehindAPlaceOnce) {
  const ShardLease lease = own(3);
  const std::string place = open_feed();

  const FeedEntry first = begin_run(lease);
  const auto page = read({.after = place});
  const FeedEntry second = begin_run(lease);
  const auto next = read({.after = page->until});

  ASSERT_EQ(page->batches.size(), 1U);
  EXPECT_EQ(page->batches[0].entries, std::vector{first});
  EXPECT_FALSE(page->has_more);
  ASSERT_EQ(next->batches.size(), 1U);
  EXPECT_EQ(next->batches[0].entries, std::vector{second});
}

TEST_P(StoreEventFeed, TheSamePlacesGiveTheSamePage) {
  const ShardLease lease = own(3);
  const std::string place = open_feed();
  const FeedEntry first = begin_run(lease);
  const std::string until = read({.after = place})->until;
  begin_run(lease);

  const auto again = read({.after = place, .until = until});

  ASSERT_EQ(again->batches.size(), 1U);
  EXPECT_EQ(again->batches[0].entries, std::vector{first});
  EXPECT_EQ(again->until, until);
}

TEST_P(StoreEventFeed, IsReadInPages) {
  const ShardLease lease = own(3);
  const std::string place = open_feed();
  std::vector<FeedEntry> committed;
  for (int i = 0; i < 3; ++i) committed.push_back(begin_run(lease));

  const auto first = read({.after = place, .limit = 2});
  const auto rest =
      read({.after = place, .until = first->until, .from_batch = first->batches.back().number + 1, .limit = 2});

  EXPECT_TRUE(first->has_more);
  ASSERT_EQ(rest->batches.size(), 1U);
  EXPECT_FALSE(rest->has_more);
  EXPECT_EQ(rest->batches[0].entries, std::vector{committed[2]});
}

TEST_P(StoreEventFeed, ABatchThatLostItsShardIsNotNoted) {
  ShardLease stale = own(3);
  const std::string place = open_feed();
  stale.epoch = Epoch{to_int(stale.epoch) - 1};

  Batch batch = a_batch({stale});
  const OpenRunRow run = an_open_run(3);
  batch.opened = {run};
  batch.journal = {a_journal_row(run.header.id, 1, "[1]")};
  const auto answer = commit(batch);

  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->lost, std::vector{stale.shard});
  EXPECT_TRUE(read({.after = place})->batches.empty());
}

TEST_P(StoreEventFeed, JobsAreNotedWhenTheyBeginAndEnd) {
  const ShardLease lease = own(3);
  const std::string place = open_feed();
  OpenRunRow job = an_open_run(3);
  job.header.kind = RunKind::job;
  Batch opening = a_batch({lease});
  opening.opened = {job};
  Batch closing = a_batch({lease});
  closing.closed = {a_closed_run(job)};

  ASSERT_TRUE(commit(opening));
  ASSERT_TRUE(commit(closing));

  const auto page = read({.after = place});
  ASSERT_EQ(page->batches.size(), 2U);
  EXPECT_EQ(page->batches[0].entries, (std::vector<FeedEntry>{{job.header.id, 1}}));
  EXPECT_EQ(page->batches[1].entries, (std::vector<FeedEntry>{{job.header.id, 0}}));
}

TEST_P(StoreEventFeed, APlaceThatIsNoneIsRefused) {
  open_feed();

  const auto answer = read({.after = "nonsense"});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
}

TEST_P(StoreEventFeed, APlaceFromBeforeItWasOpenedIsAGap) {
  open_feed();

  const auto answer = read({.after = GetParam() == BackendKind::memory ? "0" : "3:3:"});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().slug, kFeedGap);
}

}  // namespace
}  // namespace orchestrator::store
