#include "orchestrator/digest/provider_signatures.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "tests/support/vectors/payment_vectors.hpp"

namespace orchestrator::digest {
namespace {

using testing_support::payment_vector;

std::string passphrase_of(const std::string& label) { return label == "no_passphrase" ? std::string{} : label; }

FormFields fields_of(const Json& pairs) {
  FormFields fields;
  for (const Json& pair : pairs) fields.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  return fields;
}

TEST(PayFastSignature, FormMatchesEveryVectorWithAndWithoutPassphrase) {
  const Json vector = payment_vector("payfast-form");
  const FormFields fields = fields_of(vector.at("fields"));

  for (const auto& [label, expected] : vector.at("expect").items()) {
    EXPECT_EQ(payfast_form_signature(fields, passphrase_of(label)), expected.get<std::string>()) << label;
  }
}

TEST(PayFastSignature, FormIsSignedInPayFastsOrderWhateverTheCallersOrder) {
  const Json vector = payment_vector("payfast-form");
  FormFields fields = fields_of(vector.at("fields"));
  std::reverse(fields.begin(), fields.end());
  fields.emplace_back("signature", "not signed");

  const std::string signature = payfast_form_signature(fields, "");

  EXPECT_EQ(signature, vector.at("expect").at("no_passphrase").get<std::string>());
}

TEST(PayFastSignature, FormSkipsBlanksAndSignsZero) {
  const FormFields with_blank{{"amount", "5.00"}, {"name_last", " \t"}, {"custom_int1", "0"}};
  const FormFields without_blank{{"amount", "5.00"}, {"custom_int1", "0"}};
  const FormFields without_zero{{"amount", "5.00"}};

  EXPECT_EQ(payfast_form_signature(with_blank, ""), payfast_form_signature(without_blank, ""));
  EXPECT_NE(payfast_form_signature(without_blank, ""), payfast_form_signature(without_zero, ""));
}

TEST(PayFastSignature, NotificationMatchesEveryVectorAndNoneOfTheCommonMistakes) {
  for (const char* id : {"payfast-itn", "payfast-itn-real-sandbox"}) {
    const Json vector = payment_vector(id);
    const FormFields fields = parse_form(vector.at("base").get<std::string>());
    const Json mistakes = vector.value("must_not_match", Json::object());

    for (const auto& [label, expected] : vector.at("expect").items()) {
      const std::string signature = payfast_itn_signature(fields, passphrase_of(label));

      EXPECT_EQ(signature, expected.get<std::string>()) << id << ' ' << label;
      for (const auto& [mistake, wrong] : mistakes.items()) {
        EXPECT_NE(signature, wrong.get<std::string>()) << mistake;
      }
    }
  }
}

TEST(PayFastSignature, NotificationParametersStopAtTheSignatureAndKeepBlanks) {
  const FormFields fields = parse_form("a=1&name_last=&note=caf%c3%a9+~&signature=abc&after=2");

  EXPECT_EQ(payfast_itn_parameters(fields), "a=1&name_last=&note=caf%C3%A9+%7E");
}

TEST(PayFastSignature, ApiSortsThePassphraseAmongTheNames) {
  const Json vector = payment_vector("payfast-api-refund");
  const FormFields fields{{"merchant-id", "10000100"}, {"version", "v1"},  {"timestamp", "2025-11-20T06:30:00+02:00"},
                          {"testing", "true"},         {"amount", "5000"}, {"reason", "Product out of stock"},
                          {"notify_buyer", "1"}};

  for (const auto& [passphrase, expected] : vector.at("expect").items()) {
    EXPECT_EQ(payfast_api_signature(fields, passphrase), expected.get<std::string>());
  }
}

TEST(PhonePeSignature, PayRequestCoversBodyPathAndSalt) {
  const Json vector = payment_vector("phonepe-v1-pay");
  const PhonePeSalt salt{.key = vector.at("salt"), .index = vector.at("salt_index")};

  const std::string verify = phonepe_v1_request_verify(to_base64(vector.at("json").get<std::string>()),
                                                       vector.at("path").get<std::string>(), salt);

  EXPECT_EQ(verify, vector.at("x_verify").get<std::string>());
}

TEST(PhonePeSignature, StatusReadCoversPathAndSalt) {
  const Json vector = payment_vector("phonepe-v1-status");
  const PhonePeSalt salt{.key = vector.at("salt"), .index = 1};

  const std::string verify = phonepe_v1_request_verify({}, vector.at("path").get<std::string>(), salt);

  EXPECT_EQ(verify, vector.at("x_verify").get<std::string>());
}

TEST(PhonePeSignature, CallbackHasNoPath) {
  const Json vector = payment_vector("phonepe-v1-callback");
  const PhonePeSalt salt{.key = vector.at("salt"), .index = 1};
  const Json body = Json::parse(vector.at("body").get<std::string>());

  const std::string verify = phonepe_v1_callback_verify(body.at("response").get<std::string>(), salt);

  EXPECT_EQ(verify, vector.at("x_verify").get<std::string>());
  for (const auto& [mistake, wrong] : vector.at("must_not_match").items()) {
    EXPECT_NE(verify, wrong.get<std::string>()) << mistake;
  }
}

TEST(PhonePeSignature, WebhookAuthorizationHashesUserAndPassword) {
  const Json vector = payment_vector("phonepe-v2-webhook");

  EXPECT_EQ(
      phonepe_v2_authorization(vector.at("username").get<std::string>(), vector.at("password").get<std::string>()),
      vector.at("authorization").get<std::string>());
}

TEST(FormFields, KeepOrderBlanksRepeatsAndNamesWithoutValue) {
  const FormFields fields = parse_form("b=2&&a=&flag&b=3%20x");

  const FormFields expected{{"b", "2"}, {"a", ""}, {"flag", ""}, {"b", "3 x"}};
  EXPECT_EQ(fields, expected);
  EXPECT_EQ(format_form(fields), "b=2&a=&flag=&b=3+x");
}

}  // namespace
}  // namespace orchestrator::digest
