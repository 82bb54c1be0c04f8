// What people need of failed runs: the end of their journal, and giving them up.
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreDeadLetters = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreDeadLetters, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

ClosedRunRow a_dead_letter(std::int32_t shard) {
  ClosedRunRow row = a_closed_run(an_open_run(shard));
  row.state = RunState::failed;
  row.error = "Provider.Down";
  row.dead_letter = DeadLetter::open;
  return row;
}

Status discard(Store& store, const ClosedRunRow& row, const std::string& namespace_name) {
  const DiscardRequest request{namespace_name, row.header.id, "the customer left", "ann"};
  return ask<void>([&](auto done) { store.discard_dead_letter(request, done); });
}

RunPage dead_letters(Store& store) {
  RunFilter filter{.namespace_name = "default"};
  filter.only_dead_letters = true;
  return *ask<RunPage>([&](auto done) { store.list_runs(filter, done); });
}

TEST_P(StoreDeadLetters, TrailsAreTheLastRowsOfEachRunInOrder) {
  const ClosedRunRow first = a_dead_letter(1);
  const ClosedRunRow second = a_dead_letter(2);
  Batch batch = a_batch(own(store(), "a", {1, 2}));
  batch.closed = {first, second};
  for (EventId seq = 1; seq <= 5; ++seq) batch.journal.push_back(a_journal_row(first.header.id, seq));
  batch.journal.push_back(a_journal_row(second.header.id, 1));
  ASSERT_TRUE(commit(batch));
  const std::vector<RunId> asked{second.header.id, next_run_id(3), first.header.id};

  const auto trails =
      ask<std::vector<DeadLetterTrail>>([&](auto done) { store().read_dead_letter_trails(asked, 3, done); });

  ASSERT_TRUE(trails) << trails.error().message;
  ASSERT_EQ(trails->size(), 3U);
  EXPECT_EQ(trails->at(0).journal.size(), 1U);
  EXPECT_TRUE(trails->at(1).journal.empty());
  ASSERT_EQ(trails->at(2).journal.size(), 3U);
  EXPECT_EQ(trails->at(2).journal.front().seq, 3);
  EXPECT_EQ(trails->at(2).journal.back().seq, 5);
  EXPECT_EQ(trails->at(2).journal.back().run_id, first.header.id);
}

TEST_P(StoreDeadLetters, ADiscardedOneStaysFailedAndLeavesTheList) {
  const ClosedRunRow row = a_dead_letter(1);
  Batch batch = a_batch({own(1)});
  batch.closed = {row};
  ASSERT_TRUE(commit(batch));
  ASSERT_EQ(dead_letters(store()).items.size(), 1U);
  EXPECT_EQ(discard(store(), row, "other").error().slug, "wrong-state");

  ASSERT_TRUE(discard(store(), row, "default"));

  EXPECT_TRUE(dead_letters(store()).items.empty());
  const auto view = ask<RunView>([&](auto done) { store().find_run(row.header.id, done); });
  EXPECT_EQ(view->state, RunState::failed);
  EXPECT_EQ(view->dead_letter, DeadLetter::discarded);
  const auto discarded = parse_json(view->discarded.value_or("nothing"));
  ASSERT_TRUE(discarded);
  EXPECT_EQ(discarded->at("reason"), "the customer left");
  EXPECT_EQ(discarded->at("actor"), "ann");
  EXPECT_TRUE(parse_rfc3339(discarded->at("at").get<std::string>()));
  const RunFilter all{.namespace_name = "default"};
  EXPECT_EQ(ask<RunPage>([&](auto done) { store().list_runs(all, done); })->items.at(0).discarded, view->discarded);
  EXPECT_EQ(discard(store(), row, "default").error().slug, "wrong-state");
}

TEST_P(StoreDeadLetters, OnlyADeadLetterCanBeDiscarded) {
  const OpenRunRow open = an_open_run(1);
  Batch batch = a_batch({own(1)});
  batch.opened = {open};
  ASSERT_TRUE(commit(batch));

  EXPECT_EQ(discard(store(), a_closed_run(open), "default").error().slug, "wrong-state");
  EXPECT_EQ(discard(store(), a_dead_letter(1), "default").error().slug, "wrong-state");
}

TEST_P(StoreDeadLetters, ARunThatGaveWayToTheHolderOfItsKeyNeverHadIt) {
  ClosedRunRow holder = a_closed_run(an_open_run(1));
  holder.header.key = "o-1";
  ClosedRunRow gave_way = a_closed_run(an_open_run(1));
  gave_way.header.key = "o-1";
  gave_way.header.workflow = holder.header.workflow;
  gave_way.state = RunState::cancelled;
  gave_way.error = "RunKeyConflict";
  gave_way.closed_at = holder.closed_at + std::chrono::seconds{1};
  Batch batch = a_batch({own(1)});
  batch.closed = {holder, gave_way};
  ASSERT_TRUE(commit(batch));

  LoadRequest request;
  request.run_keys.push_back({ShardId{1}, "default", holder.header.workflow, "o-1", true, std::nullopt});
  const auto answer = load(request);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->run_keys.at(0).closed, holder.header.id);
}

TEST_P(StoreDeadLetters, AnEditChangesTheRowOfAnOpenRunUnderTheFence) {
  const ShardLease lease = own(1);
  const OpenRunRow open = an_open_run(1);
  Batch batch = a_batch({lease});
  batch.opened = {open};
  ASSERT_TRUE(commit(batch));
  const auto edit = [&](ShardLease held, std::int32_t priority) {
    Batch editing = a_batch({held});
    editing.edited = {{held.shard, open.header.id, noon(), priority}};
    return commit(editing);
  };

  ASSERT_TRUE(edit(lease, 7));
  const auto stale = edit({lease.shard, Epoch{to_int(lease.epoch) + 1}}, 9);

  ASSERT_TRUE(stale);
  EXPECT_EQ(stale->lost, std::vector{lease.shard});
  const auto view = ask<RunView>([&](auto done) { store().find_run(open.header.id, done); });
  EXPECT_EQ(view->header.priority, 7);
  EXPECT_EQ(view->header.run_at, noon());
}

}  // namespace
}  // namespace orchestrator::store
