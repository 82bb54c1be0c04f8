#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/webhooks/provider.hpp"
#include "orchestrator/language/path.hpp"
#include "orchestrator/service/webhooks.hpp"

namespace orchestrator::api {
class ObjectReader;
}

namespace orchestrator::api::webhooks {

/// What an endpoint was told to do, as written: secrets are references (`env:VARIABLE`) or literals.
struct Endpoint {
  std::string provider;
  std::vector<std::string> secrets;
  std::string signal_name;
  std::string signal_key;  ///< definite JSONPath over the document
  std::optional<service::SendSignal::Start> start;
  ProviderOptions options;
};

/// Reads the members of an endpoint's body except `name`; every fault is noted.
Endpoint read_endpoint(ObjectReader& reader, std::vector<FaultDetail>& faults);

/// The settings of a stored row. internal when they do not parse, which means that a newer release wrote them.
Result<Endpoint> endpoint_of(const store::WebhookEndpointRow& row);

/// JSON text `{secrets[], signal, start, options}` for the row, or for an answer with every literal secret as "***".
std::string settings_text(const Endpoint& endpoint, bool hide_secrets);

using SecretOf = std::function<std::optional<std::string>(const std::string& variable)>;

/// An endpoint made ready to verify and read what comes in. Immutable.
struct LiveEndpoint {
  std::string namespace_name;
  std::string name;
  const Provider* provider = nullptr;
  Endpoint settings;
  language::Path key_path;
  /// The secrets themselves. missing-secret (503) with the member `variable` when one is not configured or is not of
  /// the provider's form.
  Result<std::vector<std::string>> secrets;
  /// Of options.verify_token; likewise. Empty when there is none.
  Result<std::string> verify_token;
};

/// Reads a stored row and the variables that it names. Errors: internal, as endpoint_of.
Result<LiveEndpoint> live_endpoint(const store::WebhookEndpointRow& row, const SecretOf& secret_of);

/// The signal's key in a document: a string, or a number as its JSON text. invalid_argument when there is none.
Result<std::string> key_in(const Json& document, const LiveEndpoint& endpoint);

}  // namespace orchestrator::api::webhooks
