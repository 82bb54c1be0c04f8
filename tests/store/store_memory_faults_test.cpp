#include <deque>

#include "tests/store/store_harness.hpp"

/// Faults on command: what simulation builds on.
namespace orchestrator::store::memory {
namespace {

class MemoryFaults : public testing::Test {
 protected:
  MemoryFaults() {
    MemoryOptions options;
    options.post = [this](std::function<void()> work) { posted_.push_back(std::move(work)); };
    options.now = [] { return noon(); };
    options.faults = [this](std::string_view operation) { return operation == faulty_ ? fault_ : Fault::none; };
    store_ = std::make_unique<MemoryStore>(database_, options);
  }

  /// Runs everything that was posted, in the order given by `newest_first`.
  void run_all(bool newest_first = false) {
    while (!posted_.empty()) {
      auto work = std::move(newest_first ? posted_.back() : posted_.front());
      newest_first ? posted_.pop_back() : posted_.pop_front();
      work();
    }
  }

  Result<CommitAnswer> commit(const Batch& batch) {
    Result<CommitAnswer> answer = fail(ErrorCode::internal, "no answer");
    store_->commit(0, std::make_shared<const Batch>(batch), [&](Result<CommitAnswer> a) { answer = std::move(a); });
    run_all();
    return answer;
  }

  bool was_committed(const Batch& batch) {
    Result<bool> answer = fail(ErrorCode::internal, "no answer");
    store_->was_committed(std::make_shared<const Batch>(batch), [&](Result<bool> a) { answer = std::move(a); });
    run_all();
    return *answer;
  }

  Batch a_write() {
    Batch batch = a_batch({{.shard = ShardId{1}, .epoch = Epoch{0}}});
    batch.journal = {a_journal_row(next_run_id(1), 1)};
    return batch;
  }

  std::shared_ptr<MemoryDatabase> database_ = std::make_shared<MemoryDatabase>(4);
  std::deque<std::function<void()>> posted_;
  std::string faulty_ = "commit";
  Fault fault_ = Fault::none;
  std::unique_ptr<MemoryStore> store_;
};

TEST_F(MemoryFaults, UnavailableWritesNothingAndSaysSo) {
  fault_ = Fault::unavailable;
  const Batch batch = a_write();

  EXPECT_EQ(commit(batch).error().code, ErrorCode::unavailable);
  EXPECT_FALSE(was_committed(batch));
}

TEST_F(MemoryFaults, UnknownCanHaveBeenWritten) {
  fault_ = Fault::unknown_done;
  const Batch batch = a_write();

  EXPECT_EQ(commit(batch).error().code, ErrorCode::outcome_unknown);
  EXPECT_TRUE(was_committed(batch));
}

TEST_F(MemoryFaults, UnknownCanHaveBeenLost) {
  fault_ = Fault::unknown_undone;
  const Batch batch = a_write();

  EXPECT_EQ(commit(batch).error().code, ErrorCode::outcome_unknown);
  EXPECT_FALSE(was_committed(batch));
}

TEST_F(MemoryFaults, AReadIsNeverUnknown) {
  faulty_ = "check_ready";
  fault_ = Fault::unknown_done;
  Status answer;

  store_->check_ready([&](Status a) { answer = std::move(a); });
  run_all();

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

TEST_F(MemoryFaults, ALaneKeepsItsOrderWhateverTheExecutorDoes) {
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    store_->commit(0, std::make_shared<const Batch>(a_write()),
                   [&order, i](const Result<CommitAnswer>&) { order.push_back(i); });
  }

  run_all(true);

  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

TEST_F(MemoryFaults, ADeadNodesCommitsStayAndItsPendingOnesAreRefused) {
  const Batch kept = a_write();
  ASSERT_TRUE(commit(kept));
  Result<CommitAnswer> late = CommitAnswer{};
  const Batch pending = a_write();
  store_->commit(0, std::make_shared<const Batch>(pending), [&](Result<CommitAnswer> a) { late = std::move(a); });
  store_.reset();
  run_all();

  EXPECT_EQ(late.error().code, ErrorCode::unavailable);
  MemoryOptions options;
  options.post = [this](std::function<void()> work) { posted_.push_back(std::move(work)); };
  options.now = [] { return noon(); };
  store_ = std::make_unique<MemoryStore>(database_, options);
  EXPECT_TRUE(was_committed(kept));
  EXPECT_FALSE(was_committed(pending));
}

}  // namespace
}  // namespace orchestrator::store::memory
