#include <gtest/gtest.h>

#include "orchestrator/service/webhook_batches.hpp"

namespace orchestrator::service {
namespace {

/// Keeps what it is asked until the test answers.
class HeldStore final : public store::WebhookStore {
 public:
  using Answers = std::vector<store::WebhookReceiptAnswer>;
  struct Asked {
    std::vector<store::WebhookReceipt> receipts;
    Done<Answers> done;
  };

  void record(std::vector<store::WebhookReceipt> receipts, Done<Answers> done) override {
    asked.push_back({std::move(receipts), std::move(done)});
  }
  void write_endpoint(store::WebhookEndpointRow, store::EndpointWrite, std::optional<AuditEntry>,
                      Done<store::WrittenEndpoint>) override {}
  void remove_endpoint(std::string, std::string, std::optional<AuditEntry>, Done<void>) override {}
  void find_endpoint(std::string, std::string, Done<store::WebhookEndpointRow>) override {}
  void list_endpoints(std::string, Done<std::vector<store::WebhookEndpointRow>>) override {}
  void find_delivery(std::string, store::DeliveryId, Done<store::WebhookDeliveryView>) override {}
  void list_deliveries(store::WebhookDeliveryFilter, Done<store::WebhookDeliveryPage>) override {}
  void count_replay(std::string, store::DeliveryId, std::optional<AuditEntry>, Done<std::int32_t>) override {}

  /// Commits the `index`-th group; the keys in `known` were there before.
  void commit(std::size_t index, const std::string& known = {}) {
    Answers answers;
    for (const auto& receipt : asked.at(index).receipts) {
      answers.push_back({.delivery_id = receipt.delivery.delivery_id,
                         .duplicate = receipt.delivery.dedupe_key == known,
                         .altered = false});
    }
    asked.at(index).done(std::move(answers));
  }
  void refuse(std::size_t index, ErrorCode code) { asked.at(index).done(Error(code, "refused")); }

  std::vector<Asked> asked;
};

class WebhookBatchesTest : public ::testing::Test {
 protected:
  void add(const std::string& key, std::size_t body_bytes = 1) {
    store::WebhookReceipt receipt;
    receipt.delivery.dedupe_key = key;
    receipt.delivery.body = std::string(body_bytes, 'x');
    receipt.messages.emplace_back();
    receipt.messages.back().body = key;
    batches_.add(std::move(receipt), [this, key](const Result<WebhookKept>& kept) {
      (kept ? kept_ : failed_).push_back(key);
      if (kept && kept->duplicate) duplicates_.push_back(key);
    });
  }
  [[nodiscard]] std::vector<std::string> keys_of(std::size_t index) const {
    std::vector<std::string> keys;
    for (const auto& receipt : store_.asked.at(index).receipts) keys.push_back(receipt.delivery.dedupe_key);
    return keys;
  }

  using Keys = std::vector<std::string>;
  HeldStore store_;
  Keys delivered_;
  Keys kept_;
  Keys failed_;
  Keys duplicates_;
  WebhookBatches batches_{store_, [this](std::vector<store::InboxRow> messages) {
                            for (const auto& message : messages) delivered_.push_back(message.body);
                          }};
};

TEST_F(WebhookBatchesTest, ASingleOneWaitsForNobody) {
  add("a");

  ASSERT_EQ(store_.asked.size(), 1U);
  EXPECT_TRUE(kept_.empty()) << "not before the commit";
  store_.commit(0);
  EXPECT_EQ(kept_, Keys{"a"});
  EXPECT_EQ(delivered_, Keys{"a"});
}

TEST_F(WebhookBatchesTest, WhatComesDuringTwoCommitsSharesTheNext) {
  for (const char* key : {"a", "b", "c", "d", "e"}) add(key);

  ASSERT_EQ(store_.asked.size(), 2U);
  store_.commit(0);
  ASSERT_EQ(store_.asked.size(), 3U);
  EXPECT_EQ(keys_of(2), (Keys{"c", "d", "e"}));
  store_.commit(2);
  store_.commit(1);
  EXPECT_EQ(kept_, (Keys{"a", "c", "d", "e", "b"}));
}

TEST_F(WebhookBatchesTest, RepeatIsAnsweredAndNotDelivered) {
  add("a");

  store_.commit(0, "a");

  EXPECT_EQ(kept_, Keys{"a"});
  EXPECT_EQ(duplicates_, Keys{"a"});
  EXPECT_TRUE(delivered_.empty());
}

TEST_F(WebhookBatchesTest, GroupsHaveALimitInNumberAndBytes) {
  add("first");
  add("second");
  for (std::size_t i = 0; i < kMaxWebhookBatch + 5; ++i) add(std::to_string(i));
  add("large", kMaxWebhookBatchBytes);
  store_.commit(0);
  store_.commit(1);

  ASSERT_EQ(store_.asked.size(), 4U);
  EXPECT_EQ(keys_of(2).size(), kMaxWebhookBatch);
  EXPECT_EQ(keys_of(3).size(), 5U);
  store_.commit(2);
  EXPECT_EQ(keys_of(4), Keys{"large"});
}

TEST_F(WebhookBatchesTest, WhatTheDatabaseRefusesKeepsNobodyElseOut) {
  add("x");
  add("y");
  for (const char* key : {"good", "bad", "fine"}) add(key);
  store_.commit(0);
  store_.refuse(2, ErrorCode::invalid_argument);

  ASSERT_EQ(store_.asked.size(), 6U) << "each alone";
  store_.commit(3);
  store_.refuse(4, ErrorCode::invalid_argument);
  store_.commit(5);
  EXPECT_EQ(kept_, (Keys{"x", "good", "fine"}));
  EXPECT_EQ(failed_, Keys{"bad"});
  store_.commit(1);
  add("later");
  EXPECT_EQ(store_.asked.size(), 7U) << "the count of what is under way is right again";
}

TEST_F(WebhookBatchesTest, DatabaseThatIsAwayFailsTheGroup) {
  add("a");

  store_.refuse(0, ErrorCode::unavailable);

  EXPECT_EQ(failed_, Keys{"a"});
  add("b");
  EXPECT_EQ(store_.asked.size(), 2U);
}

TEST_F(WebhookBatchesTest, TooManyAreToldToComeAgain) {
  for (std::size_t i = 0; i < kMaxWaitingWebhooks + 2; ++i) add("k");
  EXPECT_TRUE(failed_.empty());

  add("more");

  EXPECT_EQ(failed_, Keys{"more"});
}

TEST_F(WebhookBatchesTest, TooManyBytesAreToldToComeAgain) {
  add("a");
  add("b");
  add("c", kMaxWaitingWebhookBytes / 2);
  add("d", kMaxWaitingWebhookBytes / 2);

  EXPECT_EQ(failed_, Keys{"d"});
}

}  // namespace
}  // namespace orchestrator::service
