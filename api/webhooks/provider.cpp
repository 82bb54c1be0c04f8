#include "api/webhooks/provider.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"

namespace orchestrator::api::webhooks {
namespace {

bool nests_deeper(const Json& value, int levels) {
  if (!value.is_structured()) return false;
  if (levels == 0) return true;
  return std::ranges::any_of(value, [&](const Json& inner) { return nests_deeper(inner, levels - 1); });
}

}  // namespace

const std::vector<Provider>& all_providers() {
  static const std::vector<Provider> kProviders{payfast(),  phonepe_v1(),        phonepe_v2(),  stripe(), paypal(),
                                                paystack(), evolution(),         whatsapp(),    svix(),   clerk(),
                                                pubsub(),   standard_webhooks(), generic_hmac()};
  return kProviders;
}

const Provider* find_provider(std::string_view name) {
  const auto& providers = all_providers();
  const auto found = std::ranges::find(providers, name, &Provider::name);
  return found == providers.end() ? nullptr : &*found;
}

Result<Reading> read_events(const Provider& provider, const Arrival& arrival, const ProviderOptions& options) {
  auto reading = provider.read(arrival, options);
  if (!reading) return reading;
  for (const Item& item : reading->items) {
    if (nests_deeper(json_of(item.document), kMaxWebhookDepth)) {
      return fail(ErrorCode::invalid_argument, "the body is nested deeper than 90 levels");
    }
  }
  return reading;
}

}  // namespace orchestrator::api::webhooks
