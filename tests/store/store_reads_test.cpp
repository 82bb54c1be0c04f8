#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/routing.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreReads = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreReads, testing::Values(BackendKind::memory, BackendKind::postgres), backend_name);

Result<DeployAnswer> deploy(Store& store, const std::string& text) {
  const DeployRequest request{
      .namespace_name = "default", .name = "ship", .source = "\"" + text + "\"", .checksum = text};
  return ask<DeployAnswer>([&](auto done) { store.deploy(request, done); });
}

RunPage list(Store& store, const RunFilter& filter) {
  auto page = ask<RunPage>([&](auto done) { store.list_runs(filter, done); });
  EXPECT_TRUE(page) << page.error().message;
  return page ? *std::move(page) : RunPage{};
}

std::vector<RunId> ids_of(const RunPage& page) {
  std::vector<RunId> ids;
  for (const RunView& item : page.items) ids.push_back(item.header.id);
  return ids;
}

TEST_P(StoreReads, NamespacesAreCreatedOnce) {
  const auto create = [&] {
    return ask<CreatedNamespace>([&](auto done) { store().create_namespace("shop", std::nullopt, done); });
  };

  const auto first = create();
  const auto second = create();
  const auto all = ask<std::vector<NamespaceRow>>([&](auto done) { store().list_namespaces(done); });

  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->created);
  EXPECT_FALSE(second->created);
  EXPECT_EQ(second->row.created_at, first->row.created_at);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(0).name, "default");
  EXPECT_EQ(all->at(1).name, "shop");
}

TEST_P(StoreReads, DeployingTheNewestTextAgainMakesNoVersion) {
  EXPECT_EQ(deploy(store(), "A")->version, 1);
  EXPECT_TRUE(deploy(store(), "B")->created);
  const auto again = deploy(store(), "B");

  EXPECT_EQ(again->version, 2);
  EXPECT_FALSE(again->created);
}

TEST_P(StoreReads, DeployingAnOlderTextMakesAVersion) {
  for (const char* text : {"A", "B"}) ASSERT_TRUE(deploy(store(), text));

  const auto third = deploy(store(), "A");

  EXPECT_EQ(third->version, 3);
  EXPECT_TRUE(third->created);
}

TEST_P(StoreReads, DefinitionsAreFoundByVersionAndNewest) {
  for (const char* text : {"A", "B"}) ASSERT_TRUE(deploy(store(), text));
  const auto find = [&](const std::string& name, std::int32_t version) {
    return ask<DefinitionRow>([&](auto done) { store().find_definition("default", name, version, done); });
  };

  EXPECT_EQ(find("ship", 0)->version, 2);
  EXPECT_EQ(find("ship", 1)->source, "\"A\"");
  EXPECT_EQ(find("ship", 1)->checksum, "A");
  EXPECT_EQ(find("ship", 3).error().code, ErrorCode::not_found);
  EXPECT_EQ(find("other", 0).error().slug, "unknown-workflow");
  const auto all = ask<std::vector<WorkflowSummary>>([&](auto done) { store().list_workflows("default", done); });
  ASSERT_EQ(all->size(), 1U);
  EXPECT_EQ((*all)[0].versions, (std::vector<std::int32_t>{1, 2}));
}

TEST_P(StoreReads, ARunIsFoundOpenAndClosed) {
  const ShardLease lease = own(3);
  OpenRunRow open = an_open_run(3);
  open.progress.wake_at = noon();
  const OpenRunRow ended = an_open_run(3);
  Batch batch = a_batch({lease});
  batch.opened = {open};
  batch.closed = {a_closed_run(ended)};
  ASSERT_TRUE(commit(batch));
  const auto find = [&](RunId id) { return ask<RunView>([&](auto done) { store().find_run(id, done); }); };

  const auto open_view = find(open.header.id);
  const auto closed_view = find(ended.header.id);

  ASSERT_TRUE(open_view) << open_view.error().message;
  EXPECT_EQ(open_view->state, RunState::ready);
  EXPECT_EQ(open_view->waiting_on, R"([{"kind":"worker"}])");
  EXPECT_EQ(open_view->wake_at, noon());
  EXPECT_FALSE(open_view->closed_at);
  EXPECT_EQ(json_of(open_view->header.input), json_of(open.header.input));
  ASSERT_TRUE(closed_view) << closed_view.error().message;
  EXPECT_EQ(closed_view->state, RunState::succeeded);
  EXPECT_EQ(closed_view->waiting_on, "[]");
  EXPECT_TRUE(closed_view->closed_at);
  EXPECT_EQ(json_of(closed_view->output), json_of(batch.closed[0].output));
  EXPECT_EQ(find(next_run_id(3)).error().code, ErrorCode::not_found);
}

TEST_P(StoreReads, TheJournalIsReadFromAnEventInPortions) {
  const RunId run = next_run_id(3);
  Batch batch = a_batch({own(3)});
  for (EventId seq : {1, 4, 6, 9}) batch.journal.push_back(a_journal_row(run, seq));
  ASSERT_TRUE(commit(batch));

  const auto rows = ask<std::vector<JournalRow>>([&](auto done) { store().read_journal(run, 4, 2, done); });

  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].seq, 4);
  EXPECT_EQ((*rows)[1].seq, 6);
}

TEST_P(StoreReads, PagesAreNewestFirstAndNeverRepeatOrMiss) {
  const auto leases = own(store(), "a", {0, 1, 2});
  Batch batch = a_batch(leases);
  std::vector<RunId> expected;
  for (int i = 0; i < 23; ++i) {
    const OpenRunRow run = an_open_run(i % 3);
    expected.insert(expected.begin(), run.header.id);
    if (i % 2 == 0) {
      batch.opened.push_back(run);
    } else {
      batch.closed.push_back(a_closed_run(run));
    }
  }
  ASSERT_TRUE(commit(batch));

  std::vector<RunId> seen;
  RunFilter filter{.namespace_name = "default", .limit = 5};
  for (int pages = 0; pages < 10; ++pages) {
    const RunPage page = list(store(), filter);
    for (const RunId& id : ids_of(page)) seen.push_back(id);
    if (!page.next_cursor) break;
    filter.cursor = *page.next_cursor;
    // Between two pages a run ends and another one starts.
    Batch between = a_batch(leases);
    between.opened = {an_open_run(0)};
    if (pages == 1) between.closed = {a_closed_run(batch.opened[2])};
    ASSERT_TRUE(commit(between));
  }

  EXPECT_EQ(seen, expected);
}

TEST_P(StoreReads, APageThatEndsExactlyHasNoCursor) {
  Batch batch = a_batch({own(3)});
  batch.opened = {an_open_run(3), an_open_run(3)};
  ASSERT_TRUE(commit(batch));

  const RunPage page = list(store(), {.namespace_name = "default", .limit = 2});

  EXPECT_EQ(page.items.size(), 2U);
  EXPECT_FALSE(page.next_cursor);
}

TEST_P(StoreReads, ABadCursorIsRefused) {
  const RunFilter filter{.namespace_name = "default", .cursor = "nonsense"};

  const auto page = ask<RunPage>([&](auto done) { store().list_runs(filter, done); });

  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().slug, "invalid-parameter");
}

TEST_P(StoreReads, EachFilterFindsItsRuns) {
  const std::string key = "order-7";
  const auto shard = to_int(digest::shard_for_key("default", key, test::kTestShards));
  const auto leases = own(store(), "a", {0, 1, 2, 3, 4, 5, 6, 7});
  OpenRunRow keyed = an_open_run(shard);
  keyed.header.key = key;
  OpenRunRow child = an_open_run(1);
  child.header.parent_run_id = keyed.header.id;
  child.header.workflow = "bill";
  child.progress = {.state = RunState::waiting, .waiting_on = R"([{"kind":"signal"},{"kind":"timer"}])"};
  OpenRunRow attributed = an_open_run(2);
  attributed.header.attributes = make_payload({{"customer", "c-2"}, {"size", 3}, {"vip", true}});
  attributed.header.version = 4;
  OpenRunRow foreign = an_open_run(2);
  foreign.header.namespace_name = "other";
  ClosedRunRow failed = a_closed_run(an_open_run(3));
  failed.state = RunState::failed;
  failed.error = "Http.Status.500";
  failed.dead_letter = DeadLetter::open;
  Batch batch = a_batch(leases);
  batch.opened = {keyed, child, attributed, foreign};
  batch.closed = {failed};
  ASSERT_TRUE(commit(batch));
  const auto find = [&](RunFilter filter) {
    filter.namespace_name = "default";
    return ids_of(list(store(), filter));
  };
  using Ids = std::vector<RunId>;

  EXPECT_EQ(find({.key = key}), Ids{keyed.header.id});
  EXPECT_EQ(find({.workflow = "bill"}), Ids{child.header.id});
  EXPECT_EQ(find({.parent_run_id = keyed.header.id}), Ids{child.header.id});
  EXPECT_EQ(find({.key = key, .parent_run_id = keyed.header.id}), Ids{});
  EXPECT_EQ(find({.states = {RunState::waiting, RunState::failed}}), (Ids{failed.header.id, child.header.id}));
  EXPECT_EQ(find({.waiting_on = "timer"}), Ids{child.header.id});
  EXPECT_EQ(find({.version = 4}), Ids{attributed.header.id});
  EXPECT_EQ(find({.error = "Http.Status.500"}), Ids{failed.header.id});
  EXPECT_EQ(find({.only_dead_letters = true}), Ids{failed.header.id});
  EXPECT_EQ(find({.attributes = {{"size", "3"}, {"vip", "true"}}}), Ids{attributed.header.id});
  EXPECT_EQ(find({.attributes = {{"customer", "\"c-2\""}}}), Ids{attributed.header.id});
  EXPECT_EQ(find({.attributes = {{"customer", "3"}}}), Ids{});
  EXPECT_EQ(find({.started_after = attributed.header.created_at}), Ids{failed.header.id});
  EXPECT_EQ(find({.started_before = child.header.created_at}), Ids{keyed.header.id});
  EXPECT_EQ(find({.text = "order-"}), Ids{keyed.header.id});
  EXPECT_EQ(find({.text = "bil"}), Ids{child.header.id});
  EXPECT_EQ(find({.text = failed.header.id.str().substr(0, 13)}).front(), failed.header.id);
}

TEST_P(StoreReads, ListsLeaveOutInputAndOutput) {
  Batch batch = a_batch({own(3)});
  batch.opened = {an_open_run(3)};
  batch.closed = {a_closed_run(an_open_run(3))};
  ASSERT_TRUE(commit(batch));

  const RunPage page = list(store(), {.namespace_name = "default"});

  ASSERT_EQ(page.items.size(), 2U);
  for (const RunView& item : page.items) {
    EXPECT_EQ(item.header.input, nullptr);
    EXPECT_EQ(item.output, nullptr);
  }
}

TEST_P(StoreReads, SignalsAreListedNewestFirstWithTheirFilters) {
  Batch batch = a_batch(own(store(), "a", {1, 2}));
  for (int i = 0; i < 6; ++i) batch.signals.push_back(a_signal(1 + i % 2, "k-" + std::to_string(i), "s"));
  batch.signals[1].name = "refunded";
  batch.signals[2].fate = SignalFate::consumed;
  batch.signals[2].run_id = next_run_id(1);
  ASSERT_TRUE(commit(batch));
  const auto find = [&](SignalFilter filter) {
    filter.namespace_name = "default";
    auto page = ask<SignalPage>([&](auto done) { store().list_signals(filter, done); });
    EXPECT_TRUE(page) << page.error().message;
    return *std::move(page);
  };

  const SignalPage first = find({.limit = 4});
  const SignalPage second = find({.limit = 4, .cursor = first.next_cursor.value_or("")});

  ASSERT_EQ(first.items.size(), 4U);
  EXPECT_EQ(first.items[0].key, "k-5");
  ASSERT_EQ(second.items.size(), 2U);
  EXPECT_EQ(second.items[1].key, "k-0");
  EXPECT_FALSE(second.next_cursor);
  EXPECT_EQ(find({.name = "refunded"}).items.at(0).key, "k-1");
  EXPECT_EQ(find({.key = "k-4"}).items.size(), 1U);
  EXPECT_EQ(find({.fate = SignalFate::consumed}).items.at(0).key, "k-2");
  EXPECT_EQ(find({.run_id = batch.signals[2].run_id}).items.size(), 1U);
}

TEST_P(StoreReads, IsReady) {
  EXPECT_TRUE(ask<void>([&](auto done) { store().check_ready(done); }));
  EXPECT_TRUE(ask<void>([&](auto done) { store().keep_partitions(done); }));
  EXPECT_EQ(store().shard_count(), test::kTestShards);
  EXPECT_GE(store().lane_count(), 1);
}

TEST_P(StoreReads, AStoppedStoreAnswersUnavailable) {
  store().stop();

  const auto answer = ask<void>([&](auto done) { store().check_ready(done); });

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  EXPECT_EQ(store().begin_step().error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace orchestrator::store
