// Paystack: HMAC-SHA512 of the raw body under the API's secret key. There is neither a time nor an event id.
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"

namespace orchestrator::api::webhooks {
namespace {

std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& secrets,
                                  const ProviderOptions& /*options*/) {
  const auto sent = decode_lower_hex(arrival.headers.value("x-paystack-signature"));
  if (!sent) return std::nullopt;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (digest::equal_constant_time(*sent, digest::hmac(digest::Algorithm::sha512, secrets[i], arrival.body))) return i;
  }
  return std::nullopt;
}

/// Disputes and refunds change their status under one id.
bool has_stages(std::string_view event) { return event.starts_with("charge.dispute.") || event.starts_with("refund."); }

Result<Reading> read(const Arrival& arrival, const ProviderOptions& /*options*/) {
  auto document = read_object(arrival.body);
  if (!document) return document.error();
  const std::string event = text_at(*document, {"event"});
  std::string object = text_at(*document, {"data", "id"});
  if (object.empty()) object = text_at(*document, {"data", "reference"});
  if (event.empty() || object.empty()) {
    return fail(ErrorCode::invalid_argument, "the body has no event, or its data no id and no reference");
  }
  const std::string status = has_stages(event) ? text_at(*document, {"data", "status"}) : std::string{};
  std::string key = status.empty() ? dedupe_key({event, object}) : dedupe_key({event, object, status});
  return one_item(*std::move(document), std::move(key));
}

}  // namespace

Provider paystack() {
  return {.name = "paystack", .check_secret = check_not_empty, .verify = verify, .read = read, .sources = {}};
}

}  // namespace orchestrator::api::webhooks
