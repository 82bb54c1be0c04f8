#include <gtest/gtest.h>

#include "api/limits.hpp"
#include "api/webhooks/key_cache.hpp"

namespace orchestrator::api::webhooks {
namespace {

/// Fetches that the test answers.
class KeyCacheTest : public ::testing::Test {
 protected:
  KeyCache cache_{KeySource{.fetch =
                                [this](std::string url, std::function<void(Result<std::string>)> done) {
                                  urls_.push_back(std::move(url));
                                  done_.push_back(std::move(done));
                                },
                            .now = [] { return Timestamp{std::chrono::seconds{1'763'613'000}}; },
                            .authorities_file = {}}};
  std::vector<std::string> urls_;
  std::vector<std::function<void(Result<std::string>)>> done_;
};

TEST_F(KeyCacheTest, AsksInTheBackgroundAndKeepsTheAnswer) {
  const KeyNeed need{.url = "https://keys.example/certs", .key_id = "k1"};

  EXPECT_EQ(cache_.find(need), nullptr);
  EXPECT_EQ(cache_.find(need), nullptr);
  ASSERT_EQ(urls_.size(), 1U) << "one question for many webhooks";
  done_[0](std::string(R"({"keys":[{"kid":"k1"}]})"));

  ASSERT_NE(cache_.find(need), nullptr);
  EXPECT_EQ(*cache_.find(need), R"({"keys":[{"kid":"k1"}]})");
  EXPECT_EQ(urls_.size(), 1U);
}

TEST_F(KeyCacheTest, UnknownKeyIsAskedForNoMoreThanOnceAMinute) {
  cache_.find({.url = "u", .key_id = "k1"});
  done_[0](std::string(R"({"keys":[{"kid":"k1"}]})"));

  for (int i = 0; i < 10; ++i) EXPECT_NE(cache_.find({.url = "u", .key_id = "made-up"}), nullptr);

  EXPECT_EQ(urls_.size(), 1U);
}

TEST_F(KeyCacheTest, FailedFetchIsNotRepeatedAtOnce) {
  cache_.find({.url = "u", .key_id = {}});
  done_[0](fail(ErrorCode::unavailable, "no connection"));

  EXPECT_EQ(cache_.find({.url = "u", .key_id = {}}), nullptr);
  EXPECT_EQ(urls_.size(), 1U);
}

TEST_F(KeyCacheTest, CertificateThatNobodyVouchesForIsNotUsed) {
  const KeyNeed need{.form = KeyNeed::Form::certificate, .url = "u", .key_id = {}};
  cache_.find(need);

  done_[0](std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));

  EXPECT_EQ(cache_.find(need), nullptr);
}

TEST_F(KeyCacheTest, OversizedDocumentIsNotUsed) {
  cache_.find({.url = "u", .key_id = {}});

  done_[0](std::string(kMaxKeyDocumentBytes + 1, ' '));

  EXPECT_EQ(cache_.find({.url = "u", .key_id = {}}), nullptr);
}

TEST_F(KeyCacheTest, MadeUpAddressesStartFewFetchesAndFillNoMemory) {
  for (int i = 0; i < 1'000; ++i) cache_.find({.url = "https://a.paypal.com/" + std::to_string(i), .key_id = {}});

  EXPECT_EQ(urls_.size(), kMaxKeyFetches);
}

}  // namespace
}  // namespace orchestrator::api::webhooks
