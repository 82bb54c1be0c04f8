#include "orchestrator/config/api_keys.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "orchestrator/base/names.hpp"
#include "orchestrator/config/values.hpp"

namespace orchestrator::config {
namespace {

constexpr std::array<std::string_view, 4> kRoles{"viewer", "operator", "developer", "admin"};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

Result<ApiKey> parse_api_key(std::string_view entry) {
  const auto wrong = [](const char* what) { return fail(ErrorCode::invalid_argument, what); };
  const auto equals = entry.find('=');
  if (equals == std::string_view::npos) return wrong("is not NAME:ROLE[:NAMESPACE+NAMESPACE]=KEY");
  ApiKey key;
  key.key = std::string{entry.substr(equals + 1)};
  if (!is_valid_key_text(key.key)) return wrong("has a key that is not 16 to 200 printable ASCII characters");
  const std::string_view holder = entry.substr(0, equals);
  const auto first = holder.find(':');
  key.name = std::string{holder.substr(0, first)};
  if (!is_valid_name(key.name)) return wrong("has a name that does not match [A-Za-z0-9._-]{1,128}");
  if (first == std::string_view::npos) return wrong("names no role");
  const auto second = holder.find(':', first + 1);
  key.role = std::string{holder.substr(first + 1, second == std::string_view::npos ? second : second - first - 1)};
  if (std::ranges::find(kRoles, key.role) == kRoles.end()) {
    return wrong("has a role that is not viewer, operator, developer or admin");
  }
  key.namespaces =
      second == std::string_view::npos ? std::vector<std::string>{"default"} : split(holder.substr(second + 1), '+');
  if (!std::ranges::all_of(key.namespaces, [](const std::string& name) { return is_valid_name(name); })) {
    return wrong("has a namespace that does not match [A-Za-z0-9._:-]{1,128}");
  }
  return key;
}

}  // namespace

bool is_valid_key_text(std::string_view text) {
  const bool printable = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  return text.size() >= 16 && text.size() <= 200 && printable;
}

Result<std::vector<ApiKey>> parse_api_keys(std::string_view text) {
  std::string commas{text};
  std::ranges::replace(commas, '\n', ',');
  std::vector<ApiKey> keys;
  std::set<std::string> names;
  std::set<std::string> texts;
  for (const std::string& entry : split_words(commas)) {
    const std::string place = "entry " + std::to_string(keys.size() + 1) + " ";
    auto key = parse_api_key(entry);
    if (!key) return fail(ErrorCode::invalid_argument, place + key.error().message);
    if (!names.insert(key->name).second) return fail(ErrorCode::invalid_argument, place + "repeats a name");
    if (!texts.insert(key->key).second) return fail(ErrorCode::invalid_argument, place + "repeats a key");
    keys.push_back(*std::move(key));
    if (keys.size() > kMaxApiKeys) {
      return fail(ErrorCode::invalid_argument, "must be at most " + std::to_string(kMaxApiKeys) + " keys");
    }
  }
  return keys;
}

}  // namespace orchestrator::config
