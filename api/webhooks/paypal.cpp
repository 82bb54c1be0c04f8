// PayPal: RSA over `id|time|webhook id|CRC-32 of the raw body`, with the key of a certificate that a header points to.
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/crc32.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/public_key.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kScheme = "https://";
constexpr std::string_view kHostEnd = ".paypal.com";
constexpr std::string_view kPathStart = "/v1/notifications/certs/";
constexpr std::size_t kMaxUrlBytes = 512;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_all_plain(std::string_view text) {
  for (const char c : text) {
    if (!is_plain(c)) return false;
  }
  return !text.empty();
}

/// Whether a certificate may be fetched from there: the header can be written by anybody.
bool is_certificate_url(std::string_view url) {
  if (url.size() > kMaxUrlBytes || !url.starts_with(kScheme)) return false;
  const std::string_view rest = url.substr(kScheme.size());
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view host = rest.substr(0, slash);
  const std::string_view path = rest.substr(slash);
  return is_all_plain(host) && host.size() > kHostEnd.size() && host.ends_with(kHostEnd) &&
         path.starts_with(kPathStart) && is_all_plain(path.substr(kPathStart.size())) &&
         path.find("..") == std::string_view::npos;
}

std::optional<KeyNeed> key_need(const Arrival& arrival, const ProviderOptions& /*options*/) {
  const std::string_view url = arrival.headers.value("PAYPAL-CERT-URL");
  if (!is_certificate_url(url) || arrival.headers.value("PAYPAL-AUTH-ALGO") != "SHA256withRSA") return std::nullopt;
  return KeyNeed{.form = KeyNeed::Form::certificate, .url = std::string{url}, .key_id = {}};
}

/// The registration's id is no secret, but may be given like one, so that it can come from the environment.
std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& secrets,
                                  const ProviderOptions& options) {
  const std::string_view id = arrival.headers.value("PAYPAL-TRANSMISSION-ID");
  const std::string_view time = arrival.headers.value("PAYPAL-TRANSMISSION-TIME");
  const auto signature = digest::from_base64(arrival.headers.value("PAYPAL-TRANSMISSION-SIG"));
  if (id.empty() || time.empty() || !signature || arrival.key_document == nullptr) return std::nullopt;
  const auto key = digest::PublicKey::from_pem(*arrival.key_document);
  if (!key) return std::nullopt;

  std::vector<std::string> webhook_ids = secrets;
  if (!options.webhook_id.empty()) webhook_ids.push_back(options.webhook_id);
  const std::string checksum = std::to_string(digest::crc32(arrival.body));
  for (std::size_t i = 0; i < webhook_ids.size(); ++i) {
    std::string signed_text{id};
    signed_text.append("|").append(time).append("|").append(webhook_ids[i]).append("|").append(checksum);
    if (key->verifies(digest::SignatureAlgorithm::rs256, signed_text, *signature)) return i;
  }
  return std::nullopt;
}

}  // namespace

Provider paypal() {
  return {.name = "paypal",
          .check_secret = check_not_empty,
          .verify = verify,
          .read = read_event_with_id,
          .sources = {},
          .key_need = key_need,
          .least_secrets = 0};
}

}  // namespace orchestrator::api::webhooks
