// What lists read of a long history: never all of it, whatever they are asked for.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>

#include "orchestrator/store/postgres/postgres_store.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store::postgres {
namespace {

constexpr int kHistory = 45'000;
/// What a page may read of it: the rows that it looks at for its horizon, and those once more.
constexpr int kReadAtMost = 42'000;

class ListPlans : public testing::Test {
 protected:
  ListPlans() {
    database_.execute("create view numbers as select generate_series(1, " + std::to_string(kHistory) + ") as i");
    // Ids of shard 0, one millisecond apart.
    database_.execute(R"(create function id_at(i integer) returns uuid language sql as $$
      select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint - 100000 + i), 12, '0')
              || '700080' || lpad(to_hex(i), 14, '0'))::uuid $$)");
  }

  /// Everything went well but the oldest run, which is also the only one of its workflow; one open run asks a person.
  void fill_runs() const {
    database_.execute(R"(
      insert into orchestrator.closed_runs (
        shard, run_id, closed_day, namespace, kind, workflow, version, priority, attributes, parent_step, traceparent,
        created_at, state, error, attempts, closed_at, dead_letter)
      select 0, id_at(i), (now() at time zone 'UTC')::date, 'default', 'workflow',
        case when i = 1 then 'rare' else 'ship' end, 1, 0, '{"customer": "c-1"}', 0, '', now(),
        case when i = 1 then 'failed' else 'succeeded' end, case when i = 1 then 'Refused' end, 1, now(), 'none'
      from numbers)");
    database_.execute(R"(
      insert into orchestrator.open_runs (
        shard, run_id, namespace, kind, workflow, version, priority, parent_step, traceparent, created_at, state,
        waiting_on, at_rest, attempts)
      select 0, id_at(i), 'default', 'workflow', 'ship', 1, 0, 0, '', now(), 'waiting',
        case when i = 1 then '[{"kind":"decision"}]' else '[{"kind":"signal"}]' end::json, true, 1
      from numbers)");
    database_.execute("vacuum analyze");
  }

  /// In each the oldest is the rare one.
  void fill_signals_deliveries_and_audit() const {
    database_.execute(R"(
      insert into orchestrator.signals (
        shard, signal_id, namespace, name, key, id, fate, reason, was_expected, step, state_name, received_at, expires_at)
      select 0, id_at(i), 'default', case when i = 1 then 'rare' else 'paid' end, 'key-' || i, 'id-' || i,
        case when i = 1 then 'expired' else 'consumed' end, '', true, 1, 'Wait', now(), now()
      from numbers)");
    database_.execute(R"(
      insert into orchestrator.webhook_deliveries (
        shard, delivery_id, namespace, endpoint, provider, dedupe_key, verdict, headers, body, received_at)
      select 0, id_at(i), 'default', case when i = 1 then 'rare' else 'shop' end, 'stripe', 'event-' || i,
        case when i = 1 then 'poison' else 'accepted' end, '{}', '', now()
      from numbers)");
    database_.execute(R"(
      insert into orchestrator.audit (
        chain, seq, at, namespace, actor, role, action, target, reason, before_hash, after_hash, previous_hash, hash)
      select 0, i, now() - (100000 - i) * interval '1 second', 'default', case when i = 1 then 'rare' else 'ada' end,
        'operator', 'run.retry', 'run', '', '', '', repeat('0', 64), repeat('0', 64)
      from numbers)");
    database_.execute("vacuum analyze");
  }

  /// Rows that these tables (a pattern of their names) gave so far, by index or without one.
  int rows_read(const std::string& tables) const {
    return std::stoi(database_.query(
        "select (select sum(seq_tup_read) from pg_stat_user_tables where relname like '" + tables +
        "') + (select sum(idx_tup_read) from pg_stat_user_indexes where relname like '" + tables + "')"));
  }

  std::unique_ptr<Store> open() const {
    auto store = open_postgres({.url = database_.url()});
    EXPECT_TRUE(store) << store.error().message;
    return *std::move(store);
  }

  /// Rows of `tables` that `list` reads through a store of its own: what a connection read is known when it has ended.
  int rows_read_by(const std::string& tables, const std::function<void(Store&)>& list) const {
    const int before = rows_read(tables);
    {
      const auto store = open();
      list(*store);
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (database_.query("select count(*) from pg_stat_activity where application_name like 'orchestrator%' and "
                           "datname = current_database()") != "0") {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "the connections of the store did not end";
        break;
      }
    }
    return rows_read(tables) - before;
  }

  static RunPage list(Store& store, const RunFilter& filter) {
    auto page = ask<RunPage>([&](auto done) { store.list_runs(filter, done); });
    EXPECT_TRUE(page) << page.error().message;
    return page ? *std::move(page) : RunPage{};
  }

  /// Rows of open and closed runs that the first page of this list reads.
  int read_for(RunFilter filter) const {
    filter.namespace_name = "default";
    return rows_read_by("%_runs%", [&](Store& store) { list(store, filter); });
  }

  test::TestDatabase database_;
};

TEST_F(ListPlans, APageOfRunsReadsABoundedPartOfTheHistory) {
  fill_runs();
  using enum RunState;

  EXPECT_LT(read_for({}), 1'000);
  EXPECT_LT(read_for({.states = {succeeded}}), kReadAtMost);
  EXPECT_LT(read_for({.workflow = "rare"}), kReadAtMost);
  EXPECT_LT(read_for({.workflow = "none"}), kReadAtMost);
  EXPECT_LT(read_for({.waiting_on = "child"}), kReadAtMost);
  EXPECT_LT(read_for({.queue = "none"}), kReadAtMost);
  EXPECT_LT(read_for({.handler = "none"}), kReadAtMost);
  EXPECT_LT(read_for({.attributes = {{"customer", "\"nobody\""}}}), kReadAtMost);
  EXPECT_LT(read_for({.text = "nobody"}), kReadAtMost);
}

TEST_F(ListPlans, WhatOperatorsLookForHasAnIndex) {
  fill_runs();
  using enum RunState;

  EXPECT_LT(read_for({.states = {failed, timed_out}}), 100);
  EXPECT_LT(read_for({.error = "Refused"}), 100);
  EXPECT_LT(read_for({.only_dead_letters = true}), 100);
  EXPECT_LT(read_for({.waiting_on = "decision"}), 100);
  EXPECT_LT(read_for({.key = "none"}), 100);
  EXPECT_LT(read_for({.started_before = Timestamp{std::chrono::years(30)}}), 100);
}

TEST_F(ListPlans, ARareRunIsFoundByGoingOn) {
  fill_runs();
  const auto store = open();
  RunFilter filter{.namespace_name = "default", .workflow = "rare"};
  std::size_t found = 0;
  int pages = 0;

  do {
    const RunPage page = list(*store, filter);
    found += page.items.size();
    ++pages;
    filter.cursor = page.next_cursor.value_or("");
  } while (!filter.cursor.empty() && pages < 1'000);

  EXPECT_EQ(found, 1U);
  EXPECT_GT(pages, 2);
  EXPECT_LT(pages, 1'000);
}

TEST_F(ListPlans, GoingOnNeitherRepeatsNorMissesARun) {
  fill_runs();
  const auto store = open();
  RunFilter filter{.namespace_name = "default", .attributes = {{"customer", "\"c-1\""}}, .limit = 500};
  std::string last = "z";
  int found = 0;

  do {
    const RunPage page = list(*store, filter);
    for (const RunView& run : page.items) {
      EXPECT_LT(run.header.id.str(), last);
      last = run.header.id.str();
      ++found;
    }
    filter.cursor = page.next_cursor.value_or("");
  } while (!filter.cursor.empty() && found <= kHistory);

  EXPECT_EQ(found, kHistory);
}

TEST_F(ListPlans, SignalsDeliveriesAndTheAuditAreFoundByIndex) {
  fill_signals_deliveries_and_audit();
  const auto signals = [&](SignalFilter filter) {
    filter.namespace_name = "default";
    return rows_read_by("signals", [&](Store& store) {
      EXPECT_TRUE(ask<SignalPage>([&](auto done) { store.list_signals(filter, done); }));
    });
  };
  const auto deliveries = [&](WebhookDeliveryFilter filter) {
    filter.namespace_name = "default";
    return rows_read_by("webhook_deliveries", [&](Store& store) {
      EXPECT_TRUE(ask<WebhookDeliveryPage>([&](auto done) { store.webhooks().list_deliveries(filter, done); }));
    });
  };
  const auto audit = [&](AuditFilter filter) {
    filter.namespace_name = "default";
    return rows_read_by("audit", [&](Store& store) {
      EXPECT_TRUE(ask<AuditPage>([&](auto done) { store.list_audit(filter, done); }));
    });
  };

  EXPECT_LT(signals({}), 1'000);
  EXPECT_LT(signals({.name = "rare"}), 100);
  EXPECT_LT(signals({.name = "none"}), 100);
  EXPECT_LT(signals({.key = "key-7"}), 100);
  EXPECT_LT(signals({.fate = SignalFate::rejected}), 100);
  EXPECT_LT(signals({.run_id = RunId{}}), 100);
  EXPECT_LT(deliveries({}), 1'000);
  EXPECT_LT(deliveries({.endpoint = "rare"}), 100);
  EXPECT_LT(deliveries({.provider = "none"}), 100);
  EXPECT_LT(deliveries({.verdict = "poison"}), 100);
  EXPECT_LT(deliveries({.verdict = "duplicate"}), 100);
  EXPECT_LT(audit({}), 1'000);
  EXPECT_LT(audit({.actor = "rare"}), 100);
  EXPECT_LT(audit({.action = "run.kill"}), 100);
}

}  // namespace
}  // namespace orchestrator::store::postgres
