#include <gtest/gtest.h>

#include "api/webhooks/provider.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/provider_signatures.hpp"
#include "tests/support/vectors/payment_vectors.hpp"

namespace orchestrator::api::webhooks {
namespace {

using testing_support::payment_vector;

constexpr Timestamp kNow{std::chrono::seconds{1'763'613'000}};

Headers one_header(const std::string& name, const std::string& value) {
  Headers headers;
  headers.add(name, value);
  return headers;
}

std::optional<std::size_t> verify(const Provider& provider, const Headers& headers, const std::string& body,
                                  const std::vector<std::string>& secrets, const ProviderOptions& options = {}) {
  const Arrival arrival{.headers = headers, .body = body, .now = kNow};
  return provider.verify(arrival, secrets, options);
}

Result<Reading> read(const Provider& provider, const std::string& body, const ProviderOptions& options = {}) {
  const Headers headers;
  const Arrival arrival{.headers = headers, .body = body, .now = kNow};
  return provider.read(arrival, options);
}

Json document_of(const Result<Reading>& reading) { return json_of(reading->items.at(0).document); }

std::string key_of(const Result<Reading>& reading) { return reading->items.at(0).dedupe_key; }

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// PayFast.

TEST(PayFastWebhook, AcceptsEveryVectorWithItsPassphrase) {
  for (const char* id : {"payfast-itn", "payfast-itn-real-sandbox"}) {
    const Json vector = payment_vector(id);
    for (const auto& [label, signature] : vector.at("expect").items()) {
      const std::string passphrase = label == "no_passphrase" ? "" : label;
      const std::string body = vector.at("base").get<std::string>() + "&signature=" + signature.get<std::string>();

      EXPECT_EQ(verify(payfast(), {}, body, {passphrase}), 0U) << id << label;
      EXPECT_EQ(verify(payfast(), {}, body, {"another tenant's", passphrase}), 1U) << "second active secret";
      EXPECT_EQ(verify(payfast(), {}, body, {"another tenant's"}), std::nullopt);
    }
  }
}

TEST(PayFastWebhook, RefusesCommonMistakesAndChangedBytes) {
  const Json vector = payment_vector("payfast-itn");
  const std::string base = vector.at("base").get<std::string>();
  const std::string good = vector.at("expect").at("no_passphrase").get<std::string>();

  for (const auto& [mistake, signature] : vector.at("must_not_match").items()) {
    EXPECT_EQ(verify(payfast(), {}, base + "&signature=" + signature.get<std::string>(), {""}), std::nullopt)
        << mistake;
  }
  for (std::size_t i = 0; i < base.size(); ++i) {
    std::string changed = base;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_EQ(verify(payfast(), {}, changed + "&signature=" + good, {""}), std::nullopt) << i;
  }
  EXPECT_EQ(verify(payfast(), {}, base + "&signature=" + upper(good), {""}), std::nullopt) << "upper-case hex";
  EXPECT_EQ(verify(payfast(), {}, base + "&signature=", {""}), std::nullopt);
  EXPECT_EQ(verify(payfast(), {}, base, {""}), std::nullopt);
  EXPECT_EQ(verify(payfast(), {}, "", {""}), std::nullopt);
}

TEST(PayFastWebhook, ReadsTheSignedFieldsOnly) {
  const Json vector = payment_vector("payfast-itn");

  const auto reading = read(payfast(), vector.at("base").get<std::string>() + "&signature=ab&merchant_id=999");

  ASSERT_TRUE(reading);
  const Json document = document_of(reading);
  EXPECT_EQ(key_of(reading), "10000100/2577735/COMPLETE");
  EXPECT_EQ(document.at("merchant_id"), "10000100");
  EXPECT_EQ(document.at("name_last"), "");
  EXPECT_EQ(document.at("itn_parameters"), vector.at("base"));
}

TEST(PayFastWebhook, TextThatIsNotUtf8StillReads) {
  const auto reading =
      read(payfast(), "merchant_id=1&pf_payment_id=2&payment_status=COMPLETE&name_first=%E9&signature=ab");

  ASSERT_TRUE(reading);
  EXPECT_TRUE(parse_json(document_of(reading).dump()));
}

TEST(PayFastWebhook, CannotReadWithoutItsIdentifyingFields) {
  for (const char* body : {"", "a=1", "merchant_id=1&pf_payment_id=&payment_status=COMPLETE&signature=ab"}) {
    EXPECT_FALSE(read(payfast(), body)) << body;
  }
}

// PhonePe v1.

class PhonePeV1Webhook : public ::testing::Test {
 protected:
  const Json vector_ = payment_vector("phonepe-v1-callback");
  const std::string body_ = vector_.at("body").get<std::string>();
  const std::string verify_ = vector_.at("x_verify").get<std::string>();
  const std::string salt_ = vector_.at("salt").get<std::string>();
};

TEST_F(PhonePeV1Webhook, AcceptsTheVectorWithTheSaltOfItsIndex) {
  const Headers headers = one_header("x-verify", verify_);

  EXPECT_EQ(verify(phonepe_v1(), headers, body_, {salt_ + "###1"}), 0U);
  EXPECT_EQ(verify(phonepe_v1(), headers, body_, {"other###1", "older###2", salt_ + "###1"}), 2U);
  EXPECT_EQ(verify(phonepe_v1(), headers, body_, {salt_ + "###2"}), std::nullopt) << "same salt, other index";
  EXPECT_EQ(verify(phonepe_v1(), headers, body_, {"other###1"}), std::nullopt) << "another tenant's";
  EXPECT_EQ(verify(phonepe_v1(), headers, body_, {}), std::nullopt);
}

TEST_F(PhonePeV1Webhook, RefusesCommonMistakesAndChangedBytes) {
  const std::vector<std::string> secrets{salt_ + "###1"};
  for (const auto& [mistake, wrong] : vector_.at("must_not_match").items()) {
    EXPECT_EQ(verify(phonepe_v1(), one_header("X-VERIFY", wrong.get<std::string>()), body_, secrets), std::nullopt)
        << mistake;
  }
  const std::string digest = verify_.substr(0, verify_.find('#'));
  for (const std::string& wrong : {std::string{}, digest, digest + "###", digest + "###0", digest + "###1x",
                                   upper(digest) + "###1", std::string{"###1"}, digest.substr(2) + "###1"}) {
    EXPECT_EQ(verify(phonepe_v1(), one_header("X-VERIFY", wrong), body_, secrets), std::nullopt) << wrong;
  }
  EXPECT_EQ(verify(phonepe_v1(), {}, body_, secrets), std::nullopt) << "no header";
  std::string changed = body_;
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  EXPECT_EQ(verify(phonepe_v1(), one_header("X-VERIFY", verify_), changed, secrets), std::nullopt);
  for (const char* broken : {"", "{", "[]", "{\"response\":5}", "null"}) {
    EXPECT_EQ(verify(phonepe_v1(), one_header("X-VERIFY", verify_), broken, secrets), std::nullopt) << broken;
  }
}

TEST_F(PhonePeV1Webhook, ReadsTheDecodedResponse) {
  const auto reading = read(phonepe_v1(), body_);

  ASSERT_TRUE(reading);
  EXPECT_EQ(key_of(reading), "MT7850590068188104/PAYMENT_SUCCESS");
  EXPECT_EQ(document_of(reading).at("data").at("amount"), 10000);
}

TEST_F(PhonePeV1Webhook, CannotReadWhatIsNoResponse) {
  for (const std::string& response : {std::string{"%%%"}, digest::to_base64("no json"), digest::to_base64("[]"),
                                      digest::to_base64(R"({"code":"X"})")}) {
    EXPECT_FALSE(read(phonepe_v1(), Json{{"response", response}}.dump())) << response;
  }
}

TEST_F(PhonePeV1Webhook, SecretIsASaltWithItsIndex) {
  EXPECT_TRUE(phonepe_v1().check_secret("salt###1"));
  for (const char* wrong : {"", "salt", "salt###", "###1", "salt###x", "salt###0"}) {
    EXPECT_FALSE(phonepe_v1().check_secret(wrong)) << wrong;
  }
}

// PhonePe v2.

class PhonePeV2Webhook : public ::testing::Test {
 protected:
  const Json vector_ = payment_vector("phonepe-v2-webhook");
  const std::string body_ = vector_.at("body").get<std::string>();
  const std::string authorization_ = vector_.at("authorization").get<std::string>();
  const std::string secret_ =
      vector_.at("username").get<std::string>() + ":" + vector_.at("password").get<std::string>();
};

TEST_F(PhonePeV2Webhook, AcceptsTheVectorWithAnyActiveSecret) {
  const Headers headers = one_header("Authorization", authorization_);

  EXPECT_EQ(verify(phonepe_v2(), headers, body_, {secret_}), 0U);
  EXPECT_EQ(verify(phonepe_v2(), headers, body_, {"old_user:old_password", secret_}), 1U);
}

TEST_F(PhonePeV2Webhook, RefusesAnythingElse) {
  EXPECT_EQ(verify(phonepe_v2(), {}, body_, {secret_}), std::nullopt);
  EXPECT_EQ(verify(phonepe_v2(), one_header("Authorization", ""), body_, {secret_}), std::nullopt);
  EXPECT_EQ(verify(phonepe_v2(), one_header("Authorization", upper(authorization_)), body_, {secret_}), std::nullopt);
  EXPECT_EQ(verify(phonepe_v2(), one_header("Authorization", secret_), body_, {secret_}), std::nullopt);
  EXPECT_EQ(verify(phonepe_v2(), one_header("Authorization", authorization_), body_, {"another:tenant"}), std::nullopt);
}

TEST_F(PhonePeV2Webhook, ReadsEventOrderAndState) {
  const auto reading = read(phonepe_v2(), body_);

  ASSERT_TRUE(reading);
  EXPECT_EQ(key_of(reading), "checkout.order.completed/ord-0007/COMPLETED");
  EXPECT_EQ(document_of(reading), Json::parse(body_));
}

TEST_F(PhonePeV2Webhook, RefundIsKnownByItsOwnId) {
  const auto reading = read(
      phonepe_v2(),
      R"({"event":"pg.refund.completed","payload":{"merchantRefundId":"r-1","merchantOrderId":"ord-0007","state":"COMPLETED"}})");

  ASSERT_TRUE(reading);
  EXPECT_EQ(key_of(reading), "pg.refund.completed/r-1/COMPLETED");
}

TEST_F(PhonePeV2Webhook, CannotReadIncompleteBodies) {
  for (const char* body :
       {"", "[]", "5", R"({"event":"e"})", R"({"event":"e","payload":[]})", R"({"payload":{"state":"S"}})"}) {
    EXPECT_FALSE(read(phonepe_v2(), body)) << body;
  }
}

// Any HMAC.

TEST(GenericHmacWebhook, AcceptsHexAndBase64BehindAPrefix) {
  const std::string body = R"({"id":7})";
  const std::string bytes = digest::hmac(digest::Algorithm::sha512, "secret", body);
  ProviderOptions options{.header = "X-Sig", .algorithm = "sha512", .prefix = "v1="};

  EXPECT_EQ(
      verify(generic_hmac(), one_header("X-Sig", "v1=" + digest::to_hex(bytes)), body, {"old", "secret"}, options), 1U);
  options.encoding = "base64";
  EXPECT_EQ(verify(generic_hmac(), one_header("X-Sig", "v1=" + digest::to_base64(bytes)), body, {"secret"}, options),
            0U);
  EXPECT_EQ(verify(generic_hmac(), one_header("X-Sig", digest::to_base64(bytes)), body, {"secret"}, options),
            std::nullopt);
  EXPECT_EQ(
      verify(generic_hmac(), one_header("X-Sig", "v1=" + digest::to_base64(bytes)), body + " ", {"secret"}, options),
      std::nullopt);
  EXPECT_EQ(verify(generic_hmac(), {}, body, {"secret"}, options), std::nullopt);
}

TEST(GenericHmacWebhook, SignedTimeMayBeFiveMinutesOffBothWays) {
  const std::string body = "{}";
  const ProviderOptions options{.timestamp_header = "X-Time"};
  for (const auto& [offset, accepted] : {std::pair{0, true}, {300, true}, {-300, true}, {301, false}, {-301, false}}) {
    const std::string time = std::to_string(1'763'613'000 + offset);
    Headers headers = one_header("X-Time", time);
    headers.add("X-Signature", digest::to_hex(digest::hmac(digest::Algorithm::sha256, "secret", time + "." + body)));

    EXPECT_EQ(verify(generic_hmac(), headers, body, {"secret"}, options).has_value(), accepted) << offset;
  }
}

TEST(GenericHmacWebhook, EventIsKnownByItsIdOrByItsBytes) {
  const auto by_id = read(generic_hmac(), R"({"event":{"id":"e-1"}})", {.id_path = "$.event.id"});
  const auto by_bytes = read(generic_hmac(), R"({"event":{"id":"e-1"}})");

  EXPECT_EQ(key_of(by_id), "e-1");
  EXPECT_EQ(key_of(by_bytes).size(), 64U);
  EXPECT_FALSE(read(generic_hmac(), "{}", {.id_path = "$.event.id"}));
  EXPECT_FALSE(read(generic_hmac(), "no json"));
}

TEST(WebhookProviders, WhatIsNestedTooDeepForAMessageCannotBeRead) {
  const auto nested = [](int levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  const Headers headers;
  const std::string fits = nested(kMaxWebhookDepth);
  const std::string too_deep = nested(kMaxWebhookDepth + 1);

  EXPECT_TRUE(read_events(generic_hmac(), {.headers = headers, .body = fits, .now = kNow}, {}));
  EXPECT_FALSE(read_events(generic_hmac(), {.headers = headers, .body = too_deep, .now = kNow}, {}));
}

TEST(WebhookProviders, AreFoundByTheNamesOfTheContract) {
  for (const char* name : {"payfast", "phonepe_v1", "phonepe_v2", "stripe", "paypal", "paystack", "evolution",
                           "whatsapp", "svix", "standard_webhooks", "clerk", "pubsub", "generic_hmac"}) {
    ASSERT_NE(find_provider(name), nullptr) << name;
    EXPECT_EQ(find_provider(name)->name, name);
  }
  EXPECT_EQ(all_providers().size(), 13U);
  EXPECT_EQ(find_provider("unheard"), nullptr);
}

}  // namespace
}  // namespace orchestrator::api::webhooks
