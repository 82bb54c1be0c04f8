// Any sender that puts an HMAC of the raw body into a header; names and spellings come from the endpoint's options.
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::api::webhooks {
namespace {

digest::Algorithm algorithm_of(const std::string& name) {
  if (name == "sha1") return digest::Algorithm::sha1;
  if (name == "sha512") return digest::Algorithm::sha512;
  return digest::Algorithm::sha256;
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
  auto document = parse_json(arrival.body);
  if (!document) return fail(ErrorCode::invalid_argument, "the body is not JSON");
  if (options.id_path.empty()) {
    std::string key = digest::to_hex(digest::hash(digest::Algorithm::sha256, arrival.body));
    return one_item(*std::move(document), std::move(key));
  }
  const auto path = language::Path::parse(options.id_path);
  const Json* id = path ? path->find(*document) : nullptr;
  if (id == nullptr || !(id->is_string() || id->is_number())) {
    return fail(ErrorCode::invalid_argument, "the body has no id at " + options.id_path);
  }
  std::string key = dedupe_key({id->is_string() ? id->get<std::string>() : dump_json(*id)});
  return one_item(*std::move(document), std::move(key));
}

}  // namespace

Provider generic_hmac() {
  return {.name = "generic_hmac", .check_secret = check_not_empty, .verify = verify, .read = read, .sources = {}};
}

}  // namespace orchestrator::api::webhooks
