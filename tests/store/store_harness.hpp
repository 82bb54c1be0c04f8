#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/store/memory/memory_store.hpp"
#include "orchestrator/store/store.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::store {

/// Calls a Store method and waits for its answer: `ask<Recovery>([&](auto done) { store.recover(lease, t, done); })`.
template <typename T>
Result<T> ask(const std::function<void(Done<T>)>& call) {
  std::promise<Result<T>> answer;
  auto future = answer.get_future();
  call([&answer](Result<T> result) { answer.set_value(std::move(result)); });
  if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    ADD_FAILURE() << "the store did not answer";
    std::abort();  // The promise on this stack may still be written to.
  }
  return future.get();
}

/// A store under test and the database behind it, which survives the stores of several nodes.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Another node's store on the same database.
  virtual std::unique_ptr<Store> open() = 0;
};

enum class BackendKind { memory, postgres };
std::unique_ptr<Backend> make_backend(BackendKind kind);

/// Runs every test over each store: whatever one promises, the other keeps.
class StoreConformance : public testing::TestWithParam<BackendKind> {
 protected:
  StoreConformance() : backend_(make_backend(GetParam())), store_(backend_->open()) {}

  Store& store() { return *store_; }
  std::unique_ptr<Store> open_another() { return backend_->open(); }

  /// Takes shards for a node whose lease runs for a minute.
  std::vector<ShardLease> own(Store& store, const std::string& node, const std::vector<std::int32_t>& shards);
  /// Takes one shard of the first store for node "a".
  ShardLease own(std::int32_t shard) { return own(store(), "a", {shard}).at(0); }

  Result<CommitAnswer> commit(const Batch& batch) { return commit(store(), batch); }
  static Result<CommitAnswer> commit(Store& store, const Batch& batch);
  Result<DataError> find_data_error(const Batch& batch);
  Result<LoadAnswer> load(const LoadRequest& request);
  /// One open run with what rebuilds it; nothing when there is none.
  std::optional<LoadedRun> load_run(RunId id);

 private:
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Store> store_;
};

std::string backend_name(const testing::TestParamInfo<BackendKind>& info);

// ---- rows ----

/// A moment that all rows share, today.
Timestamp noon();

/// Ids of a shard, each greater than the one before, one millisecond apart.
RunId next_run_id(std::int32_t shard);
SignalId next_signal_id(std::int32_t shard);
MessageId next_message_id(std::int32_t shard);
BatchId next_batch_id();

Batch a_batch(const std::vector<ShardLease>& leases);
OpenRunRow an_open_run(std::int32_t shard);
ClosedRunRow a_closed_run(const OpenRunRow& open);
JournalRow a_journal_row(const RunId& run, EventId seq, std::string events = "[]");
SignalRow a_signal(std::int32_t shard, const std::string& key, const std::string& id);
SignalWaitRow a_wait(std::int32_t shard, const std::string& key, const RunId& run, EventId step);
InboxRow a_message(std::int32_t shard);

}  // namespace orchestrator::store
