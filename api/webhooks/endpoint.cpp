#include "api/webhooks/endpoint.hpp"

#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/webhooks/source_range.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kReference = "env:";
constexpr std::size_t kMaxOptionBytes = 200;
constexpr std::size_t kMaxPathBytes = 1024;
constexpr std::size_t kMaxSourceRanges = 100;

bool is_reference(std::string_view secret) { return secret.starts_with(kReference); }

bool is_variable_name(std::string_view text) {
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
  return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
         std::string_view::npos;
}

std::vector<std::string> read_secrets(ObjectReader& reader, const Provider* provider,
                                      std::vector<FaultDetail>& faults) {
  Json array = reader.array("secrets");
  if (!reader.has("secrets") && array.is_null()) reader.fault("secrets", "missing", "is required");
  if (array.is_array() && (array.empty() || array.size() > kMaxWebhookSecrets)) {
    reader.fault("secrets", "out_of_range", "must have 1 to " + std::to_string(kMaxWebhookSecrets) + " items");
  }
  std::vector<std::string> secrets;
  for (const Json& item : array) {
    const std::string pointer = deeper_pointer(reader.pointer_to("secrets"), std::to_string(secrets.size()));
    secrets.push_back(item.is_string() ? item.get<std::string>() : std::string{});
    const std::string& secret = secrets.back();
    if (!item.is_string()) {
      faults.push_back({.pointer = pointer, .code = "wrong_type", .message = "a secret must be a string"});
    } else if (is_reference(secret)) {
      if (is_variable_name(secret.substr(kReference.size()))) continue;
      faults.push_back(
          {.pointer = pointer, .code = "invalid", .message = "env: must be followed by the name of a variable"});
    } else if (provider != nullptr) {
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

void read_allowed_sources(ObjectReader& options, bool given_as_null, ProviderOptions& into,
                          std::vector<FaultDetail>& faults) {
  const Json array = options.array("allowed_sources");
  if (given_as_null) into.allowed_sources.emplace();
  if (!array.is_array()) return;
  into.allowed_sources.emplace();
  if (array.empty() || array.size() > kMaxSourceRanges) {
    options.fault("allowed_sources", "out_of_range", "must have 1 to 100 items, or be null for no check");
  }
  for (const Json& item : array) {
    const std::string text = item.is_string() ? item.get<std::string>() : std::string{};
    if (!SourceRange::parse(text)) {
      faults.push_back({.pointer = deeper_pointer(options.pointer_to("allowed_sources"),
                                                  std::to_string(into.allowed_sources->size())),
                        .code = "invalid",
                        .message = "must be an address range such as 192.0.2.0/24"});
    }
    into.allowed_sources->push_back(text);
  }
}

void read_hmac_options(ObjectReader& options, ProviderOptions& into) {
  const auto text = [&](const char* name, std::string& target) {
    if (auto value = options.text(name, kMaxOptionBytes)) target = std::move(*value);
  };
  text("header", into.header);
  if (auto algorithm = options.choice("algorithm", {"sha1", "sha256", "sha512"}))
    into.algorithm = std::move(*algorithm);
  if (auto encoding = options.choice("encoding", {"hex", "base64"})) into.encoding = std::move(*encoding);
  text("prefix", into.prefix);
  text("timestamp_header", into.timestamp_header);
  text("id_path", into.id_path);
  if (!into.id_path.empty()) {
    const auto path = language::Path::parse(into.id_path);
    if (!path || path->root() != language::Path::Root::input || !path->is_definite()) {
      options.fault("id_path", "invalid", "must be a JSONPath to one value, such as $.id");
    }
  }
}

void read_options(ObjectReader& reader, Endpoint& endpoint, std::vector<FaultDetail>& faults) {
  Json value = reader.object("options");
  if (value.is_null()) return;
  // null has a meaning of its own here, so it must be told from absent before the reader forgets the difference.
  const bool sources_are_null = value.contains("allowed_sources") && value.at("allowed_sources").is_null();
  ObjectReader options(value, reader.pointer_to("options"), faults);
  read_allowed_sources(options, sources_are_null, endpoint.options, faults);
  if (endpoint.provider == "generic_hmac") read_hmac_options(options, endpoint.options);
  options.finish();
}

Json options_json(const Endpoint& endpoint) {
  const ProviderOptions& options = endpoint.options;
  Json json = Json::object();
  if (options.allowed_sources) {
    json["allowed_sources"] = options.allowed_sources->empty() ? Json(nullptr) : Json(*options.allowed_sources);
  }
  if (endpoint.provider == "generic_hmac") {
    json["header"] = options.header;
    json["algorithm"] = options.algorithm;
    json["encoding"] = options.encoding;
    json["prefix"] = options.prefix;
    json["timestamp_header"] = options.timestamp_header;
    json["id_path"] = options.id_path;
  }
  return json;
}

}  // namespace

Endpoint read_endpoint(ObjectReader& reader, std::vector<FaultDetail>& faults) {
  Endpoint endpoint;
  endpoint.provider = reader.required("provider", reader.text("provider", kMaxOptionBytes)).value_or("");
  if (!endpoint.provider.empty() && !is_contract_provider(endpoint.provider)) {
    reader.fault("provider", "invalid", "is not a provider that is known here");
  }
  endpoint.secrets = read_secrets(reader, find_provider(endpoint.provider), faults);
  read_signal(reader, endpoint, faults);
  read_start(reader, endpoint, faults);
  read_options(reader, endpoint, faults);
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
    settings["secrets"].push_back(hide_secrets && !is_reference(secret) ? std::string{"***"} : secret);
  }
  settings["signal"] = {{"name", endpoint.signal_name}, {"key", endpoint.signal_key}};
  settings["start"] = nullptr;
  if (endpoint.start) {
    settings["start"] = {{"workflow", endpoint.start->workflow}};
    if (endpoint.start->input) settings["start"]["input"] = json_of(endpoint.start->input);
  }
  settings["options"] = options_json(endpoint);
  return dump_json(settings);
}

Result<std::vector<std::string>> resolve_secrets(const Endpoint& endpoint, const Provider& provider,
                                                 const SecretOf& secret_of) {
  std::vector<std::string> secrets;
  for (const std::string& secret : endpoint.secrets) {
    if (!is_reference(secret)) {
      secrets.push_back(secret);
      continue;
    }
    const std::string variable = secret.substr(kReference.size());
    auto value = secret_of(variable);
    if (!value) {
      return Error(ErrorCode::unavailable, "missing-secret", "The secret in " + variable + " is not configured")
          .with("variable", variable);
    }
    if (const Status form = provider.check_secret(*value); !form) {
      return Error(ErrorCode::unavailable, "missing-secret", "The secret in " + variable + " " + form.error().message)
          .with("variable", variable);
    }
    secrets.push_back(std::move(*value));
  }
  return secrets;
}

Result<std::string> key_in(const Json& document, const Endpoint& endpoint) {
  const auto path = language::Path::parse(endpoint.signal_key);
  const Json* value = path ? path->find(document) : nullptr;
  std::string key;
  if (value != nullptr && value->is_string()) key = value->get<std::string>();
  if (value != nullptr && value->is_number()) key = dump_json(*value);
  if (!is_valid_key(key)) return fail(ErrorCode::invalid_argument, "the document has no key at " + endpoint.signal_key);
  return key;
}

}  // namespace orchestrator::api::webhooks
