#include "api/webhooks/endpoint_options.hpp"

#include "api/object_reader.hpp"
#include "api/webhooks/source_range.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kReference = "env:";
constexpr std::string_view kHidden = "***";
constexpr std::size_t kMaxOptionBytes = 512;
constexpr std::size_t kMaxSourceRanges = 100;
/// Where Google publishes the keys of its tokens.
constexpr const char* kGoogleKeys = "https://www.googleapis.com/oauth2/v3/certs";

bool is_variable_name(std::string_view text) {
  if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
  return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
         std::string_view::npos;
}

void take_text(ObjectReader& options, const char* name, std::string& target) {
  if (auto value = options.text(name, kMaxOptionBytes)) target = *std::move(value);
}

void require_text(ObjectReader& options, const char* name, std::string& target) {
  if (auto value = options.required(name, options.text(name, kMaxOptionBytes))) target = *std::move(value);
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
  take_text(options, "header", into.header);
  if (auto algorithm = options.choice("algorithm", {"sha1", "sha256", "sha512"}))
    into.algorithm = std::move(*algorithm);
  if (auto encoding = options.choice("encoding", {"hex", "base64"})) into.encoding = std::move(*encoding);
  take_text(options, "prefix", into.prefix);
  take_text(options, "timestamp_header", into.timestamp_header);
  take_text(options, "id_path", into.id_path);
  if (into.id_path.empty()) return;
  const auto path = language::Path::parse(into.id_path);
  if (!path || path->root() != language::Path::Root::input || !path->is_definite()) {
    options.fault("id_path", "invalid", "must be a JSONPath to one value, such as $.id");
  }
}

/// Keys decide who is believed: they come over TLS, or from this very machine.
bool is_key_url(std::string_view url) {
  if (url.starts_with("https://")) return true;
  for (const std::string_view host : {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"}) {
    if (url.starts_with(host)) return true;
  }
  return false;
}

void read_pubsub_options(ObjectReader& options, ProviderOptions& into) {
  require_text(options, "audience", into.audience);
  require_text(options, "service_account", into.service_account);
  take_text(options, "subscription", into.subscription);
  into.key_set_url = kGoogleKeys;
  take_text(options, "key_set_url", into.key_set_url);
  if (!is_key_url(into.key_set_url)) options.fault("key_set_url", "invalid", "must be an https URL");
}

}  // namespace

bool is_reference(std::string_view secret) { return secret.starts_with(kReference); }

std::string variable_of(std::string_view reference) { return std::string{reference.substr(kReference.size())}; }

std::string shown_secret(const std::string& secret) { return is_reference(secret) ? secret : std::string{kHidden}; }

bool check_reference(const std::string& secret, const std::string& pointer, std::vector<FaultDetail>& faults) {
  if (secret == kHidden) {
    // Written back as it was read, it would become a secret that everybody knows.
    faults.push_back(
        {.pointer = pointer, .code = "invalid", .message = "must be the secret, not the stars shown for it"});
    return false;
  }
  if (!is_reference(secret)) return false;
  if (is_variable_name(variable_of(secret))) return true;
  faults.push_back(
      {.pointer = pointer, .code = "invalid", .message = "env: must be followed by the name of a variable"});
  return false;
}

ProviderOptions read_options(ObjectReader& reader, std::string_view provider, bool has_secrets,
                             std::vector<FaultDetail>& faults) {
  ProviderOptions into;
  Json value = reader.object("options");
  if (value.is_null()) value = Json::object();
  // null has a meaning of its own here, so it must be told from absent before the reader forgets the difference.
  const bool sources_are_null = value.contains("allowed_sources") && value.at("allowed_sources").is_null();
  ObjectReader options(value, reader.pointer_to("options"), faults);
  read_allowed_sources(options, sources_are_null, into, faults);
  if (provider == "generic_hmac") read_hmac_options(options, into);
  if (provider == "pubsub") read_pubsub_options(options, into);
  if (provider == "paypal") {
    take_text(options, "webhook_id", into.webhook_id);
    if (into.webhook_id.empty() && !has_secrets) options.fault("webhook_id", "missing", "is required");
  }
  if (provider == "whatsapp") {
    take_text(options, "verify_token", into.verify_token);
    if (!into.verify_token.empty()) check_reference(into.verify_token, options.pointer_to("verify_token"), faults);
  }
  options.finish();
  return into;
}

Json options_json(const ProviderOptions& options, std::string_view provider, bool hide_secrets) {
  Json json = Json::object();
  if (options.allowed_sources) {
    json["allowed_sources"] = options.allowed_sources->empty() ? Json(nullptr) : Json(*options.allowed_sources);
  }
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
  };
  if (provider == "generic_hmac") {
    json["header"] = options.header;
    json["algorithm"] = options.algorithm;
    json["encoding"] = options.encoding;
    json["prefix"] = options.prefix;
    json["timestamp_header"] = options.timestamp_header;
    json["id_path"] = options.id_path;
  }
  if (provider == "pubsub") {
    put("audience", options.audience);
    put("service_account", options.service_account);
    put("subscription", options.subscription);
    put("key_set_url", options.key_set_url);
  }
  if (provider == "paypal") put("webhook_id", options.webhook_id);
  if (provider == "whatsapp") {
    put("verify_token",
        hide_secrets && !options.verify_token.empty() ? shown_secret(options.verify_token) : options.verify_token);
  }
  return json;
}

}  // namespace orchestrator::api::webhooks
