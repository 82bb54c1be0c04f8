#include <gtest/gtest.h>

#include "api/webhooks/endpoint_cache.hpp"
#include "tests/support/fake_service.hpp"

namespace orchestrator::api::webhooks {
namespace {

class EndpointCacheTest : public ::testing::Test {
 protected:
  void put(const std::string& settings) {
    store::WebhookEndpointRow row;
    row.namespace_name = "default";
    row.name = "shop";
    row.provider = "stripe";
    row.settings = settings;
    service_.webhooks().write_endpoint(row, store::EndpointWrite::replace, {}, [](const auto&) {});
  }

  Result<LiveEndpointPtr> find(const std::string& name = "shop") {
    std::optional<Result<LiveEndpointPtr>> answer;
    cache_.find("default", name, [&](Result<LiveEndpointPtr> found) { answer.emplace(std::move(found)); });
    return *answer;
  }

  std::optional<std::string> secret_ = "whsec_1";
  testing_support::FakeService service_;
  std::chrono::steady_clock::time_point now_{};
  EndpointCache cache_{service_, [this](const std::string&) { return secret_; }, [this] { return now_; }};
};

constexpr const char* kFirst = R"({"secrets":["env:S"],"signal":{"name":"paid","key":"$.id"}})";
constexpr const char* kSecond = R"({"secrets":["env:S"],"signal":{"name":"settled","key":"$.id"}})";

TEST_F(EndpointCacheTest, ManyWebhooksCostOneLookUp) {
  put(kFirst);

  for (int i = 0; i < 10; ++i) {
    const auto found = find();
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ((*found)->settings.signal_name, "paid");
  }

  EXPECT_EQ(service_.webhooks().look_ups(), 1);
}

TEST_F(EndpointCacheTest, ForgottenEndpointIsReadAgain) {
  put(kFirst);
  find();
  put(kSecond);
  EXPECT_EQ((*find())->settings.signal_name, "paid") << "for a moment";

  cache_.forget("default", "shop");

  EXPECT_EQ((*find())->settings.signal_name, "settled");
}

TEST_F(EndpointCacheTest, ChangeMadeElsewhereCountsWithinASecond) {
  put(kFirst);
  find();
  put(kSecond);
  now_ += std::chrono::milliseconds{999};
  EXPECT_EQ((*find())->settings.signal_name, "paid");

  now_ += std::chrono::milliseconds{1};

  EXPECT_EQ((*find())->settings.signal_name, "settled");
}

TEST_F(EndpointCacheTest, NewValueOfASecretCountsWithinASecond) {
  put(kFirst);
  find();
  secret_ = "whsec_2";
  now_ += std::chrono::seconds{1};

  EXPECT_EQ(*(*find())->secrets, std::vector<std::string>{"whsec_2"});
}

TEST_F(EndpointCacheTest, UnknownEndpointIsRememberedToo) {
  EXPECT_EQ(find("nope").error().code, ErrorCode::not_found);
  EXPECT_EQ(find("nope").error().code, ErrorCode::not_found);

  EXPECT_EQ(service_.webhooks().look_ups(), 1);
}

TEST_F(EndpointCacheTest, DatabaseThatIsAwayIsAskedAgain) {
  put(kFirst);
  service_.webhooks().fail_next(Error(ErrorCode::unavailable, "away"));

  EXPECT_EQ(find().error().code, ErrorCode::unavailable);
  EXPECT_TRUE(find());
}

TEST_F(EndpointCacheTest, MissingSecretIsTheEndpointsNotItsNeighbours) {
  put(kFirst);
  secret_.reset();

  const auto endpoint = find();

  ASSERT_TRUE(endpoint);
  EXPECT_EQ((*endpoint)->secrets.error().slug, "missing-secret");
}

}  // namespace
}  // namespace orchestrator::api::webhooks
