#include "orchestrator/store/operations.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using std::chrono::milliseconds;

using StoreOperations = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreOperations, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

constexpr milliseconds kLong{60'000};
/// Over as soon as it is written: a lease of the past.
constexpr milliseconds kOver{-1'000};

OperationId id_of(int number) {
  return OperationId{make_uuid7(noon() + milliseconds{number}, ShardId{0}, static_cast<std::uint64_t>(number))};
}
OperationHolder holder_of(int number) {
  return OperationHolder{make_uuid7(noon(), ShardId{0}, 1'000U + static_cast<std::uint64_t>(number))};
}

NewOperation an_operation(int number, std::size_t runs = 3) {
  NewOperation operation;
  operation.operation_id = id_of(number);
  operation.namespace_name = "default";
  operation.action = OperationAction::retry;
  operation.arguments = R"({"from_state":"Pay"})";
  operation.filter = R"({"state":"failed"})";
  operation.reason = "the provider is back";
  operation.actor = "ann";
  operation.rate_per_second = 7;
  for (std::size_t i = 0; i < runs; ++i) operation.runs.push_back(next_run_id(1));
  return operation;
}

Result<OperationView> create(Store& store, const NewOperation& operation) {
  return ask<OperationView>([&](auto done) { store.operations().create(operation, done); });
}
Result<OperationView> find(Store& store, OperationId id, const std::string& namespace_name = "default") {
  return ask<OperationView>([&](auto done) { store.operations().find(namespace_name, id, done); });
}
std::optional<LeasedOperation> take(Store& store, OperationHolder holder, milliseconds lease = kLong) {
  return *ask<std::optional<LeasedOperation>>([&](auto done) { store.operations().take(holder, lease, done); });
}
Result<bool> advance(Store& store, OperationId id, OperationHolder holder, std::int32_t next, std::int32_t done_items,
                     std::int32_t failed = 0, milliseconds lease = kLong) {
  const OperationProgress progress{id, holder, next, done_items, failed, failed == 0 ? "[]" : R"([{"code":"x"}])"};
  return ask<bool>([&](auto done) { store.operations().advance(progress, lease, done); });
}
Result<OperationView> stop(Store& store, OperationId id) {
  return ask<OperationView>([&](auto done) { store.operations().stop("default", id, "ben", std::nullopt, done); });
}

TEST_P(StoreOperations, AreReadAsTheyWereAskedFor) {
  const NewOperation operation = an_operation(1);

  const auto created = create(store(), operation);

  ASSERT_TRUE(created) << created.error().message;
  const auto read = find(store(), operation.operation_id);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->action, OperationAction::retry);
  EXPECT_EQ(read->arguments, operation.arguments);
  EXPECT_EQ(read->filter, operation.filter);
  EXPECT_EQ(read->reason, operation.reason);
  EXPECT_EQ(read->actor, "ann");
  EXPECT_EQ(read->rate_per_second, 7);
  EXPECT_EQ(read->state, OperationState::running);
  EXPECT_EQ(read->matched, 3);
  EXPECT_FALSE(read->ended_at);
  EXPECT_EQ(find(store(), operation.operation_id, "other").error().code, ErrorCode::not_found);
}

TEST_P(StoreOperations, TheSameIdIsCreatedOnce) {
  ASSERT_TRUE(create(store(), an_operation(1, 3)));

  const auto again = create(store(), an_operation(1, 5));

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->matched, 3);
}

TEST_P(StoreOperations, WithoutRunsIsDoneAtOnce) {
  const auto created = create(store(), an_operation(1, 0));

  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created->state, OperationState::done);
  EXPECT_TRUE(created->ended_at);
  EXPECT_FALSE(take(store(), holder_of(1)));
}

TEST_P(StoreOperations, BelongToOneHolderUntilItsLeaseIsOver) {
  const NewOperation operation = an_operation(1);
  ASSERT_TRUE(create(store(), operation));

  const auto taken = take(store(), holder_of(1));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->runs, operation.runs);
  EXPECT_FALSE(take(store(), holder_of(2)));
  EXPECT_EQ(*advance(store(), operation.operation_id, holder_of(1), 1, 1, 0, kOver), true);
  const auto taken_over = take(store(), holder_of(2));

  ASSERT_TRUE(taken_over);
  EXPECT_EQ(taken_over->next_item, 1);
  EXPECT_EQ(taken_over->view.done, 1);
  EXPECT_EQ(taken_over->runs, std::vector<RunId>(operation.runs.begin() + 1, operation.runs.end()));
  EXPECT_EQ(*advance(store(), operation.operation_id, holder_of(1), 3, 3), false);
  EXPECT_EQ(find(store(), operation.operation_id)->done, 1);
}

TEST_P(StoreOperations, AreDoneWithTheLastItem) {
  const NewOperation operation = an_operation(1);
  ASSERT_TRUE(create(store(), operation));
  ASSERT_TRUE(take(store(), holder_of(1)));

  EXPECT_EQ(*advance(store(), operation.operation_id, holder_of(1), 3, 2, 1), true);

  const auto read = find(store(), operation.operation_id);
  EXPECT_EQ(read->state, OperationState::done);
  EXPECT_EQ(read->done, 2);
  EXPECT_EQ(read->failed, 1);
  EXPECT_EQ(read->failures, R"([{"code":"x"}])");
  EXPECT_TRUE(read->ended_at);
  EXPECT_EQ(stop(store(), operation.operation_id).error().slug, "wrong-state");
}

TEST_P(StoreOperations, AStopIsKnownToTheHolderAtItsNextProgress) {
  const NewOperation operation = an_operation(1);
  ASSERT_TRUE(create(store(), operation));
  ASSERT_TRUE(take(store(), holder_of(1)));

  const auto stopped = stop(store(), operation.operation_id);

  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_EQ(stopped->state, OperationState::stopped);
  EXPECT_EQ(stopped->ended_by, "ben");
  EXPECT_EQ(*advance(store(), operation.operation_id, holder_of(1), 1, 1), false);
  EXPECT_TRUE(stop(store(), operation.operation_id));
  EXPECT_EQ(stop(store(), id_of(9)).error().code, ErrorCode::not_found);
}

TEST_P(StoreOperations, WhatWasInHandAtAStopIsCountedOnceAndByItsHolderOnly) {
  const NewOperation operation = an_operation(1);
  ASSERT_TRUE(create(store(), operation));
  ASSERT_TRUE(take(store(), holder_of(1)));
  const auto stopped = stop(store(), operation.operation_id);
  ASSERT_TRUE(stopped) << stopped.error().message;

  EXPECT_EQ(*advance(store(), operation.operation_id, holder_of(2), 2, 2), false);
  EXPECT_EQ(*advance(store(), operation.operation_id, holder_of(1), 2, 1, 1), false);
  EXPECT_EQ(*advance(store(), operation.operation_id, holder_of(1), 2, 2), false);

  const auto counted = find(store(), operation.operation_id);
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_EQ(counted->state, OperationState::stopped);
  EXPECT_EQ(counted->done, 1);
  EXPECT_EQ(counted->failed, 1);
  EXPECT_EQ(counted->ended_at, stopped->ended_at);
  EXPECT_FALSE(take(store(), holder_of(2)));
}

TEST_P(StoreOperations, ThatAreLetGoAreTakenAtOnce) {
  const NewOperation operation = an_operation(1);
  ASSERT_TRUE(create(store(), operation));
  ASSERT_TRUE(take(store(), holder_of(1)));

  ASSERT_TRUE(ask<void>([&](auto done) { store().operations().let_go(holder_of(1), operation.operation_id, done); }));

  EXPECT_TRUE(take(store(), holder_of(2)));
}

TEST_P(StoreOperations, AreListedNewestFirst) {
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(create(store(), an_operation(i)));
  ASSERT_TRUE(stop(store(), id_of(2)));
  const auto list = [&](const OperationFilter& filter) {
    return *ask<OperationPage>([&](auto done) { store().operations().list(filter, done); });
  };

  const OperationPage first = list({.namespace_name = "default", .state = {}, .limit = 2, .cursor = {}});
  ASSERT_EQ(first.items.size(), 2U);
  EXPECT_EQ(first.items[0].operation_id, id_of(3));
  const OperationPage rest =
      list({.namespace_name = "default", .state = {}, .limit = 2, .cursor = first.next_cursor.value_or("")});
  ASSERT_EQ(rest.items.size(), 1U);
  EXPECT_EQ(rest.items[0].operation_id, id_of(1));
  EXPECT_FALSE(rest.next_cursor);
  EXPECT_EQ(
      list({.namespace_name = "default", .state = OperationState::stopped, .limit = 50, .cursor = {}}).items.size(),
      1U);
  EXPECT_TRUE(list({.namespace_name = "other", .state = {}, .limit = 50, .cursor = {}}).items.empty());
}

TEST_P(StoreOperations, AreNoMoreAtOnceThanTheLimit) {
  for (int i = 1; i <= kMaxRunningOperations; ++i) ASSERT_TRUE(create(store(), an_operation(i, 1)));

  EXPECT_EQ(create(store(), an_operation(500, 1)).error().code, ErrorCode::resource_exhausted);

  EXPECT_TRUE(create(store(), an_operation(1, 1)));
  ASSERT_TRUE(stop(store(), id_of(1)));
  EXPECT_TRUE(create(store(), an_operation(500, 1)));
}

}  // namespace
}  // namespace orchestrator::store
