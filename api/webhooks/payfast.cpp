// PayFast's notification (ITN): a form signed with MD5 over its fields in the order received and a passphrase.
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/provider_signatures.hpp"

namespace orchestrator::api::webhooks {
namespace {

/// An empty passphrase is one: sandbox accounts have none.
Status accept_any(std::string_view /*secret*/) { return {}; }

std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& secrets,
                                  const ProviderOptions& /*options*/) {
  const auto fields = digest::parse_form(arrival.body);
  std::optional<std::string> sent;
  for (const auto& [name, value] : fields) {
    if (name != "signature") continue;
    sent = decode_lower_hex(value);
    break;
  }
  if (!sent) return std::nullopt;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    const auto expected = digest::from_hex(digest::payfast_itn_signature(fields, secrets[i]));
    if (digest::equal_constant_time(*sent, *expected)) return i;
  }
  return std::nullopt;
}

/// The signed fields as an object of strings, and as `itn_parameters` what the server confirmation has to send back:
/// it needs the order received, which an object does not keep.
Result<Reading> read(const Arrival& arrival, const ProviderOptions& /*options*/) {
  const auto fields = digest::parse_form(arrival.body);
  Json document = Json::object();
  for (const auto& [name, value] : fields) {
    // The form may hold any bytes; the document is text.
    document[storable_text(name)] = storable_text(value);
    // What follows the signature was not signed.
    if (name == "signature") break;
  }
  for (const char* part : {"merchant_id", "pf_payment_id", "payment_status"}) {
    if (text_at(document, {part}).empty()) {
      return fail(ErrorCode::invalid_argument, std::string("the notification has no ") + part);
    }
  }
  std::string key = dedupe_key({text_at(document, {"merchant_id"}), text_at(document, {"pf_payment_id"}),
                                text_at(document, {"payment_status"})});
  document["itn_parameters"] = digest::payfast_itn_parameters(fields);
  return one_item(std::move(document), std::move(key));
}

}  // namespace

Provider payfast() {
  return {.name = "payfast",
          .check_secret = accept_any,
          .verify = verify,
          .read = read,
          .sources = {"197.97.145.144/28", "41.74.179.192/27", "102.216.36.0/28", "102.216.36.128/28",
                      "144.126.193.139/32"}};
}

}  // namespace orchestrator::api::webhooks
