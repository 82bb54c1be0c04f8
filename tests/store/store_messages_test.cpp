#include "orchestrator/base/json.hpp"
#include "orchestrator/model/job_spec.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

using StoreMessages = StoreConformance;
INSTANTIATE_TEST_SUITE_P(Stores, StoreMessages, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

Status send(Store& store, const std::vector<InboxRow>& messages) {
  return ask<void>([&](auto done) { store.send(messages, done); });
}

std::vector<InboxRow> read(Store& store, const std::vector<ShardId>& shards, std::int32_t limit = 100) {
  auto answer = ask<InboxRead>([&](auto done) { store.read_inbox(shards, limit, done); });
  EXPECT_TRUE(answer) << answer.error().message;
  return std::move(answer->rows);
}

TEST_P(StoreMessages, ASentMessageIsReadAsItWasWritten) {
  const InboxRow message = a_message(2);

  ASSERT_TRUE(send(store(), {message, a_message(3)}));

  const auto rows = read(store(), {ShardId{2}, ShardId{5}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].shard, ShardId{2});
  EXPECT_EQ(rows[0].id, message.id);
  EXPECT_EQ(rows[0].kind, "child_ended");
  EXPECT_EQ(rows[0].body, message.body);
  EXPECT_EQ(rows[0].created_at, noon());
}

TEST_P(StoreMessages, ARepeatedMessageIsIgnored) {
  const InboxRow message = a_message(2);
  ASSERT_TRUE(send(store(), {message}));
  ASSERT_TRUE(send(store(), {message, message}));
  Batch batch = a_batch({own(1)});
  batch.outgoing = {{.from = ShardId{1}, .message = message}};
  ASSERT_TRUE(commit(batch));

  EXPECT_EQ(read(store(), {ShardId{2}}).size(), 1U);
}

TEST_P(StoreMessages, APromisedRunIsFoundInTheInboxUntilItsMessageIsHandled) {
  const RunId run = next_run_id(2);
  InboxRow promised = a_message(2);
  promised.id = MessageId{run.bytes};
  promised.kind = "start";
  promised.body = R"({"promised":true,"request":{"namespace":"default","workflow":"pay","version":3,"key":"o-1",
    "priority":4,"on_conflict":0,"id":")" +
                  run.str() + R"(","input":{"total":5}}})";
  const RunId other = next_run_id(2);
  InboxRow unpromised = promised;
  unpromised.id = MessageId{other.bytes};
  unpromised.body = R"({"request":{"namespace":"default","workflow":"pay"}})";
  const auto find = [&](RunId id) { return ask<RunView>([&](auto done) { store().find_run(id, done); }); };

  ASSERT_TRUE(send(store(), {promised, unpromised}));

  const auto view = find(run);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->header.id, run);
  EXPECT_EQ(view->header.workflow, "pay");
  EXPECT_EQ(view->header.version, 3);
  EXPECT_EQ(view->header.key, "o-1");
  EXPECT_EQ(view->header.priority, 4);
  EXPECT_EQ(json_of(view->header.input).at("total"), 5);
  EXPECT_EQ(view->header.created_at, noon());
  EXPECT_EQ(view->state, RunState::ready);
  EXPECT_EQ(parse_json(view->waiting_on)->at(0).at("kind"), "worker");
  EXPECT_FALSE(find(other));
  Batch batch = a_batch({own(2)});
  batch.inbox_done = {{.shard = ShardId{2}, .id = promised.id}};
  ASSERT_TRUE(commit(batch));
  EXPECT_FALSE(find(run));
}

TEST_P(StoreMessages, WhatIsPromisedIsListedLikeOtherRuns) {
  const RunId run = next_run_id(2);
  InboxRow start = a_message(2);
  start.id = MessageId{run.bytes};
  start.kind = "start";
  start.body = R"({"promised":true,"request":{"namespace":"default","workflow":"pay","key":"o-1","priority":0,
    "attributes":{"city":"Pune"},"input":{"total":5}}})";
  RunId first_job = next_run_id(3);
  first_job.bytes[14] = first_job.bytes[15] = 0;
  InboxRow jobs = a_message(3);
  jobs.id = MessageId{first_job.bytes};
  jobs.kind = "start_jobs";
  jobs.body = R"({"promised":true,"request":{"namespace":"default","workflow":"mail","priority":0,
    "job":{"queue":"slow"}},"inputs":[1,2]})";
  InboxRow unpromised = start;
  unpromised.id = MessageId{next_run_id(2).bytes};
  unpromised.body = R"({"request":{"namespace":"default","workflow":"pay","priority":0}})";
  const auto list = [&](RunFilter filter) {
    filter.namespace_name = "default";
    auto page = ask<RunPage>([&](auto done) { store().list_runs(filter, done); });
    EXPECT_TRUE(page) << page.error().message;
    return page ? page->items.size() : 999;
  };
  const auto with = [](auto set) {
    RunFilter filter;
    set(filter);
    return filter;
  };

  ASSERT_TRUE(send(store(), {start, jobs, unpromised}));

  EXPECT_EQ(list({}), 3U);
  EXPECT_EQ(list(with([](auto& f) { f.workflow = "mail"; })), 2U);
  EXPECT_EQ(list(with([](auto& f) { f.states = {RunState::ready}; })), 3U);
  EXPECT_EQ(list(with([](auto& f) { f.states = {RunState::succeeded}; })), 0U);
  EXPECT_EQ(list(with([](auto& f) { f.queue = "slow"; })), 2U);
  EXPECT_EQ(list(with([](auto& f) { f.handler = "mail"; })), 2U);
  EXPECT_EQ(list(with([](auto& f) { f.waiting_on = "worker"; })), 3U);
  EXPECT_EQ(list(with([](auto& f) { f.attributes["city"] = "\"Pune\""; })), 1U);
  EXPECT_EQ(list(with([](auto& f) { f.only_dead_letters = true; })), 0U);
}

TEST_P(StoreMessages, APromisedJobIsFoundByItsPlaceInTheMessage) {
  RunId first = next_run_id(2);
  first.bytes[14] = first.bytes[15] = 0;
  RunId third = first;
  third.bytes[15] = 2;
  RunId beyond = first;
  beyond.bytes[15] = 3;
  InboxRow promised = a_message(2);
  promised.id = MessageId{first.bytes};
  promised.kind = "start_jobs";
  promised.body = R"({"promised":true,"request":{"namespace":"default","workflow":"mail","priority":0,"id":")" +
                  first.str() + R"(","job":{"queue":"slow","spec":{"max_attempts":3}}},"inputs":[1,2,{"n":3}]})";
  const auto find = [&](RunId id) { return ask<RunView>([&](auto done) { store().find_run(id, done); }); };

  ASSERT_TRUE(send(store(), {promised}));

  EXPECT_EQ(dump_json(json_of(find(first)->header.input)), "1");
  const auto view = find(third);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->header.id, third);
  EXPECT_EQ(view->header.kind, RunKind::job);
  EXPECT_EQ(view->header.workflow, "mail");
  EXPECT_EQ(view->header.queue, "slow");
  EXPECT_EQ(job_spec_of(view->header.job).max_attempts, 3);
  EXPECT_EQ(dump_json(json_of(view->header.input)), R"({"n":3})");
  EXPECT_FALSE(find(beyond));
}

TEST_P(StoreMessages, ASignalIsFoundWhileItWaitsInTheInbox) {
  const SignalId signal = next_signal_id(2);
  InboxRow message = a_message(2);
  message.kind = "signal";
  message.body = R"({"namespace":"default","name":"paid","key":"o-1","id":"s-1","ttl_seconds":60,"payload":{"n":1},
    "signal_id":")" +
                 signal.str() + R"("})";
  const auto find = [&](SignalId id) { return ask<SignalView>([&](auto done) { store().find_signal(id, done); }); };

  ASSERT_TRUE(send(store(), {message}));

  const auto row = find(signal);
  ASSERT_TRUE(row) << row.error().message;
  EXPECT_EQ(row->signal_id, signal);
  EXPECT_EQ(row->name, "paid");
  EXPECT_EQ(row->key, "o-1");
  EXPECT_EQ(row->id, "s-1");
  EXPECT_EQ(json_of(row->payload).at("n"), 1);
  EXPECT_EQ(row->fate, SignalFate::buffered);
  EXPECT_EQ(row->reason, "in-inbox");
  EXPECT_EQ(row->expires_at, noon() + std::chrono::seconds(60));
  EXPECT_FALSE(find(next_signal_id(2)));
}

TEST_P(StoreMessages, AHandledMessageIsGone) {
  const InboxRow message = a_message(2);
  ASSERT_TRUE(send(store(), {message}));
  Batch batch = a_batch({own(2)});
  batch.inbox_done = {{.shard = ShardId{2}, .id = message.id}};

  ASSERT_TRUE(commit(batch));

  EXPECT_TRUE(read(store(), {ShardId{2}}).empty());
}

TEST_P(StoreMessages, AMessageSentAndHandledInOneBatchIsGone) {
  const ShardLease lease = own(2);
  Batch batch = a_batch({lease});
  batch.outgoing = {{.from = ShardId{2}, .message = a_message(2)}};
  batch.inbox_done = {{.shard = ShardId{2}, .id = batch.outgoing[0].message.id}};

  ASSERT_TRUE(commit(batch));

  EXPECT_TRUE(read(store(), {ShardId{2}}).empty());
}

TEST_P(StoreMessages, ReadingInSmallPortionsReachesEveryMessage) {
  std::set<MessageId> sent;
  for (int i = 0; i < 30; ++i) {
    const InboxRow message = a_message(i % 3);
    sent.insert(message.id);
    ASSERT_TRUE(send(store(), {message}));
  }

  std::set<MessageId> seen;
  for (int round = 0; round < 60; ++round) {
    const auto rows = read(store(), {ShardId{0}, ShardId{1}, ShardId{2}}, 4);
    EXPECT_LE(rows.size(), 4U);
    for (const InboxRow& row : rows) seen.insert(row.id);
  }

  EXPECT_EQ(seen, sent);
}

TEST_P(StoreMessages, DueRunsComeEarliestFirstUpToTheLimit) {
  Batch batch = a_batch(own(store(), "a", {1, 2}));
  for (int i = 0; i < 4; ++i) {
    OpenRunRow run = an_open_run(1 + i % 2);
    run.progress.wake_at = noon() - std::chrono::minutes(i);
    batch.opened.push_back(run);
  }
  batch.opened.push_back(an_open_run(1));
  ASSERT_TRUE(commit(batch));
  const std::vector<ShardId> shards{ShardId{1}, ShardId{2}};

  const auto due = ask<std::vector<DueRun>>([&](auto done) { store().due_runs(shards, noon(), 2, done); });

  ASSERT_TRUE(due) << due.error().message;
  ASSERT_EQ(due->size(), 2U);
  EXPECT_EQ((*due)[0].run_id, batch.opened[3].header.id);
  EXPECT_EQ((*due)[1].run_id, batch.opened[2].header.id);
  EXPECT_EQ((*due)[1].wake_at, noon() - std::chrono::minutes(2));
}

TEST_P(StoreMessages, AMailboxHoldsWaitsAndPendingSignalsOldestFirst) {
  const ShardLease lease = own(2);
  Batch batch = a_batch({lease});
  const RunId run = next_run_id(5);
  batch.waits_added = {a_wait(2, "order-7", run, 4), a_wait(2, "order-7", next_run_id(6), 2),
                       a_wait(2, "other", run, 9)};
  batch.signals = {a_signal(2, "order-7", "s-1"), a_signal(2, "order-7", "s-2"), a_signal(2, "order-7", "s-3")};
  batch.signals[1].fate = SignalFate::consumed;
  batch.signals[2].fate = SignalFate::delivered;
  std::swap(batch.signals[0], batch.signals[2]);
  ASSERT_TRUE(commit(batch));
  const MailboxQuery query{.shard = ShardId{2}, .namespace_name = "default", .key = "order-7"};
  const MailboxQuery empty{.shard = ShardId{2}, .namespace_name = "other", .key = "order-7"};

  const auto answer = load({.mailboxes = {empty, query}});

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->mailboxes.at(0).waits.empty());
  const MailboxAnswer& mailbox = answer->mailboxes.at(1);
  ASSERT_EQ(mailbox.waits.size(), 2U);
  EXPECT_EQ(mailbox.waits[0].run_id, run);
  EXPECT_EQ(mailbox.waits[0].step, 4);
  EXPECT_EQ(mailbox.waits[0].names, (std::vector<std::string>{"paid", "it's \"quoted\""}));
  EXPECT_EQ(mailbox.waits[0].state_name, "Await payment");
  EXPECT_EQ(mailbox.waits[0].since, batch.waits_added[0].since);
  ASSERT_EQ(mailbox.pending.size(), 2U);
  EXPECT_EQ(mailbox.pending[0].id, "s-1");
  EXPECT_EQ(mailbox.pending[1].fate, SignalFate::delivered);
  EXPECT_EQ(json_of(mailbox.pending[0].payload), json_of(a_signal(2, "x", "y").payload));
}

TEST_P(StoreMessages, AMailboxNamesTheIdsOfItsSendersUnlessTheyAreTooMany) {
  const ShardLease lease = own(2);
  Batch batch = a_batch({lease});
  batch.signals = {a_signal(2, "few", "s-1"), a_signal(2, "few", "s-2")};
  batch.signals[0].fate = SignalFate::consumed;
  std::set<std::pair<std::string, std::string>> many;
  for (std::size_t i = 0; i < kMaxSenderIds; ++i) {
    batch.signals.push_back(a_signal(2, "many", "s-" + std::to_string(i)));
    batch.signals.push_back(a_signal(2, "too many", "s-" + std::to_string(i)));
    many.emplace(batch.signals.back().name, batch.signals.back().id);
  }
  batch.signals.push_back(a_signal(2, "too many", "one more"));
  ASSERT_TRUE(commit(batch));
  std::vector<MailboxQuery> queries;
  for (const char* key : {"few", "none", "many", "too many"})
    queries.push_back({.shard = ShardId{2}, .namespace_name = "default", .key = key});

  const auto answer = load({.mailboxes = queries});

  ASSERT_TRUE(answer) << answer.error().message;
  const auto ids_of = [&](std::size_t at) {
    const auto& ids = answer->mailboxes.at(at).sender_ids.value();
    return std::set<std::pair<std::string, std::string>>(ids.begin(), ids.end());
  };
  const std::string name = batch.signals[0].name;
  EXPECT_EQ(ids_of(0), (std::set<std::pair<std::string, std::string>>{{name, "s-1"}, {name, "s-2"}}));
  EXPECT_TRUE(ids_of(1).empty());
  EXPECT_EQ(ids_of(2), many);
  EXPECT_FALSE(answer->mailboxes.at(3).sender_ids);
}

TEST_P(StoreMessages, ARemovedWaitIsGoneAlsoInTheBatchThatAddedIt) {
  const ShardLease lease = own(2);
  const RunId run = next_run_id(5);
  Batch batch = a_batch({lease});
  batch.waits_added = {a_wait(2, "order-7", run, 4), a_wait(2, "order-7", run, 6)};
  batch.waits_removed = {
      {.shard = ShardId{2}, .namespace_name = "default", .key = "order-7", .run_id = run, .step = 4}};
  ASSERT_TRUE(commit(batch));

  const auto answer = load({.mailboxes = {{.shard = ShardId{2}, .namespace_name = "default", .key = "order-7"}}});

  ASSERT_EQ(answer->mailboxes.at(0).waits.size(), 1U);
  EXPECT_EQ(answer->mailboxes[0].waits[0].step, 6);
}

TEST_P(StoreMessages, AWrittenSignalIsReadAsItWasWritten) {
  const ShardLease lease = own(2);
  SignalRow signal = a_signal(2, "order-7", "s-1");
  signal.fate = SignalFate::consumed;
  signal.reason = "wait-ended";
  signal.was_expected = true;
  signal.run_id = next_run_id(5);
  signal.step = 9;
  signal.state_name = "Await payment";
  signal.settled_at = noon();
  Batch batch = a_batch({lease});
  batch.signals = {signal};
  ASSERT_TRUE(commit(batch));

  const auto answer = ask<SignalView>([&](auto done) { store().find_signal(signal.signal_id, done); });

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->shard, ShardId{2});
  EXPECT_EQ(answer->namespace_name, "default");
  EXPECT_EQ(answer->name, "paid");
  EXPECT_EQ(answer->key, "order-7");
  EXPECT_FALSE(answer->addressed_run_id);
  EXPECT_EQ(answer->id, "s-1");
  EXPECT_EQ(json_of(answer->payload), json_of(signal.payload));
  EXPECT_EQ(answer->fate, SignalFate::consumed);
  EXPECT_EQ(answer->reason, "wait-ended");
  EXPECT_TRUE(answer->was_expected);
  EXPECT_EQ(answer->run_id, signal.run_id);
  EXPECT_EQ(answer->step, 9);
  EXPECT_EQ(answer->state_name, "Await payment");
  EXPECT_EQ(answer->received_at, signal.received_at);
  EXPECT_EQ(answer->settled_at, noon());
  EXPECT_EQ(answer->expires_at, signal.expires_at);
}

TEST_P(StoreMessages, ASendersIdIsUsedOncePerKeyAndName) {
  const ShardLease lease = own(2);
  Batch first = a_batch({lease});
  first.signals = {a_signal(2, "order-7", "s-1")};
  ASSERT_TRUE(commit(first));
  Batch other_key = a_batch({lease});
  other_key.signals = {a_signal(2, "order-8", "s-1")};
  Batch repeated = a_batch({lease});
  repeated.signals = {a_signal(2, "order-7", "s-1")};

  EXPECT_TRUE(commit(other_key));
  const auto answer = commit(repeated);

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
}

TEST_P(StoreMessages, SignalsAreFoundBySendersIdByRunAndById) {
  const ShardLease lease = own(2);
  SignalRow keyed = a_signal(2, "order-7", "s-1");
  SignalRow addressed = a_signal(2, "", "s-1");
  addressed.key.reset();
  addressed.addressed_run_id = next_run_id(2);
  Batch batch = a_batch({lease});
  batch.signals = {keyed, addressed};
  ASSERT_TRUE(commit(batch));
  SignalIdQuery by_key{.shard = ShardId{2}, .namespace_name = "default", .name = "paid", .key = "order-7", .id = "s-1"};
  SignalIdQuery by_run{.shard = ShardId{2}, .namespace_name = "default", .name = "paid", .id = "s-1"};
  by_run.addressed_run_id = addressed.addressed_run_id;
  SignalIdQuery unknown = by_key;
  unknown.name = "refunded";

  const auto answer = load({.addressed_signals = {next_run_id(2), *addressed.addressed_run_id},
                            .signal_ids = {by_run, unknown, by_key},
                            .signals = {next_signal_id(2), keyed.signal_id}});

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->signal_ids.at(0)->signal_id, addressed.signal_id);
  EXPECT_FALSE(answer->signal_ids.at(1));
  EXPECT_EQ(answer->signal_ids.at(2)->signal_id, keyed.signal_id);
  EXPECT_FALSE(answer->signals.at(0));
  EXPECT_EQ(answer->signals.at(1)->id, "s-1");
  EXPECT_TRUE(answer->addressed_signals.at(0).empty());
  ASSERT_EQ(answer->addressed_signals.at(1).size(), 1U);
  EXPECT_EQ(answer->addressed_signals[1][0].addressed_run_id, addressed.addressed_run_id);
}

TEST_P(StoreMessages, OnlyBufferedSignalsExpire) {
  const ShardLease lease = own(2);
  Batch batch = a_batch({lease});
  batch.signals = {a_signal(2, "k", "s-1"), a_signal(2, "k", "s-2"), a_signal(2, "k", "s-3")};
  batch.signals[0].expires_at = noon() - std::chrono::seconds(1);
  batch.signals[1].expires_at = noon() - std::chrono::seconds(2);
  batch.signals[1].fate = SignalFate::consumed;
  ASSERT_TRUE(commit(batch));

  const auto expired =
      ask<std::vector<SignalRow>>([&](auto done) { store().expired_signals({ShardId{2}}, noon(), 10, done); });

  ASSERT_TRUE(expired) << expired.error().message;
  ASSERT_EQ(expired->size(), 1U);
  EXPECT_EQ((*expired)[0].id, "s-1");
}

}  // namespace
}  // namespace orchestrator::store
