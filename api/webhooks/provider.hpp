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
};

/// A webhook as it came in.
struct Arrival {
  const Headers& headers;
  const std::string& body;  ///< raw bytes
  Timestamp now{};
};

/// What a verified body says.
struct Reading {
  std::string document;    ///< JSON text: the signal's payload
  std::string dedupe_key;  ///< the same for every repeat of one event
};

struct Provider {
  std::string_view name;
  /// Whether a secret (resolved) has the form that this provider needs; the error is a sentence.
  Status (*check_secret)(std::string_view secret);
  /// Which of the active secrets the webhook was signed with; nothing: forged.
  std::optional<std::size_t> (*verify)(const Arrival& arrival, const std::vector<std::string>& secrets,
                                       const ProviderOptions& options);
  /// The document and its key; only after verify. An error means that it cannot be read.
  Result<Reading> (*read)(const Arrival& arrival, const ProviderOptions& options);
  /// Where its webhooks come from, as CIDR ranges; empty when it does not say.
  std::vector<std::string> sources;
};

/// Nothing for a provider that is not built.
const Provider* find_provider(std::string_view name);

/// Whether the contract names the provider, built or not.
bool is_contract_provider(std::string_view name);

// One per file.
Provider payfast();
Provider phonepe_v1();
Provider phonepe_v2();
Provider generic_hmac();

/// Bytes of lower-case hexadecimal text; nothing for anything else. Providers send lower case only.
std::optional<std::string> decode_lower_hex(std::string_view text);

}  // namespace orchestrator::api::webhooks
