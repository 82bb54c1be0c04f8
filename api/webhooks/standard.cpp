// Standard Webhooks, and Svix from which it came (Resend and Clerk send in Svix's form): an id, a time and the body,
// signed with HMAC-SHA256 (v1) or Ed25519 (v1a).
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/public_key.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kSymmetricPrefix = "whsec_";
constexpr std::string_view kPublicPrefix = "whpk_";
/// Supabase writes the version in front of the secret.
constexpr std::string_view kVersionPrefix = "v1,";
constexpr std::size_t kMaxIdBytes = 256;
/// While a secret is rotated there are two; more are somebody's attempt to make us compute.
constexpr std::size_t kMaxSignatures = 8;

/// The bytes of a shared secret; nothing when it is none.
std::optional<std::string> shared_key(std::string_view secret) {
  if (secret.starts_with(kVersionPrefix)) secret.remove_prefix(kVersionPrefix.size());
  if (secret.starts_with(kPublicPrefix)) return std::nullopt;
  if (secret.starts_with(kSymmetricPrefix)) secret.remove_prefix(kSymmetricPrefix.size());
  auto bytes = digest::from_base64(secret);
  return bytes && !bytes->empty() ? bytes : std::nullopt;
}

std::optional<digest::PublicKey> public_key(std::string_view secret) {
  if (!secret.starts_with(kPublicPrefix)) return std::nullopt;
  const auto bytes = digest::from_base64(secret.substr(kPublicPrefix.size()));
  return bytes ? digest::PublicKey::ed25519(*bytes) : std::nullopt;
}

Status check_shared(std::string_view secret) {
  if (shared_key(secret)) return {};
  return fail(ErrorCode::invalid_argument, "must be whsec_ and base64");
}

Status check_shared_or_public(std::string_view secret) {
  if (shared_key(secret) || public_key(secret)) return {};
  return fail(ErrorCode::invalid_argument, "must be whsec_ or whpk_ and base64");
}

/// The three headers; Svix and Standard Webhooks differ in their names only.
struct Signed {
  std::string_view id;
  std::string_view time;
  std::string_view signatures;
};

Signed svix_headers(const Headers& headers) {
  return {headers.value("svix-id"), headers.value("svix-timestamp"), headers.value("svix-signature")};
}

Signed standard_headers(const Headers& headers) {
  return {headers.value("webhook-id"), headers.value("webhook-timestamp"), headers.value("webhook-signature")};
}

/// Svix's own libraries take both.
Signed either_headers(const Headers& headers) {
  return headers.find("svix-id") != nullptr ? svix_headers(headers) : standard_headers(headers);
}

/// A dot in the id would let one signed text be read in two ways.
bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && id.find('.') == std::string_view::npos;
}

bool is_made_with(std::string_view secret, std::string_view version, const std::string& signature,
                  const std::string& signed_text) {
  if (version == "v1") {
    const auto key = shared_key(secret);
    return key && digest::equal_constant_time(signature, digest::hmac(digest::Algorithm::sha256, *key, signed_text));
  }
  const auto key = version == "v1a" ? public_key(secret) : std::nullopt;
  return key && key->verifies(digest::SignatureAlgorithm::eddsa, signed_text, signature);
}

std::optional<std::size_t> verify(const Arrival& arrival, const Signed& sent, const std::vector<std::string>& secrets) {
  if (!is_id(sent.id) || !is_recent(sent.time, arrival.now)) return std::nullopt;
  std::string signed_text{sent.id};
  signed_text.append(".").append(sent.time).append(".").append(arrival.body);
  std::string_view rest = sent.signatures;
  for (std::size_t count = 0; !rest.empty() && count < kMaxSignatures; ++count) {
    std::string_view encoded = take_part(rest, ' ');
    const std::string_view version = take_part(encoded, ',');
    const auto signature = digest::from_base64(encoded);
    for (std::size_t i = 0; signature && i < secrets.size(); ++i) {
      if (is_made_with(secrets[i], version, *signature, signed_text)) return i;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> verify_svix(const Arrival& arrival, const std::vector<std::string>& secrets,
                                       const ProviderOptions& /*options*/) {
  return verify(arrival, either_headers(arrival.headers), secrets);
}

std::optional<std::size_t> verify_standard(const Arrival& arrival, const std::vector<std::string>& secrets,
                                           const ProviderOptions& /*options*/) {
  return verify(arrival, standard_headers(arrival.headers), secrets);
}

Result<Reading> read(const Arrival& arrival, const Signed& sent) {
  auto document = read_object(arrival.body);
  if (!document) return document.error();
  return one_item(*std::move(document), dedupe_key({sent.id}));
}

Result<Reading> read_svix(const Arrival& arrival, const ProviderOptions& /*options*/) {
  return read(arrival, either_headers(arrival.headers));
}

Result<Reading> read_standard(const Arrival& arrival, const ProviderOptions& /*options*/) {
  return read(arrival, standard_headers(arrival.headers));
}

}  // namespace

Provider svix() {
  return {.name = "svix", .check_secret = check_shared, .verify = verify_svix, .read = read_svix, .sources = {}};
}

Provider clerk() {
  return {.name = "clerk", .check_secret = check_shared, .verify = verify_svix, .read = read_svix, .sources = {}};
}

Provider standard_webhooks() {
  return {.name = "standard_webhooks",
          .check_secret = check_shared_or_public,
          .verify = verify_standard,
          .read = read_standard,
          .sources = {}};
}

}  // namespace orchestrator::api::webhooks
