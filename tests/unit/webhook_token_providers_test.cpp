// Providers that are believed through a public key: PayPal and Google Cloud Pub/Sub.
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/jwt.hpp"
#include "tests/support/vectors/payment_vectors.hpp"
#include "tests/unit/webhook_case.hpp"

namespace orchestrator::api::webhooks {
namespace {

using std::chrono::seconds;
using testing_support::webhook_vector;

std::string text(const Json& vector, const char* member) { return vector.at(member).get<std::string>(); }

std::string base64url(const std::string& plain) {
  std::string encoded = digest::to_base64(plain);
  while (encoded.ends_with('=')) encoded.pop_back();
  for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return encoded;
}

// PayPal.

constexpr const char* kCertificateUrl = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270";

WebhookCase paypal_case() {
  const Json vector = webhook_vector("paypal");
  const auto keys = digest::read_key_set(webhook_vector("jwks").dump());
  return {.provider = paypal(),
          .headers = {{"PAYPAL-TRANSMISSION-ID", text(vector, "transmission_id")},
                      {"PAYPAL-TRANSMISSION-TIME", text(vector, "transmission_time")},
                      {"PAYPAL-TRANSMISSION-SIG", text(vector, "transmission_sig")},
                      {"PAYPAL-AUTH-ALGO", "SHA256withRSA"},
                      {"PAYPAL-CERT-URL", kCertificateUrl}},
          .body = text(vector, "body"),
          .options = {.webhook_id = text(vector, "webhook_id")},
          .key_document = keys->at(0).key.pem()};
}

std::optional<KeyNeed> paypal_need(const std::string& url, const std::string& algorithm = "SHA256withRSA") {
  Headers headers;
  headers.add("PAYPAL-CERT-URL", url);
  headers.add("PAYPAL-AUTH-ALGO", algorithm);
  const std::string body;
  return paypal().key_need({.headers = headers, .body = body, .now = kVectorTime}, {});
}

TEST(PayPalWebhook, AcceptsTheVectorAndRefusesWhateverIsChanged) {
  const WebhookCase good = paypal_case();

  EXPECT_EQ(good.verify(), 0U);
  expect_refusals(good, "PAYPAL-TRANSMISSION-SIG", "");
  EXPECT_FALSE(good.with_header("PAYPAL-TRANSMISSION-ID", "b2384410-f8d2-11ef-8c00-1b6f5a1a2c3e").verify());
  EXPECT_FALSE(good.with_header("PAYPAL-TRANSMISSION-TIME", "2025-11-20T04:30:01Z").verify());
  WebhookCase other = good;
  other.options.webhook_id = "ANOTHER";
  EXPECT_FALSE(other.verify());
  other.options.webhook_id.clear();
  EXPECT_FALSE(other.verify()) << "no webhook id at all";
  other = good;
  other.key_document.reset();
  EXPECT_FALSE(other.verify()) << "no key";
}

TEST(PayPalWebhook, RegistrationMayBeGivenAsASecret) {
  WebhookCase webhook = paypal_case();
  webhook.secrets = {"ANOTHER", webhook.options.webhook_id};
  webhook.options.webhook_id.clear();

  EXPECT_EQ(webhook.verify(), 1U);
}

TEST(PayPalWebhook, ChecksumIsAnUnsignedDecimal) {
  // Signed in the vector: 3263483499. As a signed number it would be -1031483797.
  EXPECT_TRUE(paypal_case().verify());
}

TEST(PayPalWebhook, ResendsComeLateAndAreStillBelieved) {
  EXPECT_TRUE(paypal_case().at(std::chrono::hours{72}).verify());
}

TEST(PayPalWebhook, CertificatesComeFromPayPalOnly) {
  ASSERT_TRUE(paypal_need(kCertificateUrl));
  EXPECT_EQ(paypal_need(kCertificateUrl)->form, KeyNeed::Form::certificate);
  for (const char* url :
       {"", "http://api.paypal.com/v1/notifications/certs/C",
        "https://paypal.com.evil.example/v1/notifications/certs/C", "https://evilpaypal.com/v1/notifications/certs/C",
        "https://api.paypal.com@evil.example/v1/notifications/certs/C",
        "https://api.paypal.com:444/v1/notifications/certs/C", "https://api.paypal.com/v1/other/C",
        "https://api.paypal.com/v1/notifications/certs/../../x", "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/notifications/certs/C?redirect=x", "https://.paypal.com/v1/notifications/certs/C",
        "https://api.paypal.com"}) {
    EXPECT_FALSE(paypal_need(url)) << url;
  }
  EXPECT_FALSE(paypal_need(kCertificateUrl, "SHA1withRSA"));
}

TEST(PayPalWebhook, EventIsKnownByItsId) {
  const auto reading = paypal_case().read();

  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->items.at(0).dedupe_key, "WH-7YX49823S2290830K-0JE13296W68552352");
}

// Pub/Sub.

WebhookCase pubsub_case() {
  const Json vector = webhook_vector("pubsub-push-jwt");
  const std::string token = base64url(text(vector, "jwt_header")) + "." + base64url(text(vector, "jwt_payload")) + "." +
                            text(vector, "jwt_signature");
  return {.provider = pubsub(),
          .headers = {{"Authorization", "Bearer " + token}},
          .body = R"({"message":{"messageId":"m-1","attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"b",
                      "objectId":"o/1","objectGeneration":"7"}},"subscription":"projects/p/subscriptions/s"})",
          .options = {.audience = "https://hooks.example/in/gcs",
                      .service_account = "pusher@proj.iam.gserviceaccount.com",
                      .subscription = "projects/p/subscriptions/s"},
          .key_document = webhook_vector("jwks").dump()};
}

TEST(PubSubWebhook, AcceptsTheTokenOfTheVector) {
  EXPECT_EQ(pubsub_case().verify(), 0U);
  EXPECT_EQ(pubsub_case().at(seconds{3604}).verify(), 0U) << "within the leeway";
}

TEST(PubSubWebhook, RefusesEveryOtherTokenAndSender) {
  const WebhookCase good = pubsub_case();
  const std::string header = good.headers[0].second;
  EXPECT_FALSE(good.at(seconds{3605}).verify()) << "over";
  EXPECT_FALSE(good.at(seconds{-6}).verify()) << "from the future";
  EXPECT_FALSE(good.without_header("Authorization").verify());
  for (std::size_t at = 7; at + 3 < header.size(); at += 5) {
    if (header[at] == '.') continue;
    EXPECT_FALSE(good.with_header("Authorization", flipped(header, at)).verify()) << at;
  }
  const auto with_options = [&](auto change) {
    WebhookCase changed = good;
    change(changed.options);
    return changed.verify();
  };
  EXPECT_FALSE(with_options([](auto& options) { options.audience = "https://hooks.example/in/other"; }));
  EXPECT_FALSE(with_options([](auto& options) { options.audience.clear(); }));
  EXPECT_FALSE(with_options([](auto& options) { options.service_account = "other@proj.iam.gserviceaccount.com"; }));
  EXPECT_FALSE(with_options([](auto& options) { options.service_account.clear(); }));
  EXPECT_FALSE(with_options([](auto& options) { options.subscription = "projects/p/subscriptions/other"; }));
  WebhookCase no_keys = good;
  no_keys.key_document = R"({"keys":[]})";
  EXPECT_FALSE(no_keys.verify());
}

TEST(PubSubWebhook, NeedsTheKeyThatItsTokenNames) {
  const WebhookCase good = pubsub_case();
  Headers headers;
  headers.add("Authorization", good.headers[0].second);
  const Arrival arrival{.headers = headers, .body = good.body, .now = kVectorTime};
  const auto need = pubsub().key_need(arrival, {.key_set_url = "https://keys.example/certs"});

  ASSERT_TRUE(need);
  EXPECT_EQ(need->key_id, "kid-rsa-1");
  EXPECT_EQ(need->url, "https://keys.example/certs");
  EXPECT_EQ(need->form, KeyNeed::Form::key_set);
}

TEST(PubSubWebhook, StoredObjectIsKnownByItsGeneration) {
  const auto key_of = [](const char* body) {
    WebhookCase webhook = pubsub_case();
    webhook.options.subscription.clear();
    webhook.body = body;
    const auto reading = webhook.read();
    return reading ? reading->items.at(0).dedupe_key : std::string("unreadable");
  };

  EXPECT_EQ(pubsub_case().read()->items.at(0).dedupe_key, "b/o/1/7/OBJECT_FINALIZE");
  EXPECT_EQ(key_of(R"({"message":{"messageId":"m-2","attributes":{}}})"), "m-2");
  EXPECT_EQ(key_of(R"({"message":{}})"), "unreadable");
}

}  // namespace
}  // namespace orchestrator::api::webhooks
