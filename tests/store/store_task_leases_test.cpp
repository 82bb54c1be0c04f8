#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

class StoreTaskLeases : public StoreConformance {
 protected:
  static TaskLeaseRow a_lease(const RunId& run_id, EventId step) {
    TaskLeaseRow row;
    row.shard = shard_of(run_id);
    row.run_id = run_id;
    row.step = step;
    row.attempt = 2;
    row.worker = "w-1";
    row.hand_out = 0xFEDC'BA98'7654'3210;
    row.length = std::chrono::seconds{30};
    row.begun_at = noon();
    row.expires_at = noon() + std::chrono::seconds{30};
    return row;
  }
  Result<CommitAnswer> write(const ShardLease& lease, std::vector<TaskLeaseRow> rows) {
    Batch batch = a_batch({lease});
    batch.task_leases = std::move(rows);
    return commit(batch);
  }
  std::vector<TaskLeaseRow> leases_of(const ShardLease& lease) {
    auto recovery = ask<Recovery>([&](auto done) { store().recover(lease, noon(), done); });
    EXPECT_TRUE(recovery) << recovery.error().message;
    return recovery ? recovery->task_leases : std::vector<TaskLeaseRow>{};
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, StoreTaskLeases, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

TEST_P(StoreTaskLeases, ALeaseIsRecoveredAsItWasWritten) {
  const ShardLease lease = own(3);
  TaskLeaseRow row = a_lease(next_run_id(3), 7);
  row.inquiry = true;
  row.heartbeat_details = make_payload({{"page", 7}, {"text", "\x01"}});

  ASSERT_TRUE(write(lease, {row}));

  const auto leases = leases_of(lease);
  ASSERT_EQ(leases.size(), 1U);
  const TaskLeaseRow& read = leases.front();
  EXPECT_EQ(read.shard, ShardId{3});
  EXPECT_EQ(read.run_id, row.run_id);
  EXPECT_EQ(read.step, 7);
  EXPECT_EQ(read.attempt, 2);
  EXPECT_TRUE(read.inquiry);
  EXPECT_EQ(read.worker, "w-1");
  EXPECT_EQ(read.hand_out, row.hand_out);
  EXPECT_EQ(read.length, row.length);
  EXPECT_EQ(read.begun_at, row.begun_at);
  EXPECT_EQ(read.expires_at, row.expires_at);
  EXPECT_EQ(json_of(read.heartbeat_details), json_of(row.heartbeat_details));
}

TEST_P(StoreTaskLeases, ALeaseIsRenewedAndOverInTheEnd) {
  const ShardLease lease = own(3);
  TaskLeaseRow row = a_lease(next_run_id(3), 7);
  ASSERT_TRUE(write(lease, {row}));

  row.expires_at += std::chrono::seconds{10};
  ASSERT_TRUE(write(lease, {row}));
  EXPECT_EQ(leases_of(lease).at(0).expires_at, row.expires_at);
  row.is_over = true;
  ASSERT_TRUE(write(lease, {row}));

  EXPECT_TRUE(leases_of(lease).empty());
}

TEST_P(StoreTaskLeases, TheLastOfSeveralRowsForOneStepCounts) {
  const ShardLease lease = own(3);
  const TaskLeaseRow row = a_lease(next_run_id(3), 7);
  TaskLeaseRow over = row;
  over.is_over = true;
  const TaskLeaseRow other = a_lease(next_run_id(3), 7);
  TaskLeaseRow other_over = other;
  other_over.is_over = true;

  ASSERT_TRUE(write(lease, {row, over, other_over, other}));

  const auto leases = leases_of(lease);
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_EQ(leases.front().run_id, other.run_id);
}

TEST_P(StoreTaskLeases, DetailsWaitWithoutAWorker) {
  const ShardLease lease = own(3);
  TaskLeaseRow row = a_lease(next_run_id(3), 7);
  row.worker.clear();
  row.heartbeat_details = make_payload("half");

  ASSERT_TRUE(write(lease, {row}));

  const auto leases = leases_of(lease);
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_TRUE(leases.front().worker.empty());
  EXPECT_EQ(json_of(leases.front().heartbeat_details), "half");
}

TEST_P(StoreTaskLeases, ALostFenceWritesNoLease) {
  const ShardLease kept = own(3);
  const ShardLease lost = own(4);
  const auto another = open_another();
  const ShardLease taken = own(*another, "a", {4}).at(0);
  Batch batch = a_batch({kept, lost});
  batch.task_leases = {a_lease(next_run_id(3), 7), a_lease(next_run_id(4), 7)};

  const auto answer = commit(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->lost, std::vector<ShardId>{ShardId{4}});
  EXPECT_EQ(leases_of(kept).size(), 1U);
  EXPECT_TRUE(leases_of(taken).empty());
}

TEST_P(StoreTaskLeases, AnotherShardsLeasesAreNotRecovered) {
  const ShardLease lease = own(3);
  const ShardLease other = own(4);

  ASSERT_TRUE(write(lease, {a_lease(next_run_id(3), 7)}));

  EXPECT_TRUE(leases_of(other).empty());
}

}  // namespace
}  // namespace orchestrator::store
