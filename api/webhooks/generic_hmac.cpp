// Any sender that puts an HMAC of the raw body into a header; names and spellings come from the endpoint's options.
#include <charconv>

#include "api/webhooks/provider.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::api::webhooks {
namespace {

/// How far a signed time may be off, both ways.
constexpr std::int64_t kToleranceSeconds = 300;

Status check_not_empty(std::string_view secret) {
  if (!secret.empty()) return {};
  return fail(ErrorCode::invalid_argument, "must not be empty");
}

digest::Algorithm algorithm_of(const std::string& name) {
  if (name == "sha1") return digest::Algorithm::sha1;
  if (name == "sha512") return digest::Algorithm::sha512;
  return digest::Algorithm::sha256;
}

bool is_recent(std::string_view text, Timestamp now) {
  std::int64_t seconds = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || stopped != text.data() + text.size()) return false;
  const std::int64_t now_seconds = to_millis(now) / 1000;
  return seconds >= now_seconds - kToleranceSeconds && seconds <= now_seconds + kToleranceSeconds;
}

std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& secrets,
                                  const ProviderOptions& options) {
  std::string_view sent = arrival.headers.value(options.header);
  if (sent.empty() || !sent.starts_with(options.prefix)) return std::nullopt;
  sent.remove_prefix(options.prefix.size());
  const auto bytes = options.encoding == "base64" ? digest::from_base64(sent) : decode_lower_hex(sent);
  if (!bytes) return std::nullopt;

  std::string signed_text;
  if (!options.timestamp_header.empty()) {
    const std::string_view timestamp = arrival.headers.value(options.timestamp_header);
    if (!is_recent(timestamp, arrival.now)) return std::nullopt;
    signed_text.append(timestamp).append(".");
  }
  signed_text += arrival.body;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (digest::equal_constant_time(*bytes, digest::hmac(algorithm_of(options.algorithm), secrets[i], signed_text)))
      return i;
  }
  return std::nullopt;
}

Result<Reading> read(const Arrival& arrival, const ProviderOptions& options) {
  const auto document = parse_json(arrival.body);
  if (!document) return fail(ErrorCode::invalid_argument, "the body is not JSON");
  Reading reading{.document = arrival.body};
  if (options.id_path.empty()) {
    reading.dedupe_key = digest::to_hex(digest::hash(digest::Algorithm::sha256, arrival.body));
    return reading;
  }
  const auto path = language::Path::parse(options.id_path);
  const Json* id = path ? path->find(*document) : nullptr;
  if (id == nullptr || !(id->is_string() || id->is_number())) {
    return fail(ErrorCode::invalid_argument, "the body has no id at " + options.id_path);
  }
  reading.dedupe_key = id->is_string() ? id->get<std::string>() : dump_json(*id);
  return reading;
}

}  // namespace

Provider generic_hmac() {
  return {.name = "generic_hmac", .check_secret = check_not_empty, .verify = verify, .read = read, .sources = {}};
}

}  // namespace orchestrator::api::webhooks
