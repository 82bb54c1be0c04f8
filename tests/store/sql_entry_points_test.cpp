// What other programs call in their own transactions: start_run, send_signal. Without an engine: what is left behind,
// what is refused, and who may.
#include <gtest/gtest.h>

#include <pqxx/connection>
#include <pqxx/notification>
#include <pqxx/transaction>
#include <thread>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "orchestrator/model/job_spec.hpp"
#include "orchestrator/store/postgres/postgres_store.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store::postgres {
namespace {

constexpr const char* kUnknown = "P0002";
constexpr const char* kOutOfRange = "22023";
constexpr const char* kTooLarge = "54000";

class SqlEntryPoints : public testing::Test {
 protected:
  SqlEntryPoints() {
    auto opened = open_postgres({.url = database_.url()});
    EXPECT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
    for (const char* version : {"one", "two"}) {
      DeployRequest request{.namespace_name = "default", .name = "pay", .source = "{}", .checksum = version};
      EXPECT_TRUE(ask<DeployAnswer>([&](auto done) { store_->deploy(request, done); }));
    }
  }

  std::string query(const std::string& sql) { return database_.query(sql); }

  /// The SQLSTATE with which a statement is refused; empty when it is not.
  std::string refusal(const std::string& sql) {
    try {
      database_.execute(sql);
    } catch (const pqxx::insufficient_privilege&) {
      return "42501";  // libpqxx 6.4 leaves its state out
    } catch (const pqxx::sql_error& error) {
      return error.sqlstate();
    }
    return {};
  }

  Result<RunView> find_run(const std::string& id) {
    return ask<RunView>([&](auto done) { store_->find_run(*RunId::parse(id), done); });
  }
  Result<SignalView> find_signal(const std::string& id) {
    return ask<SignalView>([&](auto done) { store_->find_signal(*SignalId::parse(id), done); });
  }

  /// Picks a signal up, as its owner does.
  void settle(const std::string& signal_id) {
    const NodeRow node{.id = NodeId{"a"}, .url = "http://a", .roles = "api,worker"};
    ASSERT_TRUE(ask<HeartbeatAnswer>([&](auto done) { store_->heartbeat(node, std::chrono::minutes(1), done); }));
    SignalRow row = *find_signal(signal_id);
    const auto leases = ask<std::vector<ShardLease>>([&](auto done) { store_->take_over(node.id, {row.shard}, done); });
    Batch batch = a_batch(*leases);
    batch.signals.push_back(row);
    const std::string message = query("select id from orchestrator.inbox");
    batch.inbox_done.push_back({row.shard, *MessageId::parse(message)});
    ASSERT_TRUE(ask<CommitAnswer>([&](auto done) { store_->commit(0, std::make_shared<const Batch>(batch), done); }));
  }

  test::TestDatabase database_;
  std::unique_ptr<Store> store_;
};

TEST_F(SqlEntryPoints, AStartThatRollsBackLeavesNothing) {
  pqxx::connection connection(database_.url());
  pqxx::work caller(connection);
  const std::string run_id = caller.exec("select orchestrator.start_run('default', 'pay')")[0][0].c_str();
  caller.exec("select orchestrator.send_signal('default', 'paid', 'o-1')");

  caller.abort();

  EXPECT_EQ(query("select count(*) from orchestrator.inbox"), "0");
  EXPECT_FALSE(find_run(run_id));
}

TEST_F(SqlEntryPoints, APromisedRunIsReadAsSoonAsItsCallerCommitted) {
  pqxx::connection connection(database_.url());
  pqxx::work caller(connection);
  const std::string run_id = caller
                                 .exec(R"(select orchestrator.start_run('default', 'pay', '{"total": 5}', 'o-1',
    priority => 7, attributes => '{"city": "Pune"}', run_at => '2100-01-01 00:00:00+00'))")[0][0]
                                 .c_str();
  EXPECT_FALSE(find_run(run_id));

  caller.commit();

  const auto view = find_run(run_id);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->header.namespace_name, "default");
  EXPECT_EQ(view->header.workflow, "pay");
  EXPECT_EQ(view->header.version, 2);
  EXPECT_EQ(view->header.key, "o-1");
  EXPECT_EQ(view->header.priority, 7);
  EXPECT_EQ(dump_json(json_of(view->header.input)), R"({"total":5})");
  EXPECT_EQ(json_of(view->header.attributes).at("city"), "Pune");
  EXPECT_EQ(view->state, RunState::waiting);
  EXPECT_EQ(parse_json(view->waiting_on)->at(0).at("kind"), "timer");
  EXPECT_EQ(query("select state || ' ' || dead_letter from orchestrator.runs where run_id = '" + run_id + "'"),
            "waiting none");
}

TEST_F(SqlEntryPoints, IdsTellTheShardThatTheEngineRoutesTheKeyTo) {
  for (const char* key : {"o-1", "o-2", "order/\xC3\xA4", "x"}) {
    const std::string run = query("select orchestrator.start_run('default', 'pay', key => '" + std::string(key) + "')");
    const std::string signal = query("select orchestrator.send_signal('default', 'paid', '" + std::string(key) + "')");
    const ShardId expected = digest::shard_for_key("default", key, test::kTestShards);

    EXPECT_EQ(shard_of(*RunId::parse(run)), expected) << key;
    EXPECT_EQ(shard_of(*SignalId::parse(signal)), expected) << key;
    EXPECT_EQ(query("select shard from orchestrator.inbox where id = '" + run + "'"), std::to_string(to_int(expected)));
    EXPECT_EQ(run[14], '7');
    const auto age = std::chrono::system_clock::now() - time_of(RunId::parse(run)->bytes);
    EXPECT_LT(std::chrono::abs(age), std::chrono::minutes(1));
  }
  // Every shard number survives, also those that need all sixteen bits.
  EXPECT_EQ(shard_of(*RunId::parse(query("select orchestrator.new_id(65535)"))), ShardId{65535});
  EXPECT_EQ(shard_of(*RunId::parse(query("select orchestrator.new_id(4660)"))), ShardId{0x1234});
}

TEST_F(SqlEntryPoints, WhatCannotBeIsRefusedAtOnce) {
  const std::string start = "select orchestrator.start_run('default', 'pay', ";
  const std::string deep = "(repeat('[', 92) || repeat(']', 92))::jsonb";
  const std::vector<std::pair<std::string, const char*>> refusals = {
      {"select orchestrator.start_run('nowhere', 'pay')", kUnknown},
      {"select orchestrator.start_run('default', 'nobody')", kUnknown},
      {start + "version => 3)", kUnknown},
      {"select orchestrator.start_run('default', 'no good')", kOutOfRange},
      {start + "key => '')", kOutOfRange},
      {start + "key => E'a\\nb')", kOutOfRange},
      {start + "key => repeat('x', 513))", kOutOfRange},
      {start + "priority => 101)", kOutOfRange},
      {start + "run_at => 'infinity')", kOutOfRange},
      {start + "on_conflict => 'shrug')", kOutOfRange},
      {start + "attributes => '[1]')", kOutOfRange},
      {start + "attributes => '{\"a\": {}}')", kOutOfRange},
      {start + "to_jsonb(repeat('x', 1048576)))", kTooLarge},
      {start + deep + ")", kTooLarge},
      {start + "to_jsonb(1e309))", kOutOfRange},
      {"select orchestrator.send_signal('nowhere', 'paid', 'o-1')", kUnknown},
      {"select orchestrator.send_signal('default', 'not paid', 'o-1')", kOutOfRange},
      {"select orchestrator.send_signal('default', 'paid', null)", kOutOfRange},
      {"select orchestrator.send_signal('default', 'paid', 'o-1', id => '')", kOutOfRange},
      {"select orchestrator.send_signal('default', 'paid', 'o-1', ttl_seconds => 0)", kOutOfRange},
  };

  for (const auto& [sql, state] : refusals) EXPECT_EQ(refusal(sql), state) << sql;

  EXPECT_EQ(query("select count(*) from orchestrator.inbox"), "0");
  EXPECT_EQ(refusal(start + "(repeat('[', 90) || repeat(']', 90))::jsonb)"), "");
  EXPECT_EQ(refusal(start + "to_jsonb(1e307))"), "");
}

TEST_F(SqlEntryPoints, EachJobOfABatchIsReadAsSoonAsItsCallerCommitted) {
  const std::string enqueue =
      "select orchestrator.enqueue_jobs('default', 'mail', array(select to_jsonb(n) from "
      "generate_series(1, 1001) n), queue => 'slow', max_attempts => 3)";
  const std::string ids = query(
      "create table ids as select row_number() over () as n, id from (select unnest(ids) as id "
      "from (" +
      enqueue + ") e (ids)) i; select count(distinct id) from ids");
  EXPECT_EQ(ids, "1001");
  EXPECT_EQ(query("select count(*) from orchestrator.inbox"), "3");
  EXPECT_EQ(query("select count(*) from orchestrator.runs"), "1001");

  for (const char* n : {"1", "500", "501", "1001"}) {
    const auto view = find_run(query(std::string("select id from ids where n = ") + n));
    ASSERT_TRUE(view) << view.error().message;
    EXPECT_EQ(dump_json(json_of(view->header.input)), n);
    EXPECT_EQ(view->header.kind, RunKind::job);
    EXPECT_EQ(view->header.workflow, "mail");
    EXPECT_EQ(view->header.queue, "slow");
    EXPECT_EQ(job_spec_of(view->header.job).max_attempts, 3);
    EXPECT_EQ(view->state, RunState::ready);
  }
  EXPECT_FALSE(find_run("01a1f932-88ee-7002-a7fa-86c4dcb30003"));
  EXPECT_EQ(query("select orchestrator.enqueue_jobs('default', 'mail', '{}')"), "{}");
}

TEST_F(SqlEntryPoints, JobsThatShareAKeyShareItsShard) {
  const ShardId expected = digest::shard_for_key("default", "c-1", test::kTestShards);

  const std::string one =
      query("select orchestrator.enqueue_job('default', 'mail', unique_key => 'c-1', concurrency_key => 'c-1')");
  const std::string many =
      query("select (orchestrator.enqueue_jobs('default', 'mail', '{1,2}', order_key => 'c-1'))[2]");

  EXPECT_EQ(shard_of(*RunId::parse(one)), expected);
  EXPECT_EQ(shard_of(*RunId::parse(many)), expected);
  EXPECT_EQ(find_run(one)->header.key, "c-1");
  EXPECT_EQ(job_spec_of(find_run(many)->header.job).order_key, "c-1");
  const std::string enqueue = "select orchestrator.enqueue_job('default', 'mail', ";
  for (const char* wrong : {"order_key => 'a', rate_key => 'b')", "unique_key => '')", "max_attempts => 0)",
                            "queue => 'no good')", "priority => -101)"}) {
    EXPECT_EQ(refusal(enqueue + wrong), kOutOfRange) << wrong;
  }
  EXPECT_EQ(refusal("select orchestrator.enqueue_job('nowhere', 'mail')"), kUnknown);
  EXPECT_EQ(refusal("select orchestrator.enqueue_jobs('default', 'mail', array_fill('1'::jsonb, array[100001]))"),
            kTooLarge);
}

TEST_F(SqlEntryPoints, ASignalIdCountsOnceWhileItWaitsAndAfterIt) {
  const std::string send = "select orchestrator.send_signal('default', 'paid', 'o-1', '{\"n\": 1}', 's-1')";

  const std::string first = query(send);
  EXPECT_EQ(query(send), first);
  EXPECT_EQ(query("select count(*) from orchestrator.inbox"), "1");
  const auto waiting = find_signal(first);
  ASSERT_TRUE(waiting) << waiting.error().message;
  EXPECT_EQ(waiting->fate, SignalFate::buffered);
  EXPECT_EQ(waiting->reason, "in-inbox");
  EXPECT_EQ(waiting->id, "s-1");
  EXPECT_EQ(dump_json(json_of(waiting->payload)), R"({"n":1})");
  settle(first);

  EXPECT_EQ(query(send), first);
  EXPECT_EQ(query("select count(*) from orchestrator.inbox"), "0");
  EXPECT_NE(query("select orchestrator.send_signal('default', 'paid', 'o-1', id => 's-2')"), first);
  EXPECT_NE(query("select orchestrator.send_signal('default', 'paid', 'o-2', id => 's-1')"), first);
}

TEST_F(SqlEntryPoints, OfTwoSignalsWithOneIdAtOnceTheSecondWaitsForTheFirst) {
  const std::string send = "select orchestrator.send_signal('default', 'paid', 'o-1', id => 's-1')";
  pqxx::connection connection(database_.url());
  pqxx::work first(connection);
  const std::string first_id = first.exec(send)[0][0].c_str();

  std::string second_id;
  std::thread second([&] { second_id = query(send); });
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (query("select exists (select from pg_locks where not granted)") != "t") {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
  }
  first.commit();
  second.join();

  EXPECT_EQ(second_id, first_id);
  EXPECT_EQ(query("select count(*) from orchestrator.inbox"), "1");
}

TEST_F(SqlEntryPoints, ATransactionNotifiesOnceHoweverMuchItLeaves) {
  pqxx::connection listening(database_.url());
  struct Receiver final : pqxx::notification_receiver {
    using pqxx::notification_receiver::notification_receiver;
    void operator()(const std::string&, int) override { ++heard; }
    int heard = 0;
  } receiver(listening, "orchestrator_inbox");

  database_.execute("select orchestrator.start_run('default', 'pay') from generate_series(1, 20)");
  database_.execute("set orchestrator.notify = off; select orchestrator.start_run('default', 'pay')");
  database_.execute("select orchestrator.send_signal('default', 'paid', 'o-' || n) from generate_series(1, 20) n");

  while (receiver.heard < 2) ASSERT_GT(listening.await_notification(10, 0), 0);
  EXPECT_EQ(listening.await_notification(0, 50'000), 0);
  EXPECT_EQ(receiver.heard, 2);
  EXPECT_EQ(query("select count(*) from orchestrator.inbox"), "41");
}

TEST_F(SqlEntryPoints, AClientMayCallThemAndNothingElse) {
  const std::string as_client = "set role orchestrator_client; ";

  EXPECT_EQ(refusal(as_client + "select orchestrator.start_run('default', 'pay', '{}')"), "");
  EXPECT_EQ(refusal(as_client + "select orchestrator.send_signal('default', 'paid', 'o-1')"), "");
  EXPECT_EQ(refusal(as_client + "select orchestrator.enqueue_job('default', 'mail')"), "");
  EXPECT_EQ(refusal(as_client + "select orchestrator.enqueue_jobs('default', 'mail', '{1}')"), "");
  for (const char* sql :
       {"select * from orchestrator.inbox", "select * from orchestrator.open_runs", "select * from orchestrator.runs",
        "delete from orchestrator.signals", "select orchestrator.leave_message(0, gen_random_uuid(), 'start', '{}')",
        "select orchestrator.new_id(0)", "select orchestrator.keep_partitions()",
        "select * from orchestrator.cluster_secret"}) {
    EXPECT_EQ(refusal(as_client + sql), "42501") << sql;
  }
}

}  // namespace
}  // namespace orchestrator::store::postgres
