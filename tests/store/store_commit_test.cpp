#include "orchestrator/base/json.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreCommit = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreCommit, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

Batch opening(const ShardLease& lease, const OpenRunRow& run) {
  Batch batch = a_batch({lease});
  batch.opened = {run};
  batch.journal = {a_journal_row(run.header.id, 1, "[1]")};
  return batch;
}

TEST_P(StoreCommit, AnswersDatabaseTimeAndNoLostShard) {
  const ShardLease lease = own(3);

  const auto answer = commit(opening(lease, an_open_run(3)));

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->lost.empty());
  const auto distance = std::chrono::system_clock::now() - answer->database_now;
  EXPECT_LT(std::chrono::abs(distance), std::chrono::minutes(1));
}

TEST_P(StoreCommit, AnOpenedRunIsLoadedAsItWasWritten) {
  const ShardLease lease = own(3);
  OpenRunRow run = an_open_run(3);
  run.header.key = "order-7";
  run.header.priority = -5;
  run.header.parent_run_id = next_run_id(1);
  run.header.parent_step = 12;
  run.header.predecessor_run_id = next_run_id(2);
  run.header.traceparent = "00-abc-def-01";
  run.header.run_at = noon() + std::chrono::hours(1);
  run.header.timeout_seconds = 90;
  run.progress = {.state = RunState::waiting,
                  .wake_at = noon() + std::chrono::microseconds(123'456),
                  .waiting_on = R"([{"kind":"timer"}])",
                  .at_rest = true,
                  .attempts = 2,
                  .started_at = noon()};

  ASSERT_TRUE(commit(opening(lease, run)));

  const auto loaded = load_run(run.header.id);
  ASSERT_TRUE(loaded);
  const RunHeader& header = loaded->row.header;
  EXPECT_EQ(loaded->row.shard, ShardId{3});
  EXPECT_EQ(header.namespace_name, "default");
  EXPECT_EQ(header.workflow, "ship");
  EXPECT_EQ(header.version, 1);
  EXPECT_EQ(header.key, "order-7");
  EXPECT_EQ(header.priority, -5);
  EXPECT_EQ(json_of(header.input), json_of(run.header.input));
  EXPECT_EQ(json_of(header.attributes), json_of(run.header.attributes));
  EXPECT_EQ(header.parent_run_id, run.header.parent_run_id);
  EXPECT_EQ(header.parent_step, 12);
  EXPECT_EQ(header.predecessor_run_id, run.header.predecessor_run_id);
  EXPECT_EQ(header.traceparent, "00-abc-def-01");
  EXPECT_EQ(header.created_at, run.header.created_at);
  EXPECT_EQ(header.run_at, run.header.run_at);
  EXPECT_EQ(header.timeout_seconds, 90);
  EXPECT_EQ(loaded->row.progress.state, RunState::waiting);
  EXPECT_EQ(loaded->row.progress.wake_at, run.progress.wake_at);
  EXPECT_EQ(loaded->row.progress.waiting_on, R"([{"kind":"timer"}])");
  EXPECT_TRUE(loaded->row.progress.at_rest);
  EXPECT_EQ(loaded->row.progress.attempts, 2);
  EXPECT_EQ(loaded->row.progress.started_at, noon());
  ASSERT_EQ(loaded->journal.size(), 1U);
  EXPECT_EQ(loaded->journal[0].events, "[1]");
  EXPECT_EQ(loaded->journal[0].at, noon());
}

TEST_P(StoreCommit, ADataErrorIsFoundInTheOneRunThatHasIt) {
  const ShardLease lease = own(3);
  const OpenRunRow known = an_open_run(3);
  ASSERT_TRUE(commit(opening(lease, known)));
  Batch batch = a_batch({lease});
  for (int i = 0; i < 20; ++i) {
    const OpenRunRow fresh = an_open_run(3);
    batch.opened.push_back(fresh);
    batch.journal.push_back(a_journal_row(fresh.header.id, 1, "[1]"));
  }
  batch.journal.insert(batch.journal.begin() + 13, a_journal_row(known.header.id, 1, "[2]"));
  const auto refused = commit(batch);
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().code, ErrorCode::invalid_argument);

  const auto found = find_data_error(batch);

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->subject, Subject{known.header.id});
  EXPECT_EQ(found->sqlstate, "23505");
  EXPECT_FALSE(load_run(batch.opened.front().header.id)) << "looking for it writes nothing";
}

TEST_P(StoreCommit, ADataErrorThatNoSubjectHasAloneHasNoSubject) {
  const ShardLease lease = own(3);
  OpenRunRow first = an_open_run(3);
  OpenRunRow second = an_open_run(3);
  first.header.key = second.header.key = "the same";
  Batch batch = a_batch({lease});
  batch.opened = {first, second};
  batch.journal = {a_journal_row(first.header.id, 1, "[1]"), a_journal_row(second.header.id, 1, "[1]")};
  ASSERT_FALSE(commit(batch));

  const auto found = find_data_error(batch);

  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->subject, std::nullopt);
  EXPECT_EQ(found->sqlstate, "23505");
}

TEST_P(StoreCommit, NullPayloadsStayNull) {
  const ShardLease lease = own(0);
  OpenRunRow run = an_open_run(0);
  run.header.input = nullptr;
  run.header.attributes = nullptr;

  ASSERT_TRUE(commit(opening(lease, run)));

  const auto loaded = load_run(run.header.id);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->row.header.input, nullptr);
  EXPECT_EQ(loaded->row.header.attributes, nullptr);
}

TEST_P(StoreCommit, AnUpdateChangesProgressOnly) {
  const ShardLease lease = own(3);
  const OpenRunRow run = an_open_run(3);
  ASSERT_TRUE(commit(opening(lease, run)));
  Batch update = a_batch({lease});
  update.updated = {
      {.shard = ShardId{3},
       .run_id = run.header.id,
       .progress = {
           .state = RunState::paused, .wake_at = noon(), .waiting_on = "[2]", .at_rest = true, .attempts = 9}}};

  ASSERT_TRUE(commit(update));

  const auto loaded = load_run(run.header.id);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->row.progress.state, RunState::paused);
  EXPECT_EQ(loaded->row.progress.wake_at, noon());
  EXPECT_EQ(loaded->row.progress.attempts, 9);
  EXPECT_EQ(loaded->row.header.workflow, "ship");
}

TEST_P(StoreCommit, StaleEpochWritesNothing) {
  const ShardLease stale = own(3);
  const ShardLease current = own(3);
  ASSERT_GT(current.epoch, stale.epoch);
  const OpenRunRow run = an_open_run(3);
  Batch batch = opening(stale, run);
  batch.outgoing = {{.from = ShardId{3}, .message = a_message(5)}};

  const auto answer = commit(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->lost, std::vector{ShardId{3}});
  EXPECT_FALSE(load_run(run.header.id));
  const auto inbox = ask<InboxRead>([&](auto done) { store().read_inbox({ShardId{5}}, 10, done); });
  EXPECT_TRUE(inbox->rows.empty());
}

TEST_P(StoreCommit, LostShardsLeaveTheOthersCommitted) {
  const ShardLease stale = own(1);
  const ShardLease held = own(2);
  own(1);
  const OpenRunRow lost = an_open_run(1);
  const OpenRunRow kept = an_open_run(2);
  Batch batch = a_batch({stale, held});
  batch.opened = {lost, kept};
  batch.outgoing = {{.from = ShardId{1}, .message = a_message(5)}, {.from = ShardId{2}, .message = a_message(5)}};

  const auto answer = commit(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->lost, std::vector{ShardId{1}});
  EXPECT_FALSE(load_run(lost.header.id));
  EXPECT_TRUE(load_run(kept.header.id));
  const auto inbox = ask<InboxRead>([&](auto done) { store().read_inbox({ShardId{5}}, 10, done); });
  EXPECT_EQ(inbox->rows.size(), 1U);
}

TEST_P(StoreCommit, AShardThatDoesNotExistIsLost) {
  Batch batch = a_batch({{.shard = ShardId{4711}, .epoch = Epoch{1}}});
  batch.journal = {a_journal_row(next_run_id(4711), 1)};

  const auto answer = commit(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->lost, std::vector{ShardId{4711}});
}

TEST_P(StoreCommit, TwoOpenRunsCannotHoldOneKey) {
  const ShardLease lease = own(3);
  OpenRunRow first = an_open_run(3);
  OpenRunRow second = an_open_run(3);
  first.header.key = second.header.key = "order-7";
  ASSERT_TRUE(commit(opening(lease, first)));

  const auto answer = commit(opening(lease, second));

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(answer.error().message.find("23505"), std::string::npos) << answer.error().message;
  EXPECT_FALSE(load_run(second.header.id));
}

TEST_P(StoreCommit, AKeyIsFreeForOtherWorkflowsAndNamespaces) {
  const ShardLease lease = own(3);
  Batch batch = a_batch({lease});
  batch.opened = {an_open_run(3), an_open_run(3), an_open_run(3)};
  for (OpenRunRow& run : batch.opened) run.header.key = "order-7";
  batch.opened[1].header.workflow = "bill";
  batch.opened[2].header.namespace_name = "other";

  const auto answer = commit(batch);

  EXPECT_TRUE(answer) << answer.error().message;
}

TEST_P(StoreCommit, ARunCanTakeTheKeyOfTheOneThatEndsInTheSameBatch) {
  const ShardLease lease = own(3);
  OpenRunRow first = an_open_run(3);
  OpenRunRow second = an_open_run(3);
  first.header.key = second.header.key = "order-7";
  ASSERT_TRUE(commit(opening(lease, first)));
  Batch batch = opening(lease, second);
  ClosedRunRow ended = a_closed_run(first);
  ended.state = RunState::cancelled;
  batch.closed = {ended};

  const auto answer = commit(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(load_run(first.header.id));
  EXPECT_TRUE(load_run(second.header.id));
}

TEST_P(StoreCommit, AJournalRowIsNeverOverwritten) {
  const ShardLease lease = own(3);
  const OpenRunRow run = an_open_run(3);
  ASSERT_TRUE(commit(opening(lease, run)));
  Batch again = a_batch({lease});
  again.journal = {a_journal_row(run.header.id, 1, "[2]")};

  const auto answer = commit(again);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(load_run(run.header.id)->journal.at(0).events, "[1]");
}

TEST_P(StoreCommit, ADataErrorWritesNothingOfItsBatch) {
  const ShardLease lease = own(3);
  const OpenRunRow good = an_open_run(3);
  Batch batch = opening(lease, good);
  batch.journal.push_back(batch.journal.back());

  const auto answer = commit(batch);

  ASSERT_FALSE(answer);
  EXPECT_FALSE(load_run(good.header.id));
  const auto after = commit(opening(lease, good));
  EXPECT_TRUE(after) << after.error().message;
}

TEST_P(StoreCommit, LoadsOnlyTheJournalAfterTheCheckpoint) {
  const ShardLease lease = own(3);
  const OpenRunRow run = an_open_run(3);
  Batch batch = opening(lease, run);
  batch.journal.push_back(a_journal_row(run.header.id, 4, "[4]"));
  batch.journal.push_back(a_journal_row(run.header.id, 9, "[9]"));
  batch.checkpoints = {
      {.shard = ShardId{3}, .run_id = run.header.id, .next_event_id = 2, .state = "{}"},
      {.shard = ShardId{3}, .run_id = run.header.id, .next_event_id = 4, .state = R"({"z":"\u0000"})"}};

  ASSERT_TRUE(commit(batch));

  const auto loaded = load_run(run.header.id);
  ASSERT_TRUE(loaded && loaded->checkpoint);
  EXPECT_EQ(loaded->checkpoint->next_event_id, 4);
  EXPECT_EQ(loaded->checkpoint->state, R"({"z":"\u0000"})");
  ASSERT_EQ(loaded->journal.size(), 2U);
  EXPECT_EQ(loaded->journal[0].seq, 4);
  EXPECT_EQ(loaded->journal[1].seq, 9);
}

TEST_P(StoreCommit, ClosingMovesTheRun) {
  const ShardLease lease = own(3);
  const OpenRunRow run = an_open_run(3);
  ASSERT_TRUE(commit(opening(lease, run)));
  Batch closing = a_batch({lease});
  ClosedRunRow closed = a_closed_run(run);
  closed.state = RunState::failed;
  closed.error = "States.Timeout";
  closed.cause = "too slow";
  closed.dead_letter = DeadLetter::open;
  closed.successor_run_id = next_run_id(3);
  closing.closed = {closed};

  ASSERT_TRUE(commit(closing));

  EXPECT_FALSE(load_run(run.header.id));
  const auto answer = load({.closed_runs = {run.header.id, next_run_id(3)}});
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(answer->closed_runs.at(0));
  EXPECT_FALSE(answer->closed_runs.at(1));
  const ClosedRunRow& row = answer->closed_runs[0]->row;
  EXPECT_EQ(row.state, RunState::failed);
  EXPECT_EQ(json_of(row.output), json_of(closed.output));
  EXPECT_EQ(row.error, "States.Timeout");
  EXPECT_EQ(row.cause, "too slow");
  EXPECT_EQ(row.attempts, 1);
  EXPECT_EQ(row.closed_at, closed.closed_at);
  EXPECT_EQ(row.dead_letter, DeadLetter::open);
  EXPECT_EQ(row.successor_run_id, closed.successor_run_id);
  EXPECT_EQ(answer->closed_runs[0]->journal.size(), 1U);
}

TEST_P(StoreCommit, ARunCanOpenAndCloseWithoutAnOpenRow) {
  const ShardLease lease = own(3);
  Batch batch = a_batch({lease});
  batch.closed = {a_closed_run(an_open_run(3))};

  const auto answer = commit(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  const auto view = ask<RunView>([&](auto done) { store().find_run(batch.closed[0].header.id, done); });
  EXPECT_TRUE(view);
}

TEST_P(StoreCommit, ARunIsNotClosedTwice) {
  const ShardLease lease = own(3);
  Batch batch = a_batch({lease});
  batch.closed = {a_closed_run(an_open_run(3))};
  batch.closed[0].output = make_payload("first");
  ASSERT_TRUE(commit(batch));
  batch.id = next_batch_id();
  batch.closed[0].output = make_payload("second");

  const auto answer = commit(batch);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
  const auto view = ask<RunView>([&](auto done) { store().find_run(batch.closed[0].header.id, done); });
  ASSERT_TRUE(view);
  EXPECT_EQ(json_of(view->output), "first");
}

TEST_P(StoreCommit, ARevivedRunIsOpenAgainAndKeepsItsJournal) {
  const ShardLease lease = own(3);
  OpenRunRow run = an_open_run(3);
  run.header.key = "order-7";
  ASSERT_TRUE(commit(opening(lease, run)));
  Batch closing = a_batch({lease});
  closing.closed = {a_closed_run(run)};
  ASSERT_TRUE(commit(closing));
  Batch reviving = a_batch({lease});
  reviving.revived = {run.header.id};
  reviving.opened = {run};
  reviving.journal = {a_journal_row(run.header.id, 5, "[5]")};

  const auto answer = commit(reviving);

  ASSERT_TRUE(answer) << answer.error().message;
  const auto loaded = load_run(run.header.id);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->journal.size(), 2U);
  EXPECT_FALSE(load({.closed_runs = {run.header.id}})->closed_runs.at(0));
}

TEST_P(StoreCommit, ARunCanBeRevivedAndEndAgainInOneBatch) {
  const ShardLease lease = own(3);
  Batch closing = a_batch({lease});
  closing.closed = {a_closed_run(an_open_run(3))};
  closing.closed[0].state = RunState::failed;
  ASSERT_TRUE(commit(closing));
  Batch again = a_batch({lease});
  again.revived = {closing.closed[0].header.id};
  again.closed = closing.closed;
  again.closed[0].state = RunState::succeeded;
  again.closed[0].closed_at += std::chrono::days(1);

  const auto answer = commit(again);

  ASSERT_TRUE(answer) << answer.error().message;
  const auto loaded = load({.closed_runs = {again.revived[0]}});
  ASSERT_TRUE(loaded->closed_runs.at(0));
  EXPECT_EQ(loaded->closed_runs[0]->row.state, RunState::succeeded);
}

TEST_P(StoreCommit, RunKeysFindTheOpenAndTheNewestClosedRun) {
  const ShardLease lease = own(3);
  OpenRunRow older = an_open_run(3);
  OpenRunRow newer = an_open_run(3);
  OpenRunRow open = an_open_run(3);
  older.header.key = newer.header.key = open.header.key = "order-7";
  Batch batch = a_batch({lease});
  batch.closed = {a_closed_run(newer), a_closed_run(older)};
  batch.opened = {open};
  ASSERT_TRUE(commit(batch));
  const RunKeyQuery query{.shard = ShardId{3}, .namespace_name = "default", .workflow = "ship", .key = "order-7"};
  RunKeyQuery with_closed = query;
  with_closed.with_closed = true;
  RunKeyQuery unknown = with_closed;
  unknown.key = "order-8";

  const auto answer = load({.run_keys = {unknown, with_closed, query}});

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_FALSE(answer->run_keys.at(0).open);
  EXPECT_FALSE(answer->run_keys.at(0).closed);
  EXPECT_EQ(answer->run_keys.at(1).open, open.header.id);
  EXPECT_EQ(answer->run_keys.at(1).closed, newer.header.id);
  EXPECT_EQ(answer->run_keys.at(2).open, open.header.id);
  EXPECT_FALSE(answer->run_keys.at(2).closed);
}

TEST_P(StoreCommit, IdempotencyRowsAreUpserted) {
  const ShardLease lease = own(3);
  IdempotencyRow row{.shard = ShardId{3}, .namespace_name = "default", .scope = "POST /v1/runs", .key = "k-1"};
  row.body_hash = "abc";
  row.reserved_id = "r-1";
  row.created_at = noon();
  Batch batch = a_batch({lease});
  batch.idempotency = {row};
  ASSERT_TRUE(commit(batch));
  row.status = 201;
  row.answer = R"({"text":"\u0000"})";
  batch = a_batch({lease});
  batch.idempotency = {row};
  ASSERT_TRUE(commit(batch));
  const IdempotencyQuery query{
      .shard = ShardId{3}, .namespace_name = "default", .scope = "POST /v1/runs", .key = "k-1"};
  IdempotencyQuery unknown = query;
  unknown.scope = "POST /v1/jobs";

  const auto answer = load({.idempotency = {query, unknown}});

  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(answer->idempotency.at(0));
  EXPECT_EQ(answer->idempotency[0]->status, 201);
  EXPECT_EQ(answer->idempotency[0]->answer, R"({"text":"\u0000"})");
  EXPECT_EQ(answer->idempotency[0]->body_hash, "abc");
  EXPECT_EQ(answer->idempotency[0]->reserved_id, "r-1");
  EXPECT_EQ(answer->idempotency[0]->created_at, noon());
  EXPECT_FALSE(answer->idempotency.at(1));
}

TEST_P(StoreCommit, ManyRowsOfManyShardsAreOneBatch) {
  const std::vector<ShardLease> leases = own(store(), "a", {0, 1, 2, 3, 4, 5, 6, 7});
  Batch batch = a_batch(leases);
  for (int i = 0; i < 400; ++i) {
    batch.opened.push_back(an_open_run(i % 8));
    batch.journal.push_back(a_journal_row(batch.opened.back().header.id, 1));
  }
  ASSERT_TRUE(commit(batch));
  Batch closing = a_batch(leases);
  for (const OpenRunRow& run : batch.opened) closing.closed.push_back(a_closed_run(run));

  const auto answer = commit(closing);

  ASSERT_TRUE(answer) << answer.error().message;
  LoadRequest request;
  for (const OpenRunRow& run : batch.opened) {
    request.runs.push_back(run.header.id);
    request.closed_runs.push_back(run.header.id);
  }
  const auto loaded = load(request);
  ASSERT_TRUE(loaded);
  for (std::size_t i = 0; i < batch.opened.size(); ++i) {
    EXPECT_FALSE(loaded->runs[i]);
    ASSERT_TRUE(loaded->closed_runs[i]);
    EXPECT_EQ(loaded->closed_runs[i]->row.header.id, batch.opened[i].header.id);
  }
}

TEST_P(StoreCommit, BatchesOfOneLaneKeepTheirOrder) {
  const ShardLease lease = own(3);
  const OpenRunRow run = an_open_run(3);
  std::promise<void> finished;
  std::vector<EventId> order;

  for (EventId seq = 1; seq <= 50; ++seq) {
    Batch batch = a_batch({lease});
    batch.journal = {a_journal_row(run.header.id, seq)};
    store().commit(1, std::make_shared<const Batch>(batch), [&, seq](const Result<CommitAnswer>& answer) {
      EXPECT_TRUE(answer);
      order.push_back(seq);
      if (seq == 50) finished.set_value();
    });
  }

  finished.get_future().wait();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), 50U);
}

}  // namespace
}  // namespace orchestrator::store
