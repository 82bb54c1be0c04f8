// What anybody on the network can send to the webhook inbox: every verifier and every body parser, and the formats
// below them. One program; `--target=NAME` says which (`stripe.verify`, `stripe.read`, `jwt`, `key-set`, `certificate`,
// `forwarded`), `--list` prints all names.
//
// An input is the text of a request: header lines, an empty line, the body.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "api/webhooks/provider.hpp"
#include "api/webhooks/source_range.hpp"
#include "orchestrator/base/check.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/digest/certificates.hpp"
#include "orchestrator/digest/jwt.hpp"

namespace orchestrator::api::webhooks {
namespace {

/// The moment at which the vectors are right.
constexpr Timestamp kNow{std::chrono::seconds{1'763'613'000}};

/// An endpoint as the vectors need it, so that the corpus reaches what lies behind a good signature.
struct Target {
  const Provider* provider = nullptr;
  bool reads = false;
  std::vector<std::string> secrets;
  ProviderOptions options;
  std::string key_document;
  /// The one body that is signed for: another one that verifies is a forgery. Empty where the body is not all that is
  /// signed, or is not signed at all.
  std::string signed_body;
};

std::string chosen;
Target target;

std::string text_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Input {
  Headers headers;
  std::string body;
};

Input parse(std::string_view text) {
  Input input;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty()) break;
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    input.headers.add(std::string{line.substr(0, colon)}, std::string{line.substr(colon + 2)});
  }
  input.body = std::string{text};
  return input;
}

/// Secrets of the vectors; the folder holds the corpus and what belongs to it.
void choose_provider(const std::string& name, const std::string& folder) {
  static const std::map<std::string, std::vector<std::string>> kSecrets{
      {"payfast", {"jt7NOE43FZPn", ""}},
      {"phonepe_v1", {"11111111-2222-4333-8444-555555555555###1"}},
      {"phonepe_v2", {"rapt_hook:s3cretPass9"}},
      {"stripe", {"whsec_example_not_a_real_secret"}},
      {"paypal", {"8PT597110X687430LKGECATA"}},
      {"paystack", {"paystack-test-secret-key-1"}},
      {"evolution", {"hmac:evo-hmac-secret-1", "jwt:evo-jwt-key-1", "header:X-Key=evo-header-1"}},
      {"whatsapp", {"whatsapp-app-secret-1"}},
      {"svix", {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}},
      {"clerk", {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}},
      {"standard_webhooks",
       {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX", "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="}},
      {"pubsub", {}},
      {"generic_hmac", {"generic-secret-1"}}};
  target.provider = find_provider(name);
  ORC_CHECK(target.provider != nullptr, "every target names a provider");
  target.secrets = kSecrets.at(name);
  target.options.audience = "https://hooks.example/in/gcs";
  target.options.service_account = "pusher@proj.iam.gserviceaccount.com";
  target.options.id_path = "$.id";
  if (name == "pubsub") target.key_document = text_of(folder + "/key-set/vector");
  if (name == "paypal") {
    const auto keys = digest::read_key_set(text_of(folder + "/key-set/vector"));
    if (keys && !keys->empty()) target.key_document = keys->front().key.pem();
  }
  const bool signs_whole_body = name == "stripe" || name == "paystack" || name == "whatsapp" || name == "svix" ||
                                name == "clerk" || name == "standard_webhooks" || name == "generic_hmac";
  if (signs_whole_body) target.signed_body = parse(text_of(folder + "/" + name + "/vector")).body;
}

void check_reading(const Reading& reading) {
  ORC_CHECK(!reading.items.empty(), "a reading has an event");
  ORC_CHECK(reading.items.size() <= kMaxWebhookItems, "a body has so many events and no more");
  for (const Item& item : reading.items) {
    ORC_CHECK(is_valid_key(item.dedupe_key), "a dedupe key can be stored");
    ORC_CHECK(is_valid_key(item.dedupe_key + "#replay-1000000"), "a dedupe key leaves room for a replay's number");
    ORC_CHECK(parse_json(dump_json(json_of(item.document))).has_value(), "a document is JSON that can be read again");
  }
}

void run_provider(std::string_view data) {
  const Input input = parse(data);
  const Arrival arrival{.headers = input.headers,
                        .body = input.body,
                        .now = kNow,
                        .key_document = target.key_document.empty() ? nullptr : &target.key_document};
  if (target.reads) {
    if (const auto reading = read_events(*target.provider, arrival, target.options)) check_reading(*reading);
    return;
  }
  if (target.provider->key_need != nullptr) static_cast<void>(target.provider->key_need(arrival, target.options));
  const auto verified = target.provider->verify(arrival, target.secrets, target.options);
  if (!verified) return;
  ORC_CHECK(target.signed_body.empty() || input.body == target.signed_body, "only the signed body verifies");
}

void run_format(std::string_view data) {
  if (chosen == "jwt") {
    static const auto keys = digest::read_key_set(target.key_document);
    static_cast<void>(digest::check_jwt(data, *keys, {.issuer = {}, .audience = {}, .now = kNow}));
    static_cast<void>(digest::check_hmac_jwt(data, "evo-jwt-key-1", {.issuer = {}, .audience = {}, .now = kNow}));
    static_cast<void>(digest::key_id_of(data));
  } else if (chosen == "key-set") {
    static_cast<void>(digest::read_key_set(data));
  } else if (chosen == "certificate") {
    static const auto authorities = digest::CertificateAuthorities::load();
    static_cast<void>(authorities->key_of(data, "paypal.com", kNow));
  } else {
    Request request;
    request.peer = "10.0.0.1";
    request.headers.add("X-Forwarded-For", std::string{data});
    const std::string source = source_of(request, {"10.0.0.0/8", "2001:db8::/32"});
    static_cast<void>(is_in_ranges({"197.97.145.144/28", "::/0", std::string{data}}, source));
  }
}

void list_targets() {
  for (const Provider& provider : all_providers()) {
    const std::string name{provider.name};
    std::printf("%s.verify\n%s.read\n", name.c_str(), name.c_str());
  }
  std::puts("jwt\nkey-set\ncertificate\nforwarded");
}

}  // namespace
}  // namespace orchestrator::api::webhooks

// libFuzzer's two doors; their names are its own.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace orchestrator::api::webhooks;
  std::string folder = "tests/fuzz/corpus";
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = (*argv)[i];
    if (argument.starts_with("--target=")) chosen = argument.substr(9);
    if (argument.starts_with("--corpus=")) folder = argument.substr(9);
    if (argument == "--list") {
      list_targets();
      std::exit(0);
    }
  }
  const auto dot = chosen.find('.');
  if (dot == std::string::npos) {
    target.key_document = text_of(folder + "/key-set/vector");
    return 0;
  }
  target.reads = chosen.substr(dot) == ".read";
  choose_provider(chosen.substr(0, dot), folder);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace orchestrator::api::webhooks;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  target.provider != nullptr ? run_provider(text) : run_format(text);
  return 0;
}
