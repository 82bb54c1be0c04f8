#include "orchestrator/config/values.hpp"

#include <algorithm>
#include <charconv>

#include "orchestrator/config/config.hpp"

namespace orchestrator::config {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  const auto last = text.find_last_not_of(" \t\r\n");
  return text.substr(first, last - first + 1);
}

// ASCII only, whatever the locale.
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text, IntegerRange range) {
  const std::string_view digits = trim(text);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = problem == std::errc{} && end == digits.data() + digits.size();
  if (!whole || value < range.least || value > range.most) {
    return fail(ErrorCode::invalid_argument,
                "must be a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
  }
  return value;
}

Result<bool> parse_boolean(std::string_view text) {
  const std::string word = to_lower(trim(text));
  if (word == "1" || word == "true" || word == "yes" || word == "on") return true;
  if (word == "0" || word == "false" || word == "no" || word == "off") return false;
  return fail(ErrorCode::invalid_argument, "must be 1, true, yes, on, 0, false, no or off");
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto refuse = [] {
    return fail(ErrorCode::invalid_argument, "must be host:port, [ipv6]:port or :port with a port from 0 to 65535");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const auto port = parse_integer(text.substr(colon + 1), {0, 65535});
  if (!port) return refuse();
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse();
  }
  ListenAddress address;
  address.host = host.empty() ? "0.0.0.0" : std::string{host};
  address.port = static_cast<std::uint16_t>(*port);
  return address;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view word = trim(text.substr(0, comma));
    if (!word.empty()) words.emplace_back(word);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return words;
}

std::string to_upper(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), upper);
  return result;
}

std::string to_lower(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

std::string to_dashes(std::string_view text) {
  std::string result{text};
  std::ranges::replace(result, '_', '-');
  return result;
}

}  // namespace orchestrator::config
