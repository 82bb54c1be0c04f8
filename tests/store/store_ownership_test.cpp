#include <thread>

#include "orchestrator/handler/sql.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using ShardOwnership = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, ShardOwnership, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

using Leases = std::vector<ShardLease>;

Result<HeartbeatAnswer> beat(Store& store, const std::string& node, std::chrono::milliseconds lease) {
  const NodeRow row{.id = NodeId{node}, .url = "http://" + node, .roles = "api"};
  return ask<HeartbeatAnswer>([&](auto done) { store.heartbeat(row, lease, done); });
}

Result<Leases> take(Store& store, const std::string& node, const std::vector<ShardId>& shards) {
  return ask<Leases>([&](auto done) { store.take_over(NodeId{node}, shards, done); });
}

TEST_P(ShardOwnership, TheFirstHeartbeatRegistersTheNode) {
  const auto answer = beat(store(), "a", std::chrono::seconds(10));

  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->nodes.size(), 1U);
  EXPECT_EQ(answer->nodes[0].id.value, "a");
  EXPECT_EQ(answer->nodes[0].url, "http://a");
  EXPECT_EQ(answer->nodes[0].roles, "api");
  EXPECT_GT(answer->nodes[0].lease_until, answer->database_now + std::chrono::seconds(8));
  EXPECT_EQ(answer->shards.size(), static_cast<std::size_t>(test::kTestShards));
  EXPECT_FALSE(answer->shards[0].node);
  EXPECT_TRUE(answer->gone.empty());
}

TEST_P(ShardOwnership, FreeShardsAreTakenWithANewEpoch) {
  ASSERT_TRUE(beat(store(), "a", std::chrono::minutes(1)));

  const auto taken = take(store(), "a", {ShardId{1}, ShardId{5}});

  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_EQ(taken->size(), 2U);
  EXPECT_EQ((*taken)[0].epoch, Epoch{1});
  const auto answer = beat(store(), "a", std::chrono::minutes(1));
  EXPECT_EQ(answer->shards.at(5).node, NodeId{"a"});
  EXPECT_EQ(answer->shards.at(5).epoch, Epoch{1});
  EXPECT_FALSE(answer->shards.at(2).node);
}

TEST_P(ShardOwnership, ALiveNodeKeepsItsShards) {
  const auto other = open_another();
  own(store(), "a", {1});
  ASSERT_TRUE(beat(*other, "b", std::chrono::minutes(1)));

  const auto taken = take(*other, "b", {ShardId{1}, ShardId{2}});

  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_EQ((*taken)[0].shard, ShardId{2});
}

TEST_P(ShardOwnership, AnOverLeaseLosesItsShards) {
  const auto other = open_another();
  own(store(), "a", {1});
  ASSERT_TRUE(beat(store(), "a", std::chrono::milliseconds(-1)));
  ASSERT_TRUE(beat(*other, "b", std::chrono::minutes(1)));

  const auto taken = take(*other, "b", {ShardId{1}});

  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_EQ((*taken)[0].epoch, Epoch{2});
}

TEST_P(ShardOwnership, AWorkerThatBecameSomethingElseLosesItsShards) {
  const auto other = open_another();
  own(store(), "a", {1});
  ASSERT_TRUE(beat(store(), "a", std::chrono::minutes(1)));
  ASSERT_TRUE(beat(*other, "b", std::chrono::minutes(1)));

  const auto taken = take(*other, "b", {ShardId{1}});

  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_EQ((*taken)[0].epoch, Epoch{2});
}

TEST_P(ShardOwnership, ADeadProcessLosesItsShardsBeforeItsLeaseEnds) {
  auto dead = open_another();
  own(*dead, "b", {1});
  ASSERT_TRUE(beat(store(), "a", std::chrono::minutes(1)));
  EXPECT_TRUE(beat(store(), "a", std::chrono::minutes(1))->gone.empty());

  dead.reset();

  // A server needs a moment to see that a client is gone.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::vector<NodeId> gone;
  while (gone.empty() && std::chrono::steady_clock::now() < deadline) {
    gone = beat(store(), "a", std::chrono::minutes(1))->gone;
  }
  EXPECT_EQ(gone, std::vector{NodeId{"b"}});
  const auto taken = take(store(), "a", {ShardId{1}});
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->size(), 1U);
}

TEST_P(ShardOwnership, AProcessWithTheSameNodeIdTakesItsShardsAtOnce) {
  own(store(), "a", {1});
  const auto restarted = open_another();

  const auto taken = take(*restarted, "a", {ShardId{1}});

  ASSERT_TRUE(taken) << taken.error().message;
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_EQ((*taken)[0].epoch, Epoch{2});
}

TEST_P(ShardOwnership, HandedOverShardsAreFreeAtOnce) {
  const auto other = open_another();
  const Leases held = own(store(), "a", {1, 2});
  ASSERT_TRUE(beat(*other, "b", std::chrono::minutes(1)));
  ShardLease stale = held[1];
  stale.epoch = Epoch{0};

  const auto given = ask<void>([&](auto done) { store().hand_over(NodeId{"a"}, {held[0], stale}, done); });

  ASSERT_TRUE(given);
  const auto taken = take(*other, "b", {ShardId{1}, ShardId{2}});
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_EQ((*taken)[0].shard, held[0].shard);
}

TEST_P(ShardOwnership, LeavingFreesEverything) {
  own(store(), "a", {1, 2});

  ASSERT_TRUE(ask<void>([&](auto done) { store().leave(NodeId{"a"}, done); }));

  const auto other = open_another();
  const auto answer = beat(*other, "b", std::chrono::minutes(1));
  EXPECT_EQ(answer->nodes.size(), 1U);
  for (const ShardOwnerRow& owner : answer->shards) EXPECT_FALSE(owner.node);
}

TEST_P(ShardOwnership, AConcurrentTakeOverNeverLetsAStaleBatchThrough) {
  const auto other = open_another();
  const RunId run = next_run_id(4);
  EventId written = 0;

  for (int round = 0; round < 20; ++round) {
    const ShardLease lease = own(store(), "a", {4}).at(0);
    Batch batch = a_batch({lease});
    batch.journal = {a_journal_row(run, written + 1, std::to_string(round))};
    Result<CommitAnswer> answer = fail(ErrorCode::internal, "not run");
    std::thread writer([&] { answer = commit(store(), batch); });
    // The same id from another process: it may take over at any moment.
    const auto taken = take(*other, "a", {ShardId{4}});
    writer.join();

    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(taken->size(), 1U);
    const bool committed = answer->lost.empty();
    const auto journal = ask<std::vector<JournalRow>>([&](auto done) { store().read_journal(run, 0, 1000, done); });
    ASSERT_EQ(journal->size(), static_cast<std::size_t>(written) + (committed ? 1 : 0));
    if (committed) ++written;
    const auto late = commit(store(), batch);
    ASSERT_TRUE(late);
    ASSERT_EQ(late->lost, std::vector{ShardId{4}});
  }
}

TEST_P(ShardOwnership, RecoveryLoadsWhatMovesWhatIsDueAndTheInbox) {
  const ShardLease lease = own(3);
  Batch batch = a_batch({lease, own(4)});
  OpenRunRow moving = an_open_run(3);
  OpenRunRow due = an_open_run(3);
  OpenRunRow later = an_open_run(3);
  OpenRunRow elsewhere = an_open_run(4);
  due.progress = {.state = RunState::waiting, .wake_at = noon(), .at_rest = true};
  later.progress = {.state = RunState::waiting, .wake_at = noon() + std::chrono::hours(2), .at_rest = true};
  batch.opened = {moving, due, later, elsewhere};
  batch.journal = {a_journal_row(moving.header.id, 1, "[1]"), a_journal_row(moving.header.id, 3, "[3]")};
  batch.checkpoints = {{.shard = ShardId{3}, .run_id = moving.header.id, .next_event_id = 3, .state = "{}"}};
  batch.outgoing = {{.from = ShardId{4}, .message = a_message(3)}, {.from = ShardId{3}, .message = a_message(4)}};
  ASSERT_TRUE(commit(batch));

  const auto recovery =
      ask<Recovery>([&](auto done) { store().recover(lease, noon() + std::chrono::minutes(1), done); });

  ASSERT_TRUE(recovery) << recovery.error().message;
  ASSERT_EQ(recovery->running.size(), 1U);
  EXPECT_EQ(recovery->running[0].row.header.id, moving.header.id);
  ASSERT_TRUE(recovery->running[0].checkpoint);
  ASSERT_EQ(recovery->running[0].journal.size(), 1U);
  EXPECT_EQ(recovery->running[0].journal[0].events, "[3]");
  ASSERT_EQ(recovery->due.size(), 1U);
  EXPECT_EQ(recovery->due[0].run_id, due.header.id);
  EXPECT_EQ(recovery->due[0].wake_at, noon());
  ASSERT_EQ(recovery->inbox.size(), 1U);
  EXPECT_EQ(recovery->inbox[0].body, R"({"a":1,"zero":"\u0000"})");
}

TEST_P(ShardOwnership, RecoveryUnderAnOldEpochIsRefused) {
  const ShardLease stale = own(3);
  own(3);

  const auto recovery = ask<Recovery>([&](auto done) { store().recover(stale, noon(), done); });

  ASSERT_FALSE(recovery);
  EXPECT_EQ(recovery.error().code, ErrorCode::ownership_lost);
}

TEST_P(ShardOwnership, ABatchProvesItselfByItsJournalOrItsMark) {
  const Leases leases = own(store(), "a", {1, 2});
  const RunId run = next_run_id(1);
  auto written = std::make_shared<Batch>(a_batch(leases));
  written->journal = {a_journal_row(run, 1)};
  written->opened = {an_open_run(2)};
  auto unwritten = std::make_shared<Batch>(a_batch(leases));
  unwritten->journal = {a_journal_row(run, 2)};
  ASSERT_TRUE(commit(*written));

  const auto yes = ask<bool>([&](auto done) { store().was_committed(written, done); });
  const auto no = ask<bool>([&](auto done) { store().was_committed(unwritten, done); });

  ASSERT_TRUE(yes) << yes.error().message;
  EXPECT_TRUE(*yes);
  ASSERT_TRUE(no) << no.error().message;
  EXPECT_FALSE(*no);
}

TEST_P(ShardOwnership, AnotherBatchWithTheSameEventIdsIsNoProof) {
  const ShardLease lease = own(1);
  const RunId run = next_run_id(1);
  Batch mine = a_batch({lease});
  mine.journal = {a_journal_row(run, 1, "[mine]")};
  Batch theirs = a_batch({lease});
  theirs.journal = {a_journal_row(run, 1, "[theirs]")};
  ASSERT_TRUE(commit(theirs));

  const auto answer = ask<bool>([&](auto done) { store().was_committed(std::make_shared<const Batch>(mine), done); });

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(*answer);
}

TEST_P(ShardOwnership, ABatchWrittenWithoutALostShardIsNeitherProvenNorDenied) {
  const ShardLease stale = own(1);
  const ShardLease held = own(2);
  own(1);
  auto batch = std::make_shared<Batch>(a_batch({stale, held}));
  batch->opened = {an_open_run(1), an_open_run(2)};
  ASSERT_TRUE(commit(*batch));

  const auto answer = ask<bool>([&](auto done) { store().was_committed(batch, done); });

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::ownership_lost);
}

TEST_P(ShardOwnership, AStepsBatchIsWrittenUnderTheFence) {
  const ShardLease lease = own(1);
  Batch batch = a_batch({lease});
  batch.journal = {a_journal_row(next_run_id(1), 1)};
  auto step = store().begin_step();
  ASSERT_TRUE(step) << step.error().message;

  const auto answer = (*step)->commit_with(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  const auto proof = ask<bool>([&](auto done) { store().was_committed(std::make_shared<const Batch>(batch), done); });
  EXPECT_TRUE(*proof);
}

TEST_P(ShardOwnership, AStepWhoseShardIsLostWritesNothing) {
  const ShardLease stale = own(1);
  own(1);
  Batch batch = a_batch({stale});
  batch.journal = {a_journal_row(next_run_id(1), 1)};
  auto step = store().begin_step();
  ASSERT_TRUE(step) << step.error().message;

  const auto answer = (*step)->commit_with(batch);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::ownership_lost);
  const auto proof = ask<bool>([&](auto done) { store().was_committed(std::make_shared<const Batch>(batch), done); });
  EXPECT_FALSE(*proof);
}

}  // namespace
}  // namespace orchestrator::store
