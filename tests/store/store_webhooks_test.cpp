#include "orchestrator/store/webhooks.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

class StoreWebhooks : public StoreConformance {
 protected:
  using Answers = std::vector<WebhookReceiptAnswer>;

  /// A delivery with its one signal's message, which goes to another shard than the delivery.
  static WebhookReceipt a_receipt(const std::string& dedupe_key, std::string body = "raw") {
    WebhookReceipt receipt;
    WebhookDeliveryRow& row = receipt.delivery;
    row.shard = ShardId{2};
    row.delivery_id = DeliveryId{next_message_id(2).bytes};
    row.namespace_name = "default";
    row.endpoint = "payments";
    row.provider = "stripe";
    row.dedupe_key = dedupe_key;
    row.headers = R"({"a":"b"})";
    row.body = std::move(body);
    row.received_at = time_of(row.delivery_id.bytes);
    InboxRow message = a_message(3);
    row.signal_id = SignalId{message.id.bytes};
    row.signal_count = 1;
    receipt.messages.push_back(std::move(message));
    return receipt;
  }

  static WebhookReceipt poison(const std::string& dedupe_key) {
    WebhookReceipt receipt = a_receipt(dedupe_key);
    receipt.delivery.verdict = WebhookVerdict::poison;
    receipt.delivery.reason = "no JSON";
    receipt.delivery.signal_id.reset();
    receipt.delivery.signal_count = 0;
    receipt.messages.clear();
    return receipt;
  }

  Result<Answers> record(std::vector<WebhookReceipt> receipts) {
    return ask<Answers>([&](auto done) { store().webhooks().record(receipts, done); });
  }
  Result<WebhookDeliveryView> find(const DeliveryId& id, const std::string& namespace_name = "default") {
    return ask<WebhookDeliveryView>([&](auto done) { store().webhooks().find_delivery(namespace_name, id, done); });
  }
  Result<WebhookDeliveryPage> list(WebhookDeliveryFilter filter) {
    filter.namespace_name = "default";
    filter.max_body_bytes = 1'000;
    return ask<WebhookDeliveryPage>([&](auto done) { store().webhooks().list_deliveries(filter, done); });
  }
  std::vector<std::string> keys_of(const WebhookDeliveryFilter& filter) {
    const auto page = list(filter);
    EXPECT_TRUE(page) << page.error().message;
    std::vector<std::string> keys;
    for (const auto& view : page->items) keys.push_back(view.row.dedupe_key);
    return keys;
  }
  std::vector<InboxRow> inbox() {
    const std::vector<ShardId> shards{ShardId{2}, ShardId{3}, ShardId{4}};
    return ask<InboxRead>([&](auto done) { store().read_inbox(shards, 100, done); })->rows;
  }

  static WebhookEndpointRow an_endpoint(const std::string& name) {
    WebhookEndpointRow row;
    row.namespace_name = "default";
    row.name = name;
    row.provider = "stripe";
    row.settings = R"({"a":1})";
    return row;
  }
  Result<WrittenEndpoint> write(const WebhookEndpointRow& row, EndpointWrite how) {
    return ask<WrittenEndpoint>([&](auto done) { store().webhooks().write_endpoint(row, how, std::nullopt, done); });
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, StoreWebhooks, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

TEST_P(StoreWebhooks, DeliveryIsReadAsItWasWrittenAndItsMessageIsSent) {
  const WebhookReceipt receipt = a_receipt("evt-1", std::string("\0raw\xff", 5));

  const auto answers = record({receipt});

  ASSERT_TRUE(answers) << answers.error().message;
  EXPECT_FALSE(answers->at(0).duplicate);
  EXPECT_EQ(answers->at(0).delivery_id, receipt.delivery.delivery_id);
  const auto view = find(receipt.delivery.delivery_id);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_EQ(view->row.body, receipt.delivery.body);
  EXPECT_EQ(view->row.headers, R"({"a":"b"})");
  EXPECT_EQ(view->row.provider, "stripe");
  EXPECT_EQ(view->row.received_at, receipt.delivery.received_at);
  EXPECT_EQ(view->row.signal_id, receipt.delivery.signal_id);
  EXPECT_EQ(view->row.signal_count, 1);
  EXPECT_EQ(view->body_bytes, 5);
  EXPECT_EQ(view->duplicates, 0);
  EXPECT_EQ(view->fate, SignalFate::buffered) << "in the inbox";
  const auto messages = inbox();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].id, receipt.messages[0].id);
  EXPECT_EQ(messages[0].shard, ShardId{3});
  EXPECT_EQ(find(receipt.delivery.delivery_id, "other").error().code, ErrorCode::not_found);
}

TEST_P(StoreWebhooks, RepeatIsCountedAndSendsNothing) {
  const WebhookReceipt first = a_receipt("evt-1");
  const WebhookReceipt same = a_receipt("evt-1");
  const WebhookReceipt altered = a_receipt("evt-1", "other bytes");
  ASSERT_TRUE(record({first}));

  const auto second = record({same});
  const auto third = record({altered});
  const auto fourth = record({same});

  ASSERT_TRUE(second && third && fourth);
  EXPECT_TRUE(second->at(0).duplicate);
  EXPECT_FALSE(second->at(0).altered);
  EXPECT_EQ(second->at(0).delivery_id, first.delivery.delivery_id);
  EXPECT_TRUE(third->at(0).altered);
  EXPECT_FALSE(fourth->at(0).altered);
  const auto view = find(first.delivery.delivery_id);
  EXPECT_EQ(view->duplicates, 3);
  EXPECT_EQ(view->altered_duplicates, 1);
  EXPECT_EQ(view->row.body, "raw");
  EXPECT_TRUE(view->last_duplicate_at);
  EXPECT_EQ(inbox().size(), 1U);
}

TEST_P(StoreWebhooks, RepeatsWithinOneCallAreFolded) {
  const WebhookReceipt first = a_receipt("evt-1");
  const auto answers =
      record({first, a_receipt("evt-2"), a_receipt("evt-1"), a_receipt("evt-1", "other bytes"), poison("evt-3")});

  ASSERT_TRUE(answers) << answers.error().message;
  std::vector<bool> duplicates;
  for (const auto& answer : *answers) duplicates.push_back(answer.duplicate);
  EXPECT_EQ(duplicates, (std::vector<bool>{false, false, true, true, false}));
  EXPECT_EQ(answers->at(2).delivery_id, first.delivery.delivery_id);
  EXPECT_TRUE(answers->at(3).altered);
  EXPECT_EQ(inbox().size(), 2U);
  EXPECT_EQ(find(first.delivery.delivery_id)->duplicates, 2);
  EXPECT_EQ(find(first.delivery.delivery_id)->altered_duplicates, 1);
  const auto again = record({a_receipt("evt-1"), a_receipt("evt-1")});
  EXPECT_TRUE(again->at(0).duplicate && again->at(1).duplicate);
  EXPECT_EQ(find(first.delivery.delivery_id)->duplicates, 4);
}

TEST_P(StoreWebhooks, ABodyMayCarrySeveralSignals) {
  WebhookReceipt receipt = a_receipt("batch-1");
  receipt.messages.push_back(a_message(4));
  receipt.delivery.signal_count = 2;

  ASSERT_TRUE(record({receipt}));
  ASSERT_TRUE(record({receipt}));

  EXPECT_EQ(inbox().size(), 2U);
  EXPECT_EQ(find(receipt.delivery.delivery_id)->row.signal_count, 2);
}

TEST_P(StoreWebhooks, DeliveriesAreListedNewestFirstAndFiltered) {
  const WebhookReceipt oldest = a_receipt("evt-1");
  WebhookReceipt elsewhere = a_receipt("evt-2");
  elsewhere.delivery.endpoint = "mail";
  elsewhere.delivery.provider = "svix";
  const WebhookReceipt bad = poison("evt-3");
  const WebhookReceipt large = a_receipt("evt-4", std::string(1'001, 'x'));
  WebhookReceipt foreign = a_receipt("evt-5");
  foreign.delivery.namespace_name = "other";
  ASSERT_TRUE(record({oldest, elsewhere, bad, large, foreign}));
  ASSERT_TRUE(record({oldest}));

  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys_of({}), (Keys{"evt-4", "evt-3", "evt-2", "evt-1"}));
  EXPECT_EQ(keys_of({.endpoint = "mail"}), Keys{"evt-2"});
  EXPECT_EQ(keys_of({.provider = "stripe"}), (Keys{"evt-4", "evt-3", "evt-1"}));
  EXPECT_EQ(keys_of({.verdict = "poison"}), Keys{"evt-3"});
  EXPECT_EQ(keys_of({.verdict = "duplicate"}), Keys{"evt-1"});
  EXPECT_EQ(keys_of({.verdict = "accepted", .received_before = bad.delivery.received_at}), (Keys{"evt-2", "evt-1"}));
  EXPECT_EQ(keys_of({.received_after = bad.delivery.received_at}), Keys{"evt-4"});
  const auto page = list({.limit = 3});
  ASSERT_EQ(page->items.size(), 3U);
  EXPECT_FALSE(page->items[0].has_body) << "too long for a list";
  EXPECT_EQ(page->items[0].body_bytes, 1'001);
  EXPECT_EQ(page->items[1].row.reason, "no JSON");
  EXPECT_FALSE(page->items[1].row.signal_id);
  ASSERT_TRUE(page->next_cursor);
  EXPECT_EQ(keys_of({.limit = 3, .cursor = *page->next_cursor}), Keys{"evt-1"});
  EXPECT_EQ(list({.cursor = "nonsense"}).error().slug, "invalid-parameter");
}

TEST_P(StoreWebhooks, FateIsThatOfTheSignal) {
  const WebhookReceipt receipt = a_receipt("evt-1");
  ASSERT_TRUE(record({receipt}));
  Batch batch = a_batch({own(3)});
  SignalRow signal = a_signal(3, "o-1", "evt-1");
  signal.signal_id = *receipt.delivery.signal_id;
  signal.fate = SignalFate::consumed;
  batch.signals = {signal};
  batch.inbox_done = {{.shard = ShardId{3}, .id = receipt.messages[0].id}};
  ASSERT_TRUE(commit(batch));
  const WebhookReceipt unknown = a_receipt("evt-2");
  ASSERT_TRUE(record({unknown}));
  Batch gone = a_batch({own(3)});
  gone.inbox_done = {{.shard = ShardId{3}, .id = unknown.messages[0].id}};
  ASSERT_TRUE(commit(gone));

  EXPECT_EQ(find(receipt.delivery.delivery_id)->fate, SignalFate::consumed);
  EXPECT_EQ(list({})->items.at(1).fate, SignalFate::consumed);
  EXPECT_FALSE(find(unknown.delivery.delivery_id)->fate) << "its signal was a repeat of one sent otherwise";
}

TEST_P(StoreWebhooks, ReplaysAreNumbered) {
  const WebhookReceipt receipt = a_receipt("evt-1");
  ASSERT_TRUE(record({receipt}));
  const auto count = [&](const DeliveryId& id) {
    return ask<std::int32_t>([&](auto done) { store().webhooks().count_replay("default", id, std::nullopt, done); });
  };

  EXPECT_EQ(*count(receipt.delivery.delivery_id), 1);
  EXPECT_EQ(*count(receipt.delivery.delivery_id), 2);
  EXPECT_EQ(find(receipt.delivery.delivery_id)->replays, 2);
  EXPECT_EQ(count(DeliveryId{next_message_id(2).bytes}).error().code, ErrorCode::not_found);
}

TEST_P(StoreWebhooks, EndpointIsCreatedOnceReplacedAndRemoved) {
  WebhookEndpointRow endpoint = an_endpoint("pay");

  const auto created = write(endpoint, EndpointWrite::create);
  const auto again = write(endpoint, EndpointWrite::create);
  endpoint.provider = "paypal";
  const auto replaced = write(endpoint, EndpointWrite::replace);
  const auto fresh = write(an_endpoint("mail"), EndpointWrite::replace);

  ASSERT_TRUE(created) << created.error().message;
  EXPECT_TRUE(created->created);
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);
  EXPECT_FALSE(replaced->created);
  EXPECT_EQ(replaced->row.created_at, created->row.created_at);
  EXPECT_TRUE(fresh->created);
  const auto find_endpoint = [&](const std::string& namespace_name) {
    return ask<WebhookEndpointRow>([&](auto done) { store().webhooks().find_endpoint(namespace_name, "pay", done); });
  };
  EXPECT_EQ(find_endpoint("default")->provider, "paypal");
  EXPECT_EQ(find_endpoint("default")->settings, R"({"a":1})");
  EXPECT_EQ(find_endpoint("other").error().code, ErrorCode::not_found);
  const auto all =
      ask<std::vector<WebhookEndpointRow>>([&](auto done) { store().webhooks().list_endpoints("default", done); });
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(0).name, "mail");
  const auto remove = [&] {
    return ask<void>([&](auto done) { store().webhooks().remove_endpoint("default", "pay", std::nullopt, done); });
  };
  EXPECT_TRUE(remove());
  EXPECT_EQ(remove().error().code, ErrorCode::not_found);
  EXPECT_EQ(find_endpoint("default").error().code, ErrorCode::not_found);
}

TEST_P(StoreWebhooks, ANamespaceHasSoManyEndpointsAndNoMore) {
  for (std::int64_t i = 0; i < kMaxWebhookEndpoints; ++i) {
    ASSERT_TRUE(write(an_endpoint("e" + std::to_string(i)), EndpointWrite::create));
  }

  EXPECT_EQ(write(an_endpoint("more"), EndpointWrite::create).error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(write(an_endpoint("more"), EndpointWrite::replace).error().code, ErrorCode::resource_exhausted);
  EXPECT_TRUE(write(an_endpoint("e1"), EndpointWrite::replace)) << "what is there may change";
}

}  // namespace
}  // namespace orchestrator::store
