// WhatsApp Cloud API: HMAC-SHA256 of the raw body under the app's secret. One body may hold messages and statuses of
// many changes; each becomes an event of its own in the envelope's shape, with nothing else in it.
#include "api/webhooks/reading.hpp"
#include "orchestrator/digest/digest.hpp"

namespace orchestrator::api::webhooks {
namespace {

constexpr std::string_view kPrefix = "sha256=";
/// Source: the provider's limit on payloads.
constexpr std::size_t kMaxBytes = 3 * 1024 * 1024;
/// All envelopes of one body together: each event carries what its change says to all of them.
constexpr std::size_t kMaxSplitBytes = 16 * 1024 * 1024;

std::optional<std::size_t> verify(const Arrival& arrival, const std::vector<std::string>& secrets,
                                  const ProviderOptions& /*options*/) {
  std::string_view sent = arrival.headers.value("X-Hub-Signature-256");
  if (!sent.starts_with(kPrefix)) return std::nullopt;
  sent.remove_prefix(kPrefix.size());
  const auto bytes = decode_lower_hex(sent);
  if (!bytes) return std::nullopt;
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    if (digest::equal_constant_time(*bytes, digest::hmac(digest::Algorithm::sha256, secrets[i], arrival.body)))
      return i;
  }
  return std::nullopt;
}

/// `object` without its member `name`.
Json without(const Json& object, const char* name) {
  Json rest = Json::object();
  for (const auto& [key, value] : object.items()) {
    if (key != name) rest[key] = value;
  }
  return rest;
}

/// Takes a body apart. The envelopes are copied once for each event, without what is split.
class Splitter {
 public:
  explicit Splitter(const Json& document) : document_(document), outer_(without(document, "entry")) {}

  Result<std::vector<Item>> split() {
    for (const Json& entry : list_in(document_, "entry")) {
      if (!entry.is_object()) continue;
      const Json entry_rest = without(entry, "changes");
      for (const Json& change : list_in(entry, "changes")) {
        const Json* value = member_at(change, {"value"});
        if (value == nullptr || !value->is_object()) continue;
        const Json change_rest = without(change, "value");
        const Json value_rest = without(without(*value, "messages"), "statuses");
        const std::size_t rest_bytes = size_of(entry_rest) + size_of(change_rest) + size_of(value_rest);
        for (const char* list : {"messages", "statuses"}) {
          for (const Json& event : list_in(*value, list)) {
            if (!event.is_object()) continue;
            envelope_bytes_ += rest_bytes;
            if (items_.size() >= kMaxWebhookItems || envelope_bytes_ > kMaxSplitBytes) {
              return fail(ErrorCode::invalid_argument, "the body has too many events");
            }
            add(entry_rest, change_rest, value_rest, list, event);
          }
        }
      }
    }
    return std::move(items_);
  }

 private:
  static std::size_t size_of(const Json& json) { return dump_json(json).size(); }

  static const Json& list_in(const Json& object, const char* name) {
    static const Json kNone = Json::array();
    const Json* list = member_at(object, {name});
    return list != nullptr && list->is_array() ? *list : kNone;
  }

  void add(const Json& entry_rest, const Json& change_rest, const Json& value_rest, const char* list,
           const Json& event) {
    const std::string id = text_at(event, {"id"});
    const std::string status = text_at(event, {"status"});
    std::string key = body_key(dump_json(event));
    if (!id.empty()) key = std::string_view(list) == "statuses" ? dedupe_key({id, status}) : dedupe_key({id});
    Json value = value_rest;
    value[list] = Json::array({event});
    Json change = change_rest;
    change["value"] = std::move(value);
    Json entry = entry_rest;
    entry["changes"] = Json::array({std::move(change)});
    Json document = outer_;
    document["entry"] = Json::array({std::move(entry)});
    items_.push_back({make_payload(std::move(document)), std::move(key)});
  }

  const Json& document_;
  const Json outer_;
  std::vector<Item> items_;
  std::size_t envelope_bytes_ = 0;
};

Result<Reading> read(const Arrival& arrival, const ProviderOptions& /*options*/) {
  auto document = read_object(arrival.body);
  if (!document) return document.error();
  auto items = Splitter(*document).split();
  if (!items) return items.error();
  if (items->empty()) return one_item(*std::move(document), body_key(arrival.body));
  Reading reading;
  reading.items = *std::move(items);
  return reading;
}

}  // namespace

Provider whatsapp() {
  return {.name = "whatsapp",
          .check_secret = check_not_empty,
          .verify = verify,
          .read = read,
          .sources = {},
          .max_body_bytes = kMaxBytes};
}

}  // namespace orchestrator::api::webhooks
