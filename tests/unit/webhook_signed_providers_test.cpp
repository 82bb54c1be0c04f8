// Providers that sign the body with a shared secret: Stripe, Paystack, WhatsApp, Svix, Clerk, Standard Webhooks,
// Evolution.
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "tests/support/vectors/payment_vectors.hpp"
#include "tests/unit/webhook_case.hpp"

namespace orchestrator::api::webhooks {
namespace {

using std::chrono::seconds;
using testing_support::webhook_vector;

std::string text(const Json& vector, const char* member) { return vector.at(member).get<std::string>(); }

// Stripe.

WebhookCase stripe_case() {
  const Json vector = webhook_vector("stripe");
  return {.provider = stripe(),
          .headers = {{"Stripe-Signature", text(vector, "header")}},
          .body = text(vector, "body"),
          .secrets = {text(vector, "secret")}};
}

TEST(StripeWebhook, AcceptsTheVectorAndRefusesWhateverIsChanged) {
  const WebhookCase good = stripe_case();

  EXPECT_EQ(good.verify(), 0U);
  // Not the name of the time, and not the name of the signature: those change what is read at all.
  expect_refusals(good, "Stripe-Signature", "whsec_another");
  const std::string header = text(webhook_vector("stripe"), "header");
  const auto digest = header.find("v1=") + 3;
  EXPECT_FALSE(
      good.with_header("Stripe-Signature", header.substr(0, digest) + upper_case(header.substr(digest))).verify());
}

TEST(StripeWebhook, AcceptsEitherOfTwoSignatures) {
  const WebhookCase good = stripe_case();

  EXPECT_EQ(good.with_header("Stripe-Signature", text(webhook_vector("stripe"), "header_two_secrets")).verify(), 0U);
}

TEST(StripeWebhook, SignedTimeMayBeFiveMinutesOffBothWays) {
  for (const auto& [offset, accepted] : {std::pair{300, true}, {-300, true}, {301, false}, {-301, false}}) {
    EXPECT_EQ(stripe_case().at(seconds{offset}).verify().has_value(), accepted) << offset;
  }
}

TEST(StripeWebhook, RefusesCommonMistakes) {
  const Json vector = webhook_vector("stripe");
  const WebhookCase good = stripe_case();
  for (const auto& [mistake, wrong] : vector.at("must_not_match").items()) {
    EXPECT_FALSE(good.with_header("Stripe-Signature", "t=1763613000,v1=" + wrong.get<std::string>()).verify())
        << mistake;
  }
  const std::string digest = text(vector, "header").substr(text(vector, "header").find("v1=") + 3);
  for (const std::string& header :
       {"v1=" + digest, "t=,v1=" + digest, "t=x,v1=" + digest, "t=-1763613000,v1=" + digest,
        "t=1763613000,v0=" + digest, std::string{"t=1763613000,v1="}, std::string{"t=1763613000"},
        "t=1763613000;v1=" + digest, "t=1763612999,v1=" + digest}) {
    EXPECT_FALSE(good.with_header("Stripe-Signature", header).verify()) << header;
  }
}

TEST(StripeWebhook, EventIsKnownByItsId) {
  const auto reading = stripe_case().read();

  ASSERT_TRUE(reading);
  ASSERT_EQ(reading->items.size(), 1U);
  EXPECT_EQ(reading->items[0].dedupe_key, "evt_1PqTestA");
  EXPECT_EQ(json_of(reading->items[0].document).at("type"), "invoice.paid");
  for (const char* body : {"", "[]", "{}", R"({"id":""})", R"({"id":{}})"}) {
    WebhookCase unreadable = stripe_case();
    unreadable.body = body;
    EXPECT_FALSE(unreadable.read()) << body;
  }
}

// Paystack.

WebhookCase paystack_case() {
  const Json vector = webhook_vector("paystack");
  return {.provider = paystack(),
          .headers = {{"x-paystack-signature", text(vector, "x_paystack_signature")}},
          .body = text(vector, "body"),
          .secrets = {text(vector, "secret")}};
}

TEST(PaystackWebhook, AcceptsTheVectorAndRefusesWhateverIsChanged) {
  const WebhookCase good = paystack_case();

  EXPECT_EQ(good.verify(), 0U);
  expect_refusals(good, "x-paystack-signature", "another-key");
  EXPECT_FALSE(good.with_header("x-paystack-signature", upper_case(good.headers[0].second)).verify());
}

TEST(PaystackWebhook, EventIsKnownByItsNameAndObject) {
  const auto key_of = [](const char* body) {
    WebhookCase webhook = paystack_case();
    webhook.body = body;
    const auto reading = webhook.read();
    return reading ? reading->items.at(0).dedupe_key : std::string("unreadable");
  };

  EXPECT_EQ(paystack_case().read()->items.at(0).dedupe_key, "charge.success/302961");
  EXPECT_EQ(key_of(R"({"event":"refund.processed","data":{"id":5,"status":"processed"}})"),
            "refund.processed/5/processed");
  EXPECT_EQ(key_of(R"({"event":"charge.dispute.create","data":{"id":5,"status":"pending"}})"),
            "charge.dispute.create/5/pending");
  EXPECT_EQ(key_of(R"({"event":"transfer.success","data":{"reference":"tr-1"}})"), "transfer.success/tr-1");
  EXPECT_EQ(key_of(R"({"event":"transfer.success","data":{}})"), "unreadable");
  EXPECT_EQ(key_of(R"({"data":{"id":1}})"), "unreadable");
}

// WhatsApp.

WebhookCase whatsapp_case() {
  const Json vector = webhook_vector("whatsapp");
  return {.provider = whatsapp(),
          .headers = {{"X-Hub-Signature-256", text(vector, "x_hub_signature_256")}},
          .body = text(vector, "body"),
          .secrets = {text(vector, "app_secret")}};
}

TEST(WhatsAppWebhook, AcceptsTheVectorAndRefusesWhateverIsChanged) {
  const WebhookCase good = whatsapp_case();

  EXPECT_EQ(good.verify(), 0U);
  expect_refusals(good, "X-Hub-Signature-256", "another-app");
  const Json vector = webhook_vector("whatsapp");  // named: a range-for lets temporaries of its range go
  for (const auto& [mistake, wrong] : vector.at("must_not_match").items()) {
    EXPECT_FALSE(good.with_header("X-Hub-Signature-256", wrong.get<std::string>()).verify()) << mistake;
  }
  EXPECT_FALSE(good.with_header("X-Hub-Signature-256", good.headers[0].second.substr(7)).verify()) << "no prefix";
}

TEST(WhatsAppWebhook, MessageKeepsItsEnvelope) {
  const auto reading = whatsapp_case().read();

  ASSERT_TRUE(reading);
  ASSERT_EQ(reading->items.size(), 1U);
  EXPECT_EQ(reading->items[0].dedupe_key, "wamid.TEST1");
  EXPECT_EQ(json_of(reading->items[0].document), Json::parse(whatsapp_case().body));
}

TEST(WhatsAppWebhook, EveryMessageAndStatusOfABodyIsAnEventOfItsOwn) {
  WebhookCase webhook = whatsapp_case();
  webhook.body =
      R"({"object":"w","entry":[
           {"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"5"},
             "messages":[{"id":"m1","from":"a"},{"id":"m2","from":"b"}],
             "statuses":[{"id":"m0","status":"sent"},{"id":"m0","status":"read"}]}}]},
           {"id":"2","changes":[{"field":"messages","value":{"messages":[{"id":"m3","from":"c"}]}}]}]})";

  const auto reading = webhook.read();

  ASSERT_TRUE(reading);
  std::vector<std::string> keys;
  for (const Item& item : reading->items) keys.push_back(item.dedupe_key);
  EXPECT_EQ(keys, (std::vector<std::string>{"m1", "m2", "m0/sent", "m0/read", "m3"}));
  const Json& second = json_of(reading->items[1].document);
  const Json& value = second.at("entry").at(0).at("changes").at(0).at("value");
  EXPECT_EQ(second.at("entry").size(), 1U);
  EXPECT_EQ(value.at("messages"), Json::parse(R"([{"id":"m2","from":"b"}])"));
  EXPECT_FALSE(value.contains("statuses"));
  EXPECT_EQ(value.at("metadata").at("phone_number_id"), "5");
  EXPECT_EQ(json_of(reading->items[4].document).at("entry").at(0).at("id"), "2");
}

TEST(WhatsAppWebhook, BodyWithoutMessagesIsOneEventKnownByItsBytes) {
  WebhookCase webhook = whatsapp_case();
  webhook.body = R"({"object":"w","entry":[{"id":"1","changes":[{"field":"template_status","value":{"event":"X"}}]}]})";

  const auto reading = webhook.read();

  ASSERT_TRUE(reading);
  ASSERT_EQ(reading->items.size(), 1U);
  EXPECT_TRUE(reading->items[0].dedupe_key.starts_with("sha256/"));
}

TEST(WhatsAppWebhook, TooManyEventsCannotBeRead) {
  Json messages = Json::array();
  for (std::size_t i = 0; i <= kMaxWebhookItems; ++i) messages.push_back({{"id", std::to_string(i)}});
  WebhookCase webhook = whatsapp_case();
  const Json value = {{"messages", messages}};
  const Json change = {{"value", value}};
  const Json entry = {{"changes", Json::array({change})}};
  webhook.body = Json{{"entry", Json::array({entry})}}.dump();

  EXPECT_FALSE(webhook.read());
}

// Svix and Clerk.

WebhookCase svix_case() {
  const Json vector = webhook_vector("svix-resend");
  return {.provider = svix(),
          .headers = {{"svix-id", text(vector, "svix_id")},
                      {"svix-timestamp", text(vector, "svix_timestamp")},
                      {"svix-signature", text(vector, "svix_signature")}},
          .body = text(vector, "body"),
          .secrets = {"whsec_" + text(vector, "secret_after_prefix")}};
}

TEST(SvixWebhook, AcceptsTheVectorAndRefusesWhateverIsChanged) {
  const Json vector = webhook_vector("svix-resend");
  const WebhookCase good = svix_case();

  EXPECT_EQ(good.verify(), 0U);
  expect_refusals(good, "svix-signature", "whsec_" + text(vector, "previous_secret_after_prefix"));
  for (const auto& [mistake, wrong] : vector.at("must_not_match").items()) {
    EXPECT_FALSE(good.with_header("svix-signature", wrong.get<std::string>()).verify()) << mistake;
  }
  EXPECT_FALSE(good.with_header("svix-id", "msg_2Lml5Wz1aTest02").verify());
  EXPECT_FALSE(good.with_header("svix-id", "").verify());
  EXPECT_FALSE(good.with_header("svix-timestamp", "1763613001").verify());
  EXPECT_FALSE(good.without_header("svix-timestamp").verify());
}

TEST(SvixWebhook, AcceptsEitherOfTwoSignaturesAndSkipsVersionsItDoesNotKnow) {
  const Json vector = webhook_vector("svix-resend");
  const WebhookCase good = svix_case();

  EXPECT_TRUE(good.with_header("svix-signature", text(vector, "svix_signature_two_secrets")).verify());
  EXPECT_TRUE(good.with_header("svix-signature", "v9,AAAA " + text(vector, "svix_signature")).verify());
  EXPECT_FALSE(good.with_header("svix-signature", "v2" + text(vector, "svix_signature").substr(2)).verify());
  WebhookCase previous = good.with_header("svix-signature", text(vector, "svix_signature_two_secrets"));
  previous.secrets = {"whsec_" + text(vector, "previous_secret_after_prefix")};
  EXPECT_TRUE(previous.verify());
}

TEST(SvixWebhook, SignedTimeMayBeFiveMinutesOffBothWays) {
  for (const auto& [offset, accepted] : {std::pair{300, true}, {-300, true}, {301, false}, {-301, false}}) {
    EXPECT_EQ(svix_case().at(seconds{offset}).verify().has_value(), accepted) << offset;
  }
}

TEST(SvixWebhook, EventIsKnownByItsHeader) {
  const auto reading = svix_case().read();

  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->items.at(0).dedupe_key, "msg_2Lml5Wz1aTest01");
}

TEST(SvixWebhook, SecretIsBase64BehindItsPrefix) {
  EXPECT_TRUE(svix().check_secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"));
  for (const char* wrong : {"", "whsec_", "whsec_%%%", "whpk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}) {
    EXPECT_FALSE(svix().check_secret(wrong)) << wrong;
  }
}

TEST(ClerkWebhook, IsSignedAsSvixDoes) {
  WebhookCase webhook = svix_case();
  webhook.provider = clerk();

  EXPECT_EQ(webhook.verify(), 0U);
  webhook.body += " ";
  EXPECT_FALSE(webhook.verify());
}

// Standard Webhooks.

WebhookCase standard_case(const char* signature) {
  const Json vector = webhook_vector("standard-webhooks");
  return {
      .provider = standard_webhooks(),
      .headers = {{"webhook-id", text(vector, "webhook_id")},
                  {"webhook-timestamp", text(vector, "webhook_timestamp")},
                  {"webhook-signature", text(vector, signature)}},
      .body = text(vector, "body"),
      .secrets = {std::string_view(signature) == "v1" ? "whsec_" + text(vector, "secret_after_prefix")
                                                      : "whpk_" + text(vector, "ed25519_public_after_whpk_prefix")}};
}

TEST(StandardWebhook, AcceptsTheSharedSecretOfTheVector) {
  EXPECT_EQ(standard_case("v1").verify(), 0U);
  expect_refusals(standard_case("v1"), "webhook-signature", "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7");
}

TEST(StandardWebhook, AcceptsTheEd25519KeyOfTheVector) {
  EXPECT_EQ(standard_case("v1a").verify(), 0U);
  expect_refusals(standard_case("v1a"), "webhook-signature", "");
  WebhookCase other_key = standard_case("v1a");
  other_key.secrets = {"whpk_" + digest::to_base64(std::string(32, '\x07'))};
  EXPECT_FALSE(other_key.verify());
}

TEST(StandardWebhook, AVersionIsOnlyBelievedFromItsOwnKindOfKey) {
  WebhookCase mixed = standard_case("v1a");
  mixed.secrets = standard_case("v1").secrets;
  EXPECT_FALSE(mixed.verify());
  mixed = standard_case("v1");
  mixed.secrets = standard_case("v1a").secrets;
  EXPECT_FALSE(mixed.verify());
}

TEST(StandardWebhook, IdWithADotIsRefused) {
  const WebhookCase good = standard_case("v1");
  const std::string id = "msg.1";
  const std::string signed_text = id + ".1763613000." + good.body;
  const std::string key = *digest::from_base64(text(webhook_vector("standard-webhooks"), "secret_after_prefix"));
  const std::string signature = digest::to_base64(digest::hmac(digest::Algorithm::sha256, key, signed_text));

  EXPECT_FALSE(good.with_header("webhook-id", id).with_header("webhook-signature", "v1," + signature).verify());
}

TEST(StandardWebhook, SecretMayBeWrittenAsSupabaseDoes) {
  WebhookCase webhook = standard_case("v1");
  webhook.secrets = {"v1," + webhook.secrets[0]};

  EXPECT_TRUE(standard_webhooks().check_secret(webhook.secrets[0]));
  EXPECT_EQ(webhook.verify(), 0U);
}

// Evolution.

WebhookCase evolution_case(const std::string& secret, std::vector<std::pair<std::string, std::string>> headers) {
  return {.provider = evolution(),
          .headers = std::move(headers),
          .body = text(webhook_vector("evolution"), "body"),
          .secrets = {secret}};
}

std::string evolution_token() {
  const Json vector = webhook_vector("evolution");
  const auto part = [](std::string plain) {
    std::string encoded = digest::to_base64(plain);
    while (encoded.ends_with('=')) encoded.pop_back();
    for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return encoded;
  };
  return part(text(vector, "jwt_header")) + "." + part(text(vector, "jwt_payload")) + "." +
         text(vector, "jwt_signature");
}

TEST(EvolutionWebhook, SharedHeaderIsCompared) {
  const WebhookCase good = evolution_case("header:X-Hook-Key=s3cret", {{"x-hook-key", "s3cret"}});

  EXPECT_EQ(good.verify(), 0U);
  EXPECT_FALSE(good.with_header("x-hook-key", "s3creT").verify());
  EXPECT_FALSE(good.with_header("x-hook-key", "").verify());
  EXPECT_FALSE(good.without_header("x-hook-key").verify());
}

TEST(EvolutionWebhook, TokenIsChecked) {
  const std::string key = text(webhook_vector("evolution"), "jwt_key");
  const WebhookCase good = evolution_case("jwt:" + key, {{"Authorization", "Bearer " + evolution_token()}});

  EXPECT_EQ(good.verify(), 0U);
  EXPECT_EQ(good.at(seconds{604}).verify(), 0U) << "within the leeway";
  EXPECT_FALSE(good.at(seconds{605}).verify());
  EXPECT_FALSE(good.with_header("Authorization", evolution_token()).verify()) << "no scheme";
  EXPECT_FALSE(good.with_header("Authorization", "Bearer " + flipped(evolution_token(), 40)).verify());
  WebhookCase foreign = good;
  foreign.secrets = {"jwt:another-key"};
  EXPECT_FALSE(foreign.verify());
}

TEST(EvolutionWebhook, SigningProxyIsBelieved) {
  const Json vector = webhook_vector("evolution");
  const WebhookCase good = evolution_case("hmac:" + text(vector, "proxy_hmac_secret"),
                                          {{"x-webhook-signature", text(vector, "proxy_hmac")}});

  expect_refusals(good, "x-webhook-signature", "hmac:another");
}

TEST(EvolutionWebhook, SecretSaysItsMode) {
  for (const char* good : {"header:X=1", "jwt:k", "hmac:s"}) EXPECT_TRUE(evolution().check_secret(good)) << good;
  for (const char* wrong : {"", "k", "header:", "header:X", "header:X=", "header:=1", "jwt:", "hmac:"}) {
    EXPECT_FALSE(evolution().check_secret(wrong)) << wrong;
  }
}

TEST(EvolutionWebhook, MessageIsKnownByInstanceAndIdAndItsKeyIsTakenOut) {
  WebhookCase webhook = evolution_case("header:X=1", {});
  const std::string key = "4f6c1f0e-instance-key";
  webhook.body.replace(webhook.body.find("REDACTED"), 8, key);

  const auto reading = webhook.read();

  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->items.at(0).dedupe_key, "salon-1/3EB0A1B2C3/messages.upsert");
  EXPECT_EQ(json_of(reading->items.at(0).document).at("apikey"), "***");
  EXPECT_EQ(reading->redacted_body.size(), webhook.body.size());
  EXPECT_EQ(reading->redacted_body.find(key), std::string::npos);
  EXPECT_NE(reading->redacted_body.find("\"apikey\":\"*********************\""), std::string::npos);
}

TEST(EvolutionWebhook, EscapedKeyIsTakenOutToo) {
  WebhookCase webhook = evolution_case("header:X=1", {});
  webhook.body.replace(webhook.body.find("REDACTED"), 8, "secret\\u002dkey\\u002d1");

  const auto reading = webhook.read();

  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->redacted_body.find("secret"), std::string::npos);
  EXPECT_TRUE(parse_json(reading->redacted_body));
}

TEST(EvolutionWebhook, UpdatesDifferByTheirStatus) {
  const auto key_of = [](const char* body) {
    WebhookCase webhook = evolution_case("header:X=1", {});
    webhook.body = body;
    const auto reading = webhook.read();
    return reading ? reading->items.at(0).dedupe_key : std::string("unreadable");
  };

  EXPECT_EQ(key_of(R"({"event":"messages.update","instance":"i","data":{"keyId":"k","status":"READ"}})"),
            "i/k/messages.update/READ");
  EXPECT_TRUE(key_of(R"({"event":"connection.update","instance":"i","data":{"state":"open"}})").starts_with("sha256/"));
  EXPECT_EQ(key_of(R"({"event":"messages.upsert"})"), "unreadable");
}

}  // namespace
}  // namespace orchestrator::api::webhooks
