#include <gtest/gtest.h>

#include "api/webhooks/source_range.hpp"

namespace orchestrator::api::webhooks {
namespace {

TEST(SourceRange, ContainsExactlyItsBlock) {
  const auto range = SourceRange::parse("197.97.145.144/28");

  ASSERT_TRUE(range);
  EXPECT_FALSE(range->contains("197.97.145.143"));
  EXPECT_TRUE(range->contains("197.97.145.144"));
  EXPECT_TRUE(range->contains("197.97.145.159"));
  EXPECT_FALSE(range->contains("197.97.145.160"));
  EXPECT_FALSE(range->contains("::1"));
  EXPECT_FALSE(range->contains("nonsense"));
}

TEST(SourceRange, OneAddressNeedsNoLength) {
  EXPECT_TRUE(SourceRange::parse("144.126.193.139")->contains("144.126.193.139"));
  EXPECT_FALSE(SourceRange::parse("144.126.193.139")->contains("144.126.193.138"));
}

TEST(SourceRange, KnowsIpv6AndTheWholeWorld) {
  EXPECT_TRUE(SourceRange::parse("2001:db8::/33")->contains("2001:db8:7fff::1"));
  EXPECT_FALSE(SourceRange::parse("2001:db8::/33")->contains("2001:db8:8000::1"));
  EXPECT_TRUE(SourceRange::parse("0.0.0.0/0")->contains("8.8.8.8"));
}

TEST(SourceRange, RefusesTextThatIsNone) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "300.1.1.1", "::/129", "host"}) {
    EXPECT_FALSE(SourceRange::parse(text)) << text;
  }
}

Request request_from(const std::string& peer, const std::vector<std::string>& forwarded) {
  Request request;
  request.peer = peer;
  for (const std::string& value : forwarded) request.headers.add("X-Forwarded-For", value);
  return request;
}

TEST(WebhookSource, IsThePeerUnlessThatIsATrustedProxy) {
  EXPECT_EQ(source_of(request_from("9.9.9.9", {"1.1.1.1"}), {}), "9.9.9.9");
  EXPECT_EQ(source_of(request_from("10.0.0.1", {"1.1.1.1"}), {"10.0.0.0/8"}), "1.1.1.1");
  EXPECT_EQ(source_of(request_from("10.0.0.1", {}), {"10.0.0.0/8"}), "10.0.0.1");
}

TEST(WebhookSource, IsTheNearestUntrustedAddressOfTheChain) {
  EXPECT_EQ(source_of(request_from("10.0.0.1", {"6.6.6.6, 1.1.1.1 ,10.0.0.2"}), {"10.0.0.0/8"}), "1.1.1.1");
  EXPECT_EQ(source_of(request_from("10.0.0.1", {"6.6.6.6", "1.1.1.1"}), {"10.0.0.0/8"}), "1.1.1.1");
}

}  // namespace
}  // namespace orchestrator::api::webhooks
