// Google Cloud Pub/Sub push: an OpenID Connect token of the pushing service account; the body itself is not signed.
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/jwt.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr const char* kIssuer = "https://accounts.google.com";

std::optional<std::string_view> token_of(const Headers& headers) {
  std::string_view value = headers.value("Authorization");
  if (!value.starts_with(kBearer)) return std::nullopt;
  value.remove_prefix(kBearer.size());
  return value;
}

std::optional<KeyNeed> key_need(const Arrival& arrival, const ProviderOptions& options) {
  const auto token = token_of(arrival.headers);
  auto key_id = token ? digest::key_id_of(*token) : std::nullopt;
  if (!key_id) return std::nullopt;
  return KeyNeed{.form = KeyNeed::Form::key_set, .url = options.key_set_url, .key_id = *std::move(key_id)};
}

Status refuse_secret(std::string_view /*secret*/) {
  return fail(ErrorCode::invalid_argument, "is not needed: the token is checked with the issuer's keys");
}

bool is_verified_sender(const Json& claims, const std::string& service_account) {
  const Json* verified = member_at(claims, {"email_verified"});
  return verified != nullptr && verified->is_boolean() && verified->get<bool>() && !service_account.empty() &&
         string_member(claims, "email") == service_account;
}

std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& /*secrets*/,
                                  const ProviderOptions& options) {
  const auto token = token_of(arrival.headers);
  if (!token || arrival.key_document == nullptr || options.audience.empty()) return std::nullopt;
  const auto keys = digest::read_key_set(*arrival.key_document);
  if (!keys) return std::nullopt;
  const auto claims =
      digest::check_jwt(*token, *keys, {.issuer = kIssuer, .audience = options.audience, .now = arrival.now});
  if (!claims || !is_verified_sender(*claims, options.service_account)) return std::nullopt;
  if (options.subscription.empty()) return 0;
  // Another subscription of the same account must not be able to speak for this one.
  const auto document = parse_json(arrival.body);
  if (document && text_at(*document, {"subscription"}) != options.subscription) return std::nullopt;
  return 0;
}

Result<Reading> read(const Arrival& arrival, const ProviderOptions& options) {
  auto document = read_object(arrival.body);
  if (!document) return document.error();
  const std::string message = text_at(*document, {"message", "messageId"});
  const auto attribute = [&](const char* name) { return text_at(*document, {"message", "attributes", name}); };
  const std::string bucket = attribute("bucketId");
  const std::string object = attribute("objectId");
  const std::string generation = attribute("objectGeneration");
  // One change of a stored object may be published twice, under two message ids.
  std::string key;
  if (!bucket.empty() && !object.empty() && !generation.empty()) {
    key = dedupe_key({bucket, object, generation, attribute("eventType")});
  } else if (!message.empty()) {
    key = dedupe_key({message});
  } else {
    return fail(ErrorCode::invalid_argument, "the message has no messageId");
  }
  if (!options.subscription.empty() && text_at(*document, {"subscription"}) != options.subscription) {
    return fail(ErrorCode::invalid_argument, "the message is of another subscription");
  }
  return one_item(*std::move(document), std::move(key));
}

}  // namespace

Provider pubsub() {
  return {.name = "pubsub",
          .check_secret = refuse_secret,
          .verify = verify,
          .read = read,
          .sources = {},
          .key_need = key_need,
          .least_secrets = 0,
          .most_secrets = 0,
          // Anything but 2xx would bring it back until its retention ends.
          .poison_status = 204};
}

}  // namespace orchestrator::api::webhooks
