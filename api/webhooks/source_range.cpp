#include "api/webhooks/source_range.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace orchestrator::api::webhooks {
namespace {

struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;
};

std::optional<Address> parse_address(std::string_view text) {
  const std::string copy{text};
  Address address;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
  address.is_v6 = true;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<SourceRange> SourceRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  SourceRange range;
  range.network_ = address->bytes;
  range.is_v6_ = address->is_v6;
  const int all_bits = address->is_v6 ? 128 : 32;
  range.bits_ = all_bits;
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    const auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), range.bits_);
    if (error != std::errc{} || stopped != digits.data() + digits.size()) return std::nullopt;
    if (range.bits_ < 0 || range.bits_ > all_bits) return std::nullopt;
  }
  return range;
}

bool SourceRange::contains(std::string_view text) const {
  const auto address = parse_address(text);
  if (!address || address->is_v6 != is_v6_) return false;
  const auto whole = static_cast<std::size_t>(bits_ / 8);
  if (!std::equal(network_.begin(), network_.begin() + static_cast<std::ptrdiff_t>(whole), address->bytes.begin()))
    return false;
  const int rest = bits_ % 8;
  if (rest == 0) return true;
  const int mask = 0xFF00 >> rest & 0xFF;
  return (network_[whole] & mask) == (address->bytes[whole] & mask);
}

bool is_in_ranges(const std::vector<std::string>& ranges, std::string_view address) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const std::string& text) {
    const auto range = SourceRange::parse(text);
    return range && range->contains(address);
  });
}

std::string source_of(const Request& request, const std::vector<std::string>& trusted_proxies) {
  std::string source = request.peer;
  std::string forwarded;
  for (const auto& [name, value] : request.headers.fields()) {
    if (!equals_ignoring_case(name, "X-Forwarded-For")) continue;
    if (!forwarded.empty()) forwarded += ',';
    forwarded += value;
  }
  std::string_view rest = forwarded;
  while (!rest.empty() && is_in_ranges(trusted_proxies, source)) {
    const auto comma = rest.rfind(',');
    const auto nearest = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
    source = std::string{trim(nearest)};
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
  }
  return source;
}

}  // namespace orchestrator::api::webhooks
