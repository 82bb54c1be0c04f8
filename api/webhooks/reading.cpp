#include "api/webhooks/reading.hpp"

#include <algorithm>
#include <charconv>

#include "orchestrator/base/names.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::api::webhooks {
namespace {

/// Longer numbers are no time in seconds.
constexpr std::size_t kMaxTimeDigits = 12;
/// Leaves room for `#replay-N` within a signal's id.
constexpr std::size_t kMaxDedupeBytes = 480;

std::string sha256_hex(std::string_view text) { return digest::to_hex(digest::hash(digest::Algorithm::sha256, text)); }

}  // namespace

bool is_recent(std::string_view text, Timestamp now) {
  if (text.empty() || text.size() > kMaxTimeDigits) return false;
  std::int64_t seconds = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || stopped != text.data() + text.size() || text.front() == '-') return false;
  const std::int64_t now_seconds = to_millis(now) / 1000;
  return seconds >= now_seconds - kTimestampTolerance.count() && seconds <= now_seconds + kTimestampTolerance.count();
}

std::optional<std::string> decode_lower_hex(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; })) return std::nullopt;
  return digest::from_hex(text);
}

std::string_view take_part(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return part;
}

const Json* member_at(const Json& document, std::initializer_list<const char*> names) {
  const Json* at = &document;
  for (const char* name : names) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(name);
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at;
}

std::string text_at(const Json& document, std::initializer_list<const char*> names) {
  const Json* value = member_at(document, names);
  if (value == nullptr) return {};
  if (value->is_string()) return value->get<std::string>();
  return value->is_number_integer() ? dump_json(*value) : std::string{};
}

Result<Json> read_object(std::string_view text) {
  auto document = parse_json(text);
  if (!document || !document->is_object()) return fail(ErrorCode::invalid_argument, "the body is not a JSON object");
  return document;
}

std::string dedupe_key(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const std::string_view part : parts) {
    if (!key.empty()) key += '/';
    key += part;
  }
  return key.size() <= kMaxDedupeBytes && is_valid_key(key) ? key : "sha256/" + sha256_hex(key);
}

std::string body_key(std::string_view body) { return "sha256/" + sha256_hex(body); }

Reading one_item(Json document, std::string key) {
  Reading reading;
  reading.items.push_back({make_payload(std::move(document)), std::move(key)});
  return reading;
}

Result<Reading> read_event_with_id(const Arrival& arrival, const ProviderOptions& /*options*/) {
  auto document = read_object(arrival.body);
  if (!document) return document.error();
  const std::string id = text_at(*document, {"id"});
  if (id.empty()) return fail(ErrorCode::invalid_argument, "the event has no id");
  return one_item(*std::move(document), dedupe_key({id}));
}

Status check_not_empty(std::string_view secret) {
  if (!secret.empty()) return {};
  return fail(ErrorCode::invalid_argument, "must not be empty");
}

}  // namespace orchestrator::api::webhooks
