#include "orchestrator/digest/jwt.hpp"

#include <algorithm>
#include <functional>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::digest {
namespace {

/// Longer ones are no token: a header field may have 32 KiB.
constexpr std::size_t kMaxTokenBytes = 16 * 1024;
constexpr std::size_t kMaxKeys = 100;

Unexpected refused(const char* why) { return fail(ErrorCode::precondition_failed, why); }

/// A token in its three parts.
struct Token {
  std::string_view signed_part;  ///< header and claims, as written
  Json header;
  Json claims;
  std::string signature;
};

std::optional<Json> object_in(std::string_view encoded) {
  const auto text = from_base64url(encoded);
  if (!text) return std::nullopt;
  auto json = parse_json(*text);
  if (!json || !json->is_object()) return std::nullopt;
  return *std::move(json);
}

std::optional<Token> split(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  auto header = object_in(token.substr(0, first));
  auto claims = object_in(token.substr(first + 1, second - first - 1));
  auto signature = from_base64url(token.substr(second + 1));
  if (!header || !claims || !signature) return std::nullopt;
  return Token{token.substr(0, second), *std::move(header), *std::move(claims), *std::move(signature)};
}

std::string_view name_of(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::rs256: return "RS256";
    case SignatureAlgorithm::es256: return "ES256";
    case SignatureAlgorithm::eddsa: return "EdDSA";
  }
  return "";
}

/// A moment in seconds; nothing when it is absent, and an error when it is no number.
Result<std::optional<double>> seconds_in(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::optional<double>{};
  if (!found->is_number()) return refused("a time of the token is no number");
  return std::optional(found->get<double>());
}

Status check_times(const Json& claims, Timestamp now) {
  const double current = static_cast<double>(to_millis(now)) / 1000;
  const auto leeway = static_cast<double>(kJwtLeeway.count());
  const auto expires = seconds_in(claims, "exp");
  const auto begins = seconds_in(claims, "nbf");
  const auto issued = seconds_in(claims, "iat");
  if (!expires) return expires.error();
  if (!begins) return begins.error();
  if (!issued) return issued.error();
  if (!*expires) return refused("the token never ends");
  if (current >= **expires + leeway) return refused("the token is over");
  if (*begins && current < **begins - leeway) return refused("the token is not valid yet");
  if (*issued && current < **issued - leeway) return refused("the token is from the future");
  return {};
}

bool names_audience(const Json& claims, const std::string& audience) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_string()) return found->get_ref<const std::string&>() == audience;
  return found->is_array() && std::ranges::find(*found, Json(audience)) != found->end();
}

Result<Json> check_claims(Token token, const JwtRules& rules) {
  if (const Status timely = check_times(token.claims, rules.now); !timely) return timely.error();
  if (!rules.issuer.empty() && string_member(token.claims, "iss") != rules.issuer) {
    return refused("the token is from another issuer");
  }
  if (!rules.audience.empty() && !names_audience(token.claims, rules.audience)) {
    return refused("the token is for somebody else");
  }
  return std::move(token.claims);
}

std::optional<VerificationKey> read_key(const Json& item) {
  if (!item.is_object() || string_member(item, "use", "sig") != "sig") return std::nullopt;
  const std::string kind = string_member(item, "kty");
  const std::string algorithm = string_member(item, "alg");
  const auto number = [&](const char* name) { return from_base64url(string_member(item, name)).value_or(""); };
  if (kind == "RSA" && (algorithm.empty() || algorithm == "RS256")) {
    auto key = PublicKey::rsa(number("n"), number("e"));
    if (key) return VerificationKey{string_member(item, "kid"), SignatureAlgorithm::rs256, *std::move(key)};
  }
  if (kind == "EC" && string_member(item, "crv") == "P-256" && (algorithm.empty() || algorithm == "ES256")) {
    auto key = PublicKey::p256(number("x"), number("y"));
    if (key) return VerificationKey{string_member(item, "kid"), SignatureAlgorithm::es256, *std::move(key)};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<VerificationKey>> read_key_set(std::string_view document) {
  const auto json = parse_json(document);
  if (!json || !json->is_object() || !json->contains("keys") || !json->at("keys").is_array()) {
    return fail(ErrorCode::invalid_argument, "the document is no key set");
  }
  std::vector<VerificationKey> keys;
  for (const Json& item : json->at("keys")) {
    if (keys.size() >= kMaxKeys) break;
    if (auto key = read_key(item)) keys.push_back(*std::move(key));
  }
  return keys;
}

std::optional<std::string> key_id_of(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return std::nullopt;
  const auto header = object_in(token.substr(0, token.find('.')));
  if (!header || !header->contains("kid") || !header->at("kid").is_string()) return std::nullopt;
  return header->at("kid").get<std::string>();
}

Result<Json> check_jwt(std::string_view text, const std::vector<VerificationKey>& keys, const JwtRules& rules) {
  auto token = split(text);
  if (!token) return refused("this is no token");
  const std::string key_id = string_member(token->header, "kid");
  const std::string algorithm = string_member(token->header, "alg");
  if (token->header.contains("crit")) return refused("the token asks for an extension");
  const auto key = std::ranges::find_if(
      keys, [&](const VerificationKey& each) { return each.id == key_id && name_of(each.algorithm) == algorithm; });
  if (key == keys.end()) return refused("the token names no key of the set");
  if (!key->key.verifies(key->algorithm, token->signed_part, token->signature)) {
    return refused("the token's signature is wrong");
  }
  return check_claims(*std::move(token), rules);
}

Result<Json> check_hmac_jwt(std::string_view text, std::string_view key, const JwtRules& rules) {
  auto token = split(text);
  if (!token) return refused("this is no token");
  if (string_member(token->header, "alg") != "HS256" || token->header.contains("crit")) {
    return refused("the token was made in another way");
  }
  if (!equal_constant_time(token->signature, hmac(Algorithm::sha256, key, token->signed_part))) {
    return refused("the token's signature is wrong");
  }
  return check_claims(*std::move(token), rules);
}

}  // namespace orchestrator::digest
