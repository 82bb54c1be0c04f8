#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/digest/public_key.hpp"

/// JSON Web Tokens (RFC 7519) with the algorithms that our issuers use, and their key sets (RFC 7517).
namespace orchestrator::digest {

/// One key of a set, for one algorithm.
struct VerificationKey {
  std::string id;  ///< `kid`
  SignatureAlgorithm algorithm = SignatureAlgorithm::rs256;
  PublicKey key;
};

/// The keys of a JWKS document that we can use: RSA for RS256, P-256 for ES256. invalid_argument when it is none.
Result<std::vector<VerificationKey>> read_key_set(std::string_view document);

/// `kid` of a token's header, unverified; nothing when the token has none or is none.
std::optional<std::string> key_id_of(std::string_view token);

/// Leeway for every time in a token. Source: providers' own libraries.
inline constexpr std::chrono::seconds kJwtLeeway{5};

/// What is expected of a token. A member that is empty is not looked at.
struct JwtRules {
  std::string issuer;    ///< `iss`, exactly
  std::string audience;  ///< one of `aud`
  Timestamp now{};
};

/// The claims of a token that one of these keys signed: the key is the one that its header names, and the algorithm is
/// the key's, never the token's choice. precondition_failed with a sentence for everything else, also when it is over
/// (`exp`, which it must have), not yet valid (`nbf`) or from the future (`iat`).
Result<Json> check_jwt(std::string_view token, const std::vector<VerificationKey>& keys, const JwtRules& rules);

/// The same for HS256 with a shared key.
Result<Json> check_hmac_jwt(std::string_view token, std::string_view key, const JwtRules& rules);

}  // namespace orchestrator::digest
