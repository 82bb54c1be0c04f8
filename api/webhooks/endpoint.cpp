#include "api/webhooks/endpoint.hpp"

#include "api/object_reader.hpp"
#include "api/webhooks/endpoint_options.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::size_t kMaxProviderBytes = 200;
constexpr std::size_t kMaxPathBytes = 1024;
constexpr std::size_t kMaxSecretBytes = 4096;

std::string how_many(const Provider& provider) {
  if (provider.most_secrets == 0) return "must be empty: this provider has none";
  return "must have " + std::to_string(provider.least_secrets) + " to " + std::to_string(provider.most_secrets) +
         " items";
}

std::vector<std::string> read_secrets(ObjectReader& reader, const Provider* provider,
                                      std::vector<FaultDetail>& faults) {
  Json array = reader.array("secrets");
  if (provider != nullptr && provider->least_secrets > 0 && array.is_null() && !reader.has("secrets")) {
    reader.fault("secrets", "missing", "is required");
  }
  if (provider != nullptr && array.is_array() &&
      (array.size() < provider->least_secrets || array.size() > provider->most_secrets)) {
    reader.fault("secrets", "out_of_range", how_many(*provider));
  }
  std::vector<std::string> secrets;
  for (const Json& item : array) {
    const std::string pointer = deeper_pointer(reader.pointer_to("secrets"), std::to_string(secrets.size()));
    secrets.push_back(item.is_string() ? item.get<std::string>() : std::string{});
    const std::string& secret = secrets.back();
    if (!item.is_string()) {
      faults.push_back({.pointer = pointer, .code = "wrong_type", .message = "a secret must be a string"});
    } else if (secret.size() > kMaxSecretBytes) {
      faults.push_back(
          {.pointer = pointer, .code = "out_of_range", .message = "a secret must not be longer than 4096 bytes"});
    } else if (!check_reference(secret, pointer, faults) && !is_reference(secret) && provider != nullptr) {
      if (const Status form = provider->check_secret(secret); !form) {
        faults.push_back(
            {.pointer = pointer, .code = "invalid", .message = "a secret of this provider " + form.error().message});
      }
    }
  }
  return secrets;
}

void read_signal(ObjectReader& reader, Endpoint& endpoint, std::vector<FaultDetail>& faults) {
  Json value = reader.object("signal");
  if (value.is_null()) {
    if (!reader.has("signal")) reader.fault("signal", "missing", "is required");
    return;
  }
  ObjectReader signal(value, reader.pointer_to("signal"), faults);
  endpoint.signal_name = signal.required("name", signal.name("name")).value_or("");
  const auto key = signal.required("key", signal.text("key", kMaxPathBytes));
  signal.finish();
  if (!key) return;
  const auto path = language::Path::parse(*key);
  if (!path || path->root() != language::Path::Root::input || !path->is_definite()) {
    signal.fault("key", "invalid", "must be a JSONPath to one value, such as $.payload.orderId");
  }
  endpoint.signal_key = *key;
}

void read_start(ObjectReader& reader, Endpoint& endpoint, std::vector<FaultDetail>& faults) {
  Json value = reader.object("start");
  if (value.is_null()) return;
  ObjectReader inner(value, reader.pointer_to("start"), faults);
  service::SendSignal::Start start;
  start.workflow = inner.required("workflow", inner.name("workflow")).value_or("");
  start.input = inner.any("input");
  inner.finish();
  endpoint.start = std::move(start);
}

Error missing_secret(const std::string& variable, const std::string& why) {
  return Error(ErrorCode::unavailable, "missing-secret", "The secret in " + variable + " " + why)
      .with("variable", variable);
}

Result<std::string> resolve(const std::string& secret, const SecretOf& secret_of) {
  if (!is_reference(secret)) return secret;
  const std::string variable = variable_of(secret);
  auto value = secret_of(variable);
  if (!value) return missing_secret(variable, "is not configured");
  return *std::move(value);
}

Result<std::vector<std::string>> resolve_secrets(const Endpoint& endpoint, const Provider& provider,
                                                 const SecretOf& secret_of) {
  std::vector<std::string> secrets;
  for (const std::string& secret : endpoint.secrets) {
    auto value = resolve(secret, secret_of);
    if (!value) return value.error();
    if (const Status form = provider.check_secret(*value); !form && is_reference(secret)) {
      return missing_secret(variable_of(secret), form.error().message);
    }
    secrets.push_back(*std::move(value));
  }
  return secrets;
}

}  // namespace

Endpoint read_endpoint(ObjectReader& reader, std::vector<FaultDetail>& faults) {
  Endpoint endpoint;
  endpoint.provider = reader.required("provider", reader.text("provider", kMaxProviderBytes)).value_or("");
  const Provider* provider = find_provider(endpoint.provider);
  if (!endpoint.provider.empty() && provider == nullptr) {
    reader.fault("provider", "invalid", "is not a provider that is known here");
  }
  endpoint.secrets = read_secrets(reader, provider, faults);
  read_signal(reader, endpoint, faults);
  read_start(reader, endpoint, faults);
  endpoint.options = read_options(reader, endpoint.provider, !endpoint.secrets.empty(), faults);
  return endpoint;
}

Result<Endpoint> endpoint_of(const store::WebhookEndpointRow& row) {
  auto settings = parse_json(row.settings);
  if (!settings || !settings->is_object())
    return fail(ErrorCode::internal, "the endpoint's stored settings cannot be read");
  (*settings)["provider"] = row.provider;
  std::vector<FaultDetail> faults;
  ObjectReader reader(*settings, "", faults);
  Endpoint endpoint = read_endpoint(reader, faults);
  if (!faults.empty()) return fail(ErrorCode::internal, "the endpoint's stored settings cannot be read");
  return endpoint;
}

std::string settings_text(const Endpoint& endpoint, bool hide_secrets) {
  Json settings;
  settings["secrets"] = Json::array();
  for (const std::string& secret : endpoint.secrets) {
    settings["secrets"].push_back(hide_secrets ? shown_secret(secret) : secret);
  }
  settings["signal"] = {{"name", endpoint.signal_name}, {"key", endpoint.signal_key}};
  settings["start"] = nullptr;
  if (endpoint.start) {
    settings["start"] = {{"workflow", endpoint.start->workflow}};
    if (endpoint.start->input) settings["start"]["input"] = json_of(endpoint.start->input);
  }
  settings["options"] = options_json(endpoint.options, endpoint.provider, hide_secrets);
  return dump_json(settings);
}

Result<LiveEndpoint> live_endpoint(const store::WebhookEndpointRow& row, const SecretOf& secret_of) {
  auto settings = endpoint_of(row);
  if (!settings) return settings.error();
  const Provider* provider = find_provider(row.provider);
  auto path = language::Path::parse(settings->signal_key);
  if (provider == nullptr || !path) return fail(ErrorCode::internal, "the endpoint's stored settings cannot be read");
  auto secrets = resolve_secrets(*settings, *provider, secret_of);
  auto verify_token = resolve(settings->options.verify_token, secret_of);
  return LiveEndpoint{.namespace_name = row.namespace_name,
                      .name = row.name,
                      .provider = provider,
                      .settings = *std::move(settings),
                      .key_path = *std::move(path),
                      .secrets = std::move(secrets),
                      .verify_token = std::move(verify_token)};
}

Result<std::string> key_in(const Json& document, const LiveEndpoint& endpoint) {
  const Json* value = endpoint.key_path.find(document);
  std::string key;
  if (value != nullptr && value->is_string()) key = value->get<std::string>();
  if (value != nullptr && value->is_number()) key = dump_json(*value);
  if (is_valid_key(key)) return key;
  return fail(ErrorCode::invalid_argument, "the document has no key at " + endpoint.settings.signal_key);
}

}  // namespace orchestrator::api::webhooks
