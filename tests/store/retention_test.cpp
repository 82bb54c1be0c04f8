// How finished work leaves a real database, and what stays whatever its age.
#include "orchestrator/store/postgres/retention.hpp"

#include <gtest/gtest.h>

#include <pqxx/connection>
#include <pqxx/nontransaction>
#include <pqxx/transaction>

#include "orchestrator/base/ids.hpp"
#include "tests/support/postgres_fixture.hpp"

namespace orchestrator::store::postgres {
namespace {

class Retention : public testing::Test {
 protected:
  Retention() {
    // A day and a week long past, each with five runs; an id tells its moment.
    database_.execute(R"(
      create function at(n integer, moment timestamptz) returns uuid language sql as $$
        select (left(orchestrator.lowest_uuid(moment)::text, 14) || '7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
      select orchestrator.attach_partition('closed_runs', 'closed_runs_20250101', '2025-01-01', '2025-01-02', 'closed_day');
      select orchestrator.attach_partition('journal', 'journal_2025w01', orchestrator.lowest_uuid('2024-12-30 00:00+00')::text,
        orchestrator.lowest_uuid('2025-01-06 00:00+00')::text, 'run_id');
      insert into orchestrator.closed_runs (shard, run_id, closed_day, namespace, kind, workflow, version, priority,
        parent_step, traceparent, created_at, state, attempts, closed_at, dead_letter)
      select 0, at(n, '2025-01-01'), '2025-01-01', 'default', 'workflow', 'pay', 1, 0, 0, '', '2025-01-01', 'failed', 1,
        '2025-01-01', 'none' from generate_series(1, 5) n;
      insert into orchestrator.journal select 0, at(n, '2025-01-01'), 1, '2025-01-01', '[]' from generate_series(1, 5) n;
      insert into orchestrator.checkpoints select 0, at(n, '2025-01-01'), 2, '{}' from generate_series(1, 5) n;)");
  }

  RetentionReport sweep(const RetentionLimits& limits = {}) {
    const auto report = RetentionSweeper(database_.url()).sweep(limits, [] { return true; });
    EXPECT_TRUE(report) << report.error().message;
    return report ? *report : RetentionReport{};
  }

  std::string query(const std::string& sql) { return database_.query(sql); }
  std::string count(const std::string& table) { return query("select count(*) from orchestrator." + table); }

  test::TestDatabase database_;
};

TEST_F(Retention, OldRunsGoWithTheirDayAndTheirWeekOfHistory) {
  const RetentionReport report = sweep();

  EXPECT_TRUE(report.swept);
  EXPECT_EQ(report.partitions_dropped, 2);
  EXPECT_EQ(report.partitions_kept, 0);
  EXPECT_EQ(count("closed_runs"), "0");
  EXPECT_EQ(count("journal"), "0");
  EXPECT_EQ(count("checkpoints"), "0");
  EXPECT_EQ(query("select to_regclass('orchestrator.closed_runs_20250101')"), "");
  EXPECT_EQ(sweep().partitions_dropped, 0);
}

TEST_F(Retention, ADeadLetterThatNobodyDealtWithStaysWithItsHistory) {
  database_.execute("update orchestrator.closed_runs set dead_letter = 'open' where run_id = at(3, '2025-01-01')");

  const RetentionReport report = sweep();

  EXPECT_EQ(report.partitions_dropped, 2);
  EXPECT_EQ(report.runs_moved, 2);
  EXPECT_EQ(query("select string_agg(run_id::text, ',') from orchestrator.closed_runs"),
            query("select at(3, '2025-01-01')"));
  EXPECT_EQ(query("select string_agg(run_id::text, ',') from orchestrator.journal"),
            query("select at(3, '2025-01-01')"));
  EXPECT_EQ(count("checkpoints"), "1");

  database_.execute("update orchestrator.closed_runs set dead_letter = 'discarded'");
  EXPECT_EQ(sweep().leftovers_deleted, 3);
  EXPECT_EQ(count("closed_runs"), "0");
  EXPECT_EQ(count("journal"), "0");
  EXPECT_EQ(count("checkpoints"), "0");
}

TEST_F(Retention, TheHistoryOfAnOpenRunStays) {
  database_.execute(R"(insert into orchestrator.open_runs (shard, run_id, namespace, kind, workflow, version, priority,
    parent_step, traceparent, created_at, state, waiting_on, at_rest, attempts)
    values (0, at(9, '2025-01-01'), 'default', 'workflow', 'pay', 1, 0, 0, '', '2025-01-01', 'waiting', '[]', true, 0);
    insert into orchestrator.journal values (0, at(9, '2025-01-01'), 1, '2025-01-01', '[]'))");

  sweep();

  EXPECT_EQ(query("select string_agg(run_id::text, ',') from orchestrator.journal"),
            query("select at(9, '2025-01-01')"));
}

TEST_F(Retention, APartitionThatHoldsTooMuchOfWhatStaysIsKept) {
  database_.execute(
      R"(insert into orchestrator.closed_runs (shard, run_id, closed_day, namespace, kind, workflow, version,
    priority, parent_step, traceparent, created_at, state, attempts, closed_at, dead_letter)
    select 1, at(n, '2025-01-01'), '2025-01-01', 'default', 'workflow', 'pay', 1, 0, 0, '', '2025-01-01', 'failed', 1,
    '2025-01-01', 'open' from generate_series(1, 1001) n)");

  const RetentionReport report = sweep();

  EXPECT_EQ(report.partitions_dropped, 0);
  EXPECT_EQ(report.partitions_kept, 2);
  EXPECT_EQ(count("closed_runs"), "1006");
  EXPECT_EQ(count("journal"), "5");
}

TEST_F(Retention, ABusyTableIsLeftForTheNextSweep) {
  pqxx::connection connection(database_.url());
  pqxx::work reader(connection);
  reader.exec("select from orchestrator.closed_runs limit 1");

  EXPECT_EQ(sweep().partitions_kept, 1);  // the week's runs are still retained, and fewer than would keep it

  EXPECT_EQ(count("closed_runs"), "5");
}

TEST_F(Retention, ZeroDaysKeepRunsForEver) {
  sweep({.runs = std::chrono::days{0}});

  EXPECT_EQ(count("closed_runs"), "5");
  EXPECT_EQ(count("journal"), "5");
}

TEST_F(Retention, SettledSignalsDeliveriesAndAnswersGoByTheirAge) {
  database_.execute(R"(
    insert into orchestrator.signals (shard, signal_id, namespace, name, key, id, fate, reason, was_expected, step,
      state_name, received_at, settled_at, expires_at)
    select n % 8, at(n, '2025-01-01'), 'default', 'paid', 'o-' || n, 's', case when n <= 2500 then 'consumed' else 'buffered' end,
      '', true, 0, '', '2025-01-01', case when n = 1 then now() when n <= 2500 then timestamptz '2025-01-02' end, '2027-01-01'
    from generate_series(1, 2510) n;
    insert into orchestrator.signal_links (shard, origin, signal_id, kind, reason, actor, created_at)
    select n % 8, at(n, '2025-01-01'), at(n + 5000, '2025-01-01'), 'replay', '', '', '2025-01-01' from generate_series(1, 3) n;
    insert into orchestrator.webhook_deliveries (shard, delivery_id, namespace, endpoint, provider, dedupe_key, verdict,
      headers, body, received_at)
    select 3, at(n, case when n <= 1500 then timestamptz '2025-01-01' else now() end), 'default', 'e', 'stripe', n::text,
      'accepted', '{}', '', now() from generate_series(1, 1501) n;
    insert into orchestrator.idempotency (shard, namespace, scope, key, body_hash, reserved_id, status, answer, created_at)
    select n % 8, 'default', 'POST /v1/runs', n::text, '', '', 201, '', case when n <= 2100 then timestamptz '2025-01-01'
      else now() - interval '23 hours' end from generate_series(1, 2105) n;)");

  const RetentionReport report = sweep();

  EXPECT_EQ(report.signals_deleted, 2499);
  EXPECT_EQ(count("signals"), "11");
  EXPECT_EQ(count("signal_links"), "1") << "with the signal that something was made from";
  EXPECT_EQ(report.deliveries_deleted, 1500);
  EXPECT_EQ(count("webhook_deliveries"), "1");
  EXPECT_EQ(report.answers_deleted, 2100);
  EXPECT_EQ(count("idempotency"), "5");
}

TEST_F(Retention, OneOfSeveralSweeps) {
  pqxx::connection connection(database_.url());
  pqxx::nontransaction other(connection);
  other.exec("select pg_advisory_lock(hashtextextended('orchestrator.retention', 0))");

  EXPECT_FALSE(sweep().swept);

  EXPECT_EQ(count("closed_runs"), "5");
}

TEST_F(Retention, ASweepThatIsToldToEndStops) {
  const auto report = RetentionSweeper(database_.url()).sweep({}, [] { return false; });

  ASSERT_TRUE(report);
  EXPECT_EQ(report->partitions_dropped, 0);
  EXPECT_EQ(count("closed_runs"), "5");
}

}  // namespace
}  // namespace orchestrator::store::postgres
