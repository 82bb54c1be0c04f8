#include <pqxx/connection>
#include <pqxx/transaction>
#include <thread>

#include "orchestrator/handler/sql.hpp"
#include "orchestrator/store/postgres/postgres_store.hpp"
#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/postgres/sqlstate.hpp"
#include "tests/store/store_harness.hpp"

/// What only a real database can show: sessions that die, transactions that commit late, roles.
namespace orchestrator::store::postgres {
namespace {

class PostgresStoreTest : public testing::Test {
 protected:
  PostgresStoreTest() : store_(open()) {}

  std::unique_ptr<Store> open() {
    auto store = open_postgres({.url = database_.url()});
    EXPECT_TRUE(store) << store.error().message;
    return *std::move(store);
  }

  ShardLease own(std::int32_t shard) {
    const NodeRow node{.id = NodeId{"a"}, .url = "http://a", .roles = "api"};
    EXPECT_TRUE(ask<HeartbeatAnswer>([&](auto done) { store_->heartbeat(node, std::chrono::minutes(1), done); }));
    const auto leases =
        ask<std::vector<ShardLease>>([&](auto done) { store_->take_over(NodeId{"a"}, {ShardId{shard}}, done); });
    return leases->at(0);
  }

  Result<CommitAnswer> commit(const Batch& batch) {
    return ask<CommitAnswer>([&](auto done) { store_->commit(0, std::make_shared<const Batch>(batch), done); });
  }

  /// Waits until the database says yes, without guessing how long it takes.
  void wait_for(const std::string& question) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (database_.query(question) != "t") {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << question;
    }
  }

  test::TestDatabase database_;
  std::unique_ptr<Store> store_;
};

TEST_F(PostgresStoreTest, OpeningAnUnmigratedDatabaseIsRefused) {
  const test::TestDatabase empty(test::TestDatabase::Content::empty);

  const auto store = open_postgres({.url = empty.url()});

  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::precondition_failed);
}

TEST_F(PostgresStoreTest, OpeningAnUnreachableDatabaseIsUnavailable) {
  const auto store = open_postgres({.url = "postgresql://nobody@127.0.0.1:1/none"});

  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::unavailable);
}

TEST_F(PostgresStoreTest, TheInboxReaderDoesNotSkipALateCommitter) {
  const std::string insert = "insert into orchestrator.inbox (shard, id, kind, body) values (2, '";
  const std::string tail = "', 'late', '{}')";
  pqxx::connection late_connection(database_.url());
  pqxx::work late(late_connection);
  late.exec(insert + next_message_id(2).str() + tail);
  database_.execute(insert + next_message_id(2).str() + tail);
  const auto read = [&] {
    return ask<InboxRead>([&](auto done) { store_->read_inbox({ShardId{2}}, 100, done); })->rows.size();
  };
  ASSERT_EQ(read(), 1U);
  database_.execute("delete from orchestrator.inbox");
  ASSERT_EQ(read(), 0U);

  late.commit();

  EXPECT_EQ(read(), 1U);
}

TEST_F(PostgresStoreTest, ReconnectsByItselfAfterItsSessionsWereEnded) {
  const ShardLease lease = own(1);
  Batch batch = a_batch({lease});
  batch.opened = {an_open_run(1)};
  ASSERT_TRUE(commit(batch));

  database_.terminate_sessions("orchestrator");

  Batch next = a_batch({lease});
  next.opened = {an_open_run(1)};
  const auto answer = commit(next);
  EXPECT_TRUE(answer) << answer.error().message;
  const auto view = ask<RunView>([&](auto done) { store_->find_run(next.opened[0].header.id, done); });
  EXPECT_TRUE(view) << view.error().message;
}

TEST_F(PostgresStoreTest, ACommitWhoseBackendDiesIsUnknown) {
  const ShardLease lease = own(1);
  ASSERT_TRUE(commit(a_batch({lease})));
  pqxx::connection blocker_connection(database_.url());
  pqxx::work blocker(blocker_connection);
  blocker.exec("lock table orchestrator.journal in exclusive mode");
  Batch batch = a_batch({lease});
  batch.journal = {a_journal_row(next_run_id(1), 1)};
  std::promise<Result<CommitAnswer>> promise;

  store_->commit(0, std::make_shared<const Batch>(batch),
                 [&](Result<CommitAnswer> answer) { promise.set_value(std::move(answer)); });
  wait_for(
      "select exists (select from pg_stat_activity where application_name = 'orchestrator-committer' "
      "and datname = current_database() and wait_event_type = 'Lock')");
  database_.terminate_sessions("orchestrator-committer");
  const auto answer = promise.get_future().get();
  blocker.abort();

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::outcome_unknown);
  own(1);
  const auto proof = ask<bool>([&](auto done) { store_->was_committed(std::make_shared<const Batch>(batch), done); });
  ASSERT_TRUE(proof) << proof.error().message;
  EXPECT_FALSE(*proof);
}

TEST_F(PostgresStoreTest, AConnectionThatBreaksIsReportedOnceByItsUse) {
  std::mutex mutex;
  std::map<std::string, int> lost;
  store_ = nullptr;
  auto opened = open_postgres({.url = database_.url(), .on_connection_lost = [&](std::string_view use) {
                                 const std::lock_guard lock(mutex);
                                 ++lost[std::string(use)];
                               }});
  ASSERT_TRUE(opened) << opened.error().message;
  store_ = *std::move(opened);
  const ShardLease lease = own(1);
  ASSERT_TRUE(commit(a_batch({lease})));

  database_.terminate_sessions("orchestrator-committer");
  // The first one may meet the connection just before it is closed.
  while (!commit(a_batch({lease}))) {
  }
  const auto after_the_loss = [&] {
    const std::lock_guard lock(mutex);
    return lost;
  }();
  store_->stop();

  EXPECT_EQ(after_the_loss, (std::map<std::string, int>{{"committer", 1}}));
  EXPECT_EQ(lost, after_the_loss) << "stopping is no loss";
}

TEST_F(PostgresStoreTest, ATakeOverEndsAFrozenOwnersTransaction) {
  own(1);
  // A frozen node: its transaction holds the fence and nobody will ever end it.
  pqxx::connection frozen_connection(with_parameters(database_.url(), "orchestrator-committer"));
  pqxx::work frozen(frozen_connection);
  frozen.exec("select from orchestrator.shard_owner where shard = 1 for key share");

  const auto taken =
      ask<std::vector<ShardLease>>([&](auto done) { store_->take_over(NodeId{"a"}, {ShardId{1}}, done); });

  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(taken->size(), 1U);
  EXPECT_ANY_THROW(frozen.commit());
}

TEST_F(PostgresStoreTest, ABatchWithAZeroByteInATextIsADataError) {
  const ShardLease lease = own(1);
  Batch batch = a_batch({lease});
  batch.opened = {an_open_run(1)};
  batch.opened[0].header.workflow = std::string("a\0b", 3);

  const auto answer = commit(batch);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(answer.error().message.find("SQLSTATE 22021"), std::string::npos) << answer.error().message;
}

TEST_F(PostgresStoreTest, ErrorsOfRowsNameNoPayload) {
  const ShardLease lease = own(1);
  Batch batch = a_batch({lease});
  batch.opened = {an_open_run(1)};
  batch.opened[0].progress.waiting_on = "[secret";

  const auto answer = commit(batch);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message.find("secret"), std::string::npos) << answer.error().message;
}

TEST_F(PostgresStoreTest, AStepsStatementsCommitTogetherWithItsRows) {
  database_.execute("create table public.orders (id int primary key, note text)");
  database_.execute("grant select, insert on public.orders to orchestrator_handler");
  const ShardLease lease = own(1);
  Batch batch = a_batch({lease});
  batch.journal = {a_journal_row(next_run_id(1), 1)};
  auto step = store_->begin_step();
  ASSERT_TRUE(step) << step.error().message;

  const auto inserted = (*step)->execute("insert into orders values ($1, $2) returning id, note", {"7", std::nullopt});
  ASSERT_TRUE(inserted) << inserted.error().message;
  EXPECT_EQ(inserted->integer(0, "id"), 7);
  EXPECT_FALSE(inserted->at(0, "note"));
  EXPECT_EQ(inserted->affected, 1);
  const auto answer = (*step)->commit_with(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(database_.query("select count(*) from orders"), "1");
  EXPECT_EQ(database_.query("select count(*) from orchestrator.journal"), "1");
}

TEST_F(PostgresStoreTest, AStepThatIsNotCommittedLeavesNothing) {
  database_.execute("create table public.orders (id int primary key)");
  database_.execute("grant insert on public.orders to orchestrator_handler");
  {
    auto step = store_->begin_step();
    ASSERT_TRUE(step) << step.error().message;
    ASSERT_TRUE((*step)->execute("insert into orders values (1)", {}));
  }

  EXPECT_EQ(database_.query("select count(*) from orders"), "0");
}

TEST_F(PostgresStoreTest, AStepWhoseShardIsLostTakesItsStatementsBack) {
  database_.execute("create table public.orders (id int primary key)");
  database_.execute("grant insert on public.orders to orchestrator_handler");
  const ShardLease stale = own(1);
  own(1);
  Batch batch = a_batch({stale});
  batch.journal = {a_journal_row(next_run_id(1), 1)};
  auto step = store_->begin_step();
  ASSERT_TRUE((*step)->execute("insert into orders values (1)", {}));

  const auto answer = (*step)->commit_with(batch);

  EXPECT_EQ(answer.error().code, ErrorCode::ownership_lost);
  EXPECT_EQ(database_.query("select count(*) from orders"), "0");
}

TEST_F(PostgresStoreTest, AHandlersStatementsCannotTouchTheEnginesTables) {
  auto step = store_->begin_step();
  ASSERT_TRUE(step) << step.error().message;

  const auto read = (*step)->execute("select * from orchestrator.journal", {});

  EXPECT_FALSE(read);
}

TEST_F(PostgresStoreTest, AHandlersUniqueViolationIsAConflict) {
  database_.execute("create table public.orders (id int primary key)");
  database_.execute("grant insert on public.orders to orchestrator_handler");
  auto step = store_->begin_step();
  ASSERT_TRUE((*step)->execute("insert into orders values ($1)", {"1"}));

  const auto second = (*step)->execute("insert into orders values ($1)", {"1"});

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
}

TEST_F(PostgresStoreTest, AStepWhoseSessionDiesIsUnavailable) {
  auto step = store_->begin_step();
  ASSERT_TRUE(step) << step.error().message;
  database_.terminate_sessions("orchestrator-step");

  const auto answer = (*step)->execute("select 1", {});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  step->reset();
  const auto next = store_->begin_step();
  EXPECT_TRUE(next) << next.error().message;
}

TEST_F(PostgresStoreTest, DeploymentsAtOnceGetVersionsOfTheirOwn) {
  const auto other = open();
  std::set<std::int32_t> versions;
  std::mutex mutex;
  std::vector<std::thread> threads;

  for (Store* store : {store_.get(), other.get()}) {
    threads.emplace_back([&, store] {
      for (int i = 0; i < 20; ++i) {
        const std::string text = std::to_string(reinterpret_cast<std::uintptr_t>(store)) + "-" + std::to_string(i);
        const DeployRequest request{.namespace_name = "default", .name = "ship", .source = "{}", .checksum = text};
        const auto answer = ask<DeployAnswer>([&](auto done) { store->deploy(request, done); });
        ASSERT_TRUE(answer) << answer.error().message;
        const std::lock_guard lock(mutex);
        versions.insert(answer->version);
      }
    });
  }
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(versions.size(), 40U);
  EXPECT_EQ(*versions.rbegin(), 40);
}

TEST(Sqlstate, EachClassHasItsCode) {
  const auto code = [](std::string_view state) { return failure_of_sqlstate(state, "message").error.code; };

  EXPECT_EQ(code("23505"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("22P02"), ErrorCode::invalid_argument);
  EXPECT_EQ(code("40001"), ErrorCode::unavailable);
  EXPECT_EQ(code("55P03"), ErrorCode::unavailable);
  EXPECT_EQ(code("57014"), ErrorCode::unavailable);
  EXPECT_EQ(code("53300"), ErrorCode::unavailable);
  EXPECT_EQ(code("57P01"), ErrorCode::unavailable);
  EXPECT_EQ(code("42P01"), ErrorCode::precondition_failed);
  EXPECT_EQ(code("42601"), ErrorCode::internal);
  EXPECT_TRUE(failure_of_sqlstate("40P01", "deadlock").repeatable);
  EXPECT_FALSE(failure_of_sqlstate("23505", "duplicate").repeatable);
  EXPECT_TRUE(failure_of_sqlstate("57P01", "shutdown").connection_lost);
  EXPECT_FALSE(failure_of_sqlstate("57014", "cancelled").connection_lost);
}

TEST(Sqlstate, OnlyTheFirstLineOfTheMessageIsKept) {
  const auto failure = failure_of_sqlstate("23505", "ERROR: duplicate key\nDETAIL: Key (key)=(secret) exists.");

  EXPECT_EQ(failure.error.message, "ERROR: duplicate key (SQLSTATE 23505)");
}

TEST(Session, AddsItsParametersToEveryFormOfConnectionString) {
  EXPECT_NE(with_parameters("postgresql://h/db", "me").find("db?application_name=me&connect_timeout=5"),
            std::string::npos);
  EXPECT_NE(with_parameters("postgresql://h/db?sslmode=require", "me").find("require&application_name=me"),
            std::string::npos);
  EXPECT_NE(with_parameters("host=h dbname=db", "me").find("dbname=db application_name='me'"), std::string::npos);
  EXPECT_EQ(with_parameters("postgresql://h/db?connect_timeout=1", "me").find("connect_timeout=5"), std::string::npos);
}

}  // namespace
}  // namespace orchestrator::store::postgres
