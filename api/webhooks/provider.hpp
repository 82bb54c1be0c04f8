#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/message.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

/// How each provider proves that a webhook is its own, and what the body says. Pure functions over raw bytes.
namespace orchestrator::api::webhooks {

/// `options` of an endpoint. Which ones a provider reads is said beside it.
struct ProviderOptions {
  /// CIDR ranges that may send. Nothing: the provider's own list, if it has one. Empty: any source (`null` in JSON).
  std::optional<std::vector<std::string>> allowed_sources;
  // generic_hmac only.
  std::string header = "X-Signature";
  std::string algorithm = "sha256";  ///< sha1 | sha256 | sha512
  std::string encoding = "hex";      ///< hex | base64
  std::string prefix;                ///< in front of the digest, such as "sha256="
  std::string timestamp_header;      ///< not empty: Unix seconds, signed as `TIMESTAMP.BODY`, at most 300 s off
  std::string id_path;               ///< JSONPath of the event's id; empty: the body's SHA-256 is the id
  // paypal only.
  std::string webhook_id;  ///< of the webhook's registration, part of what is signed; a secret may stand for it
  // whatsapp only.
  std::string verify_token;  ///< asked for when the address is registered; a secret's reference or literal
  // pubsub only.
  std::string audience;         ///< `aud` of the token
  std::string service_account;  ///< `email` of the token
  std::string subscription;     ///< full name; empty: any
  std::string key_set_url;      ///< where the issuer publishes its keys
};

/// A webhook as it came in.
struct Arrival {
  const Headers& headers;
  const std::string& body;  ///< raw bytes
  Timestamp now{};
  /// What stood behind KeyNeed::url, checked; null for providers without one.
  const std::string* key_document = nullptr;
};

/// One event of a body.
struct Item {
  Payload document;        ///< what the signal's key is read from, and its payload
  std::string dedupe_key;  ///< the same for every repeat of this event
};

/// What a verified body says: one event, or several in the order in which they stand there.
struct Reading {
  std::vector<Item> items;  ///< at least one
  /// Not empty: kept in place of the raw bytes, because those hold a secret of the provider's.
  std::string redacted_body;
};

/// A document with public keys that must be at hand before a webhook can be verified.
struct KeyNeed {
  enum class Form : std::uint8_t {
    key_set,      ///< a JWKS document, used as it is
    certificate,  ///< a chain of PayPal's; used as the PEM text of its first certificate's key, once it is trusted
  };
  Form form = Form::key_set;
  std::string url;
  std::string key_id;  ///< in a key set: the key that is wanted
};

struct Provider {
  std::string_view name;
  /// Whether a secret (resolved) has the form that this provider needs; the error is a sentence.
  Status (*check_secret)(std::string_view secret);
  /// Which of the active secrets the webhook was signed with (0 where there are none); nothing: forged.
  std::optional<std::size_t> (*verify)(const Arrival& arrival, const std::vector<std::string>& secrets,
                                       const ProviderOptions& options);
  /// The events; only after verify. An error means that it cannot be read.
  Result<Reading> (*read)(const Arrival& arrival, const ProviderOptions& options);
  /// Where its webhooks come from, as CIDR ranges; empty when it does not say.
  std::vector<std::string> sources;
  /// Which keys verify needs; nothing when the webhook cannot be genuine. Null: it needs none.
  std::optional<KeyNeed> (*key_need)(const Arrival& arrival, const ProviderOptions& options) = nullptr;
  /// The header that carries a secret as it is, beside those that always stay out of the record. Null: none.
  std::string (*secret_header)(std::string_view secret) = nullptr;
  std::size_t least_secrets = 1;
  std::size_t most_secrets = kMaxSecrets;
  /// Longest body where the provider sends longer ones than other calls may have; 0: the usual limit.
  std::size_t max_body_bytes = 0;
  /// What a signed body that cannot be read is answered with: some would send it for ever after anything but 2xx.
  int poison_status = 400;

  /// Secrets that are valid at the same time, at most.
  static constexpr std::size_t kMaxSecrets = 10;
};

/// Nothing for a name that no provider has.
const Provider* find_provider(std::string_view name);

/// All of them, in the contract's order.
const std::vector<Provider>& all_providers();

/// provider.read, and an error for what could be read but not handed on: documents nested deeper than kMaxWebhookDepth.
Result<Reading> read_events(const Provider& provider, const Arrival& arrival, const ProviderOptions& options);

// One or two per file.
Provider payfast();
Provider phonepe_v1();
Provider phonepe_v2();
Provider stripe();
Provider paypal();
Provider paystack();
Provider evolution();
Provider whatsapp();
Provider svix();
Provider standard_webhooks();
Provider clerk();
Provider pubsub();
Provider generic_hmac();

/// Events of one body at most; a body with more cannot be read. Source: docs/operations/limits.md.
inline constexpr std::size_t kMaxWebhookItems = 1'000;

/// Nesting of a document at most: inside of messages and events it sits some levels deeper, where 100 are the limit.
inline constexpr int kMaxWebhookDepth = 90;

}  // namespace orchestrator::api::webhooks
