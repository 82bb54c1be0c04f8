// Evolution API does not sign bodies. It can send a header of ours or a token, or a proxy in front of it signs; each of
// an endpoint's secrets says which: `header:NAME=VALUE`, `jwt:KEY`, `hmac:SECRET`.
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/jwt.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kHeaderMode = "header:";
constexpr std::string_view kJwtMode = "jwt:";
constexpr std::string_view kHmacMode = "hmac:";
constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kHmacPrefix = "sha256=";

struct NamedHeader {
  std::string_view name;
  std::string_view value;
};

std::optional<NamedHeader> header_in(std::string_view secret) {
  if (!secret.starts_with(kHeaderMode)) return std::nullopt;
  secret.remove_prefix(kHeaderMode.size());
  NamedHeader header{.name = take_part(secret, '='), .value = {}};
  header.value = secret;
  if (header.name.empty() || header.value.empty()) return std::nullopt;
  return header;
}

Status check_secret(std::string_view secret) {
  const bool has_key = (secret.starts_with(kJwtMode) && secret.size() > kJwtMode.size()) ||
                       (secret.starts_with(kHmacMode) && secret.size() > kHmacMode.size());
  if (has_key || header_in(secret)) return {};
  return fail(ErrorCode::invalid_argument, "must be header:NAME=VALUE, jwt:KEY or hmac:SECRET");
}

bool is_header_right(const Headers& headers, const NamedHeader& expected) {
  return digest::equal_constant_time(headers.value(expected.name), expected.value);
}

bool is_token_right(const Arrival& arrival, std::string_view key) {
  std::string_view token = arrival.headers.value("Authorization");
  if (!token.starts_with(kBearer)) return false;
  token.remove_prefix(kBearer.size());
  const auto claims = digest::check_hmac_jwt(token, key, {.issuer = {}, .audience = {}, .now = arrival.now});
  return claims && string_member(*claims, "app") == "evolution" && string_member(*claims, "action") == "webhook";
}

bool is_signature_right(const Arrival& arrival, std::string_view key) {
  std::string_view sent = arrival.headers.value("x-webhook-signature");
  if (!sent.starts_with(kHmacPrefix)) return false;
  sent.remove_prefix(kHmacPrefix.size());
  const auto bytes = decode_lower_hex(sent);
  return bytes && digest::equal_constant_time(*bytes, digest::hmac(digest::Algorithm::sha256, key, arrival.body));
}

std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& secrets,
                                  const ProviderOptions& /*options*/) {
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const std::string_view secret = secrets[i];
    bool is_right = false;
    if (const auto header = header_in(secret)) {
      is_right = is_header_right(arrival.headers, *header);
    } else if (secret.starts_with(kJwtMode)) {
      is_right = is_token_right(arrival, secret.substr(kJwtMode.size()));
    } else if (secret.starts_with(kHmacMode)) {
      is_right = is_signature_right(arrival, secret.substr(kHmacMode.size()));
    }
    if (is_right) return i;
  }
  return std::nullopt;
}

std::string secret_header(std::string_view secret) {
  const auto header = header_in(secret);
  return header ? std::string{header->name} : std::string{};
}

/// The instance's key travels in the body. Its bytes are blotted out where they stand; a key that is not found as it is
/// (escaped, or so short that it could be part of anything) costs the raw form of the body.
std::string redact(const std::string& body, Json& document) {
  const auto found = document.find("apikey");
  if (found == document.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) return {};
  const std::string key = found->get<std::string>();
  *found = "***";
  const std::string quoted = '"' + key + '"';
  constexpr std::size_t kLeastKeyBytes = 8;
  std::string redacted = body;
  auto at = key.size() < kLeastKeyBytes ? std::string::npos : redacted.find(quoted);
  if (at == std::string::npos) return dump_json(document);
  for (; at != std::string::npos; at = redacted.find(quoted, at + quoted.size())) {
    redacted.replace(at + 1, key.size(), key.size(), '*');
  }
  return redacted;
}

Result<Reading> read(const Arrival& arrival, const ProviderOptions& /*options*/) {
  auto document = read_object(arrival.body);
  if (!document) return document.error();
  const std::string event = text_at(*document, {"event"});
  const std::string instance = text_at(*document, {"instance"});
  if (event.empty() || instance.empty()) return fail(ErrorCode::invalid_argument, "the body has no event or instance");
  std::string redacted = redact(arrival.body, *document);

  const std::string message = text_at(*document, {"data", "key", "id"});
  // An update says which message with `keyId`, and what happened with `status`.
  const std::string updated = message.empty() ? text_at(*document, {"data", "keyId"}) : message;
  const std::string status = event.ends_with(".update") ? text_at(*document, {"data", "status"}) : std::string{};
  std::string key = body_key(arrival.body);
  if (!updated.empty()) {
    key = status.empty() ? dedupe_key({instance, updated, event}) : dedupe_key({instance, updated, event, status});
  }
  Reading reading = one_item(*std::move(document), std::move(key));
  reading.redacted_body = std::move(redacted);
  return reading;
}

}  // namespace

Provider evolution() {
  return {.name = "evolution",
          .check_secret = check_secret,
          .verify = verify,
          .read = read,
          .sources = {},
          .secret_header = secret_header};
}

}  // namespace orchestrator::api::webhooks
