#include <gtest/gtest.h>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/crc32.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/jwt.hpp"
#include "tests/support/vectors/payment_vectors.hpp"

namespace orchestrator::digest {
namespace {

using testing_support::webhook_vector;

constexpr Timestamp kNow{std::chrono::seconds{1'763'613'000}};

std::string base64url(const std::string& plain) {
  std::string encoded = to_base64(plain);
  while (encoded.ends_with('=')) encoded.pop_back();
  for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return encoded;
}

std::string token_of(const Json& vector) {
  return base64url(vector.at("jwt_header").get<std::string>()) + "." +
         base64url(vector.at("jwt_payload").get<std::string>()) + "." + vector.at("jwt_signature").get<std::string>();
}

std::vector<VerificationKey> keys() { return *read_key_set(webhook_vector("jwks").dump()); }

/// A token of our own with HS256.
std::string hmac_token(const Json& header, const Json& claims, const std::string& key) {
  const std::string signed_part = base64url(header.dump()) + "." + base64url(claims.dump());
  return signed_part + "." + base64url(hmac(Algorithm::sha256, key, signed_part));
}

TEST(Jwt, AcceptsEveryVectorWithTheKeySet) {
  const auto clerk = check_jwt(token_of(webhook_vector("clerk-jwt")), keys(),
                               {.issuer = "https://clerk.app.example", .audience = {}, .now = kNow});
  const auto supabase =
      check_jwt(token_of(webhook_vector("supabase-jwt-es256")), keys(),
                {.issuer = "https://proj.supabase.example/auth/v1", .audience = "authenticated", .now = kNow});
  const auto pubsub =
      check_jwt(token_of(webhook_vector("pubsub-push-jwt")), keys(),
                {.issuer = "https://accounts.google.com", .audience = "https://hooks.example/in/gcs", .now = kNow});

  ASSERT_TRUE(clerk) << clerk.error().message;
  EXPECT_EQ(clerk->at("sub"), "user_1");
  ASSERT_TRUE(supabase) << supabase.error().message;
  EXPECT_EQ(supabase->at("role"), "authenticated");
  ASSERT_TRUE(pubsub) << pubsub.error().message;
}

TEST(Jwt, AcceptsTheSharedSecretOfItsVector) {
  const Json vector = webhook_vector("supabase-jwt-hs256");
  const JwtRules rules{.issuer = {}, .audience = "authenticated", .now = kNow};

  EXPECT_TRUE(check_hmac_jwt(token_of(vector), vector.at("secret").get<std::string>(), rules));
  EXPECT_FALSE(check_hmac_jwt(token_of(vector), "another", rules));
}

TEST(Jwt, RefusesOtherIssuersAudiencesAndTimes) {
  const std::string token = token_of(webhook_vector("pubsub-push-jwt"));
  const JwtRules good{.issuer = "https://accounts.google.com", .audience = "https://hooks.example/in/gcs", .now = kNow};
  ASSERT_TRUE(check_jwt(token, keys(), good));

  JwtRules rules = good;
  rules.issuer = "https://accounts.google.com/";
  EXPECT_FALSE(check_jwt(token, keys(), rules));
  rules = good;
  rules.audience = "https://hooks.example/in/gcs2";
  EXPECT_FALSE(check_jwt(token, keys(), rules));
  rules = good;
  rules.now = kNow + std::chrono::seconds{3605};
  EXPECT_FALSE(check_jwt(token, keys(), rules));
  rules.now = kNow - std::chrono::seconds{6};
  EXPECT_FALSE(check_jwt(token, keys(), rules));
}

TEST(Jwt, TheTokenDoesNotChooseItsAlgorithm) {
  const Json claims = {{"exp", 1'763'616'600}, {"iss", "i"}};
  const JwtRules rules{.issuer = "i", .audience = {}, .now = kNow};
  const std::string modulus = keys()[0].key.pem();

  for (const char* algorithm : {"none", "HS256", "RS512", "ES256", ""}) {
    const Json header = {{"alg", algorithm}, {"kid", "kid-rsa-1"}};
    EXPECT_FALSE(check_jwt(hmac_token(header, claims, modulus), keys(), rules)) << algorithm;
  }
  const std::string unsigned_token = base64url(R"({"alg":"none"})") + "." + base64url(claims.dump()) + ".";
  EXPECT_FALSE(check_jwt(unsigned_token, keys(), rules));
  EXPECT_FALSE(check_hmac_jwt(unsigned_token, "", rules));
}

TEST(Jwt, TokenThatNeverEndsIsRefused) {
  const std::string token = hmac_token({{"alg", "HS256"}}, {{"iss", "i"}}, "key");

  EXPECT_FALSE(check_hmac_jwt(token, "key", {.issuer = {}, .audience = {}, .now = kNow}));
}

TEST(Jwt, GarbageIsNoToken) {
  const JwtRules rules{.issuer = {}, .audience = {}, .now = kNow};
  for (const std::string& garbage :
       {std::string{}, std::string{"."}, std::string{".."}, std::string{"a.b.c"}, std::string{"a.b.c.d"},
        std::string(20'000, 'a'), base64url("[]") + "." + base64url("[]") + "." + base64url("x")}) {
    EXPECT_FALSE(check_jwt(garbage, keys(), rules));
    EXPECT_FALSE(check_hmac_jwt(garbage, "key", rules));
    EXPECT_FALSE(key_id_of(garbage));
  }
}

TEST(KeySet, KeysThatCannotBeUsedAreLeftOut) {
  const auto set = read_key_set(
      R"({"keys":[{"kty":"oct","k":"AAAA"},{"kty":"RSA","kid":"short","n":"AQAB","e":"AQAB"},5,
                  {"kty":"EC","crv":"P-384","kid":"other"},{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}]})");

  ASSERT_TRUE(set);
  EXPECT_TRUE(set->empty());
  for (const char* wrong : {"", "[]", "{}", R"({"keys":5})"}) EXPECT_FALSE(read_key_set(wrong)) << wrong;
}

TEST(PublicKey, NeverVerifiesForAnotherAlgorithm) {
  const auto key = keys()[0].key;

  EXPECT_FALSE(key.verifies(SignatureAlgorithm::es256, "x", std::string(64, 'a')));
  EXPECT_FALSE(key.verifies(SignatureAlgorithm::eddsa, "x", std::string(64, 'a')));
  EXPECT_FALSE(PublicKey::ed25519("short"));
  EXPECT_FALSE(PublicKey::p256(std::string(32, '\1'), std::string(32, '\1'))) << "not on the curve";
  EXPECT_FALSE(PublicKey::from_pem("nonsense"));
  EXPECT_EQ(PublicKey::from_pem(key.pem())->pem(), key.pem());
}

TEST(Crc32, IsTheOneOfZlib) {
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  const Json vector = webhook_vector("paypal");
  EXPECT_EQ(crc32(vector.at("body").get<std::string>()), vector.at("crc32").get<std::uint32_t>());
}

TEST(Base64Url, IsStrict) {
  EXPECT_EQ(from_base64url("-_-_"), from_base64("+/+/"));
  EXPECT_EQ(from_base64url("YQ"), "a");
  for (const char* wrong : {"a", "YQ==", "+/+/", "Y Q", "Y\nQ="}) EXPECT_FALSE(from_base64url(wrong)) << wrong;
}

}  // namespace
}  // namespace orchestrator::digest
