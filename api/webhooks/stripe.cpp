// Stripe: `t=TIME,v1=HEX[,v1=HEX]`, HMAC-SHA256 over `TIME.BODY`. The key is the secret as it is written, prefix
// included.
#include <vector>

#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"

namespace orchestrator::api::webhooks {
namespace {

/// While a secret is rotated there are two; more are somebody's attempt to make us compute.
constexpr std::size_t kMaxSignatures = 8;

struct Signed {
  std::string_view time;
  std::vector<std::string> digests;  ///< raw bytes
};

Signed parse_header(std::string_view header) {
  Signed result;
  while (!header.empty()) {
    std::string_view value = take_part(header, ',');
    const std::string_view name = take_part(value, '=');
    if (name == "t") result.time = value;
    if (name != "v1" || result.digests.size() >= kMaxSignatures) continue;
    if (auto bytes = decode_lower_hex(value)) result.digests.push_back(*std::move(bytes));
  }
  return result;
}

std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& secrets,
                                  const ProviderOptions& /*options*/) {
  const Signed sent = parse_header(arrival.headers.value("Stripe-Signature"));
  if (sent.digests.empty() || !is_recent(sent.time, arrival.now)) return std::nullopt;
  std::string signed_text{sent.time};
  signed_text.append(".").append(arrival.body);
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const std::string expected = digest::hmac(digest::Algorithm::sha256, secrets[i], signed_text);
    for (const std::string& digest : sent.digests) {
      if (digest::equal_constant_time(digest, expected)) return i;
    }
  }
  return std::nullopt;
}

}  // namespace

Provider stripe() {
  return {
      .name = "stripe", .check_secret = check_not_empty, .verify = verify, .read = read_event_with_id, .sources = {}};
}

}  // namespace orchestrator::api::webhooks
