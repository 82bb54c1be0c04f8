#pragma once

#include <string_view>
#include <vector>

#include "api/webhooks/provider.hpp"

namespace orchestrator::api {
class ObjectReader;
}

namespace orchestrator::api::webhooks {

/// Reads `options` of an endpoint of this provider; every fault is noted, options of other providers among them.
/// @param has_secrets whether the endpoint has any secret: what may stand among them need not stand here
ProviderOptions read_options(ObjectReader& reader, std::string_view provider, bool has_secrets,
                             std::vector<FaultDetail>& faults);

/// The reverse. Literal secrets as they are, or as "***".
Json options_json(const ProviderOptions& options, std::string_view provider, bool hide_secrets);

/// Notes what is wrong with a secret's text: an `env:` without the name of a variable, or the stars that stand for a
/// secret in our answers. True when it is a good reference, of which nothing more can be said.
bool check_reference(const std::string& secret, const std::string& pointer, std::vector<FaultDetail>& faults);

/// Whether a secret is a reference to a variable, `env:NAME`; then `variable_of` is the name.
bool is_reference(std::string_view secret);
std::string variable_of(std::string_view reference);

/// A secret as answers show it: a reference as it is, a literal as "***".
std::string shown_secret(const std::string& secret);

}  // namespace orchestrator::api::webhooks
