#include "api/webhooks/provider.hpp"

#include <algorithm>
#include <array>

#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::api::webhooks {

const Provider* find_provider(std::string_view name) {
  static const std::array kProviders{payfast(), phonepe_v1(), phonepe_v2(), generic_hmac()};
  const auto* found = std::find_if(kProviders.begin(), kProviders.end(),
                                   [&](const Provider& provider) { return provider.name == name; });
  return found == kProviders.end() ? nullptr : found;
}

bool is_contract_provider(std::string_view name) {
  static constexpr std::array<std::string_view, 13> kNames{
      "payfast", "phonepe_v1", "phonepe_v2",        "stripe", "paypal",      "paystack", "evolution", "whatsapp",
      "svix",    "clerk",      "standard_webhooks", "pubsub", "generic_hmac"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::optional<std::string> decode_lower_hex(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; })) return std::nullopt;
  return digest::from_hex(text);
}

}  // namespace orchestrator::api::webhooks
