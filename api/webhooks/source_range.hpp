#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/message.hpp"

namespace orchestrator::api::webhooks {

/// A block of addresses in CIDR notation: `102.216.36.0/28`, `2001:db8::/32`; without `/` one address.
class SourceRange {
 public:
  /// Nothing when the text is none.
  static std::optional<SourceRange> parse(std::string_view text);
  /// False for another family and for text that is no address.
  [[nodiscard]] bool contains(std::string_view address) const;

 private:
  std::array<std::uint8_t, 16> network_{};
  int bits_ = 0;
  bool is_v6_ = false;
};

/// Whether any of the ranges (texts that parse) contains the address.
bool is_in_ranges(const std::vector<std::string>& ranges, std::string_view address);

/// Who sent the request: the socket's peer, or behind trusted proxies the nearest address in `X-Forwarded-For` that is
/// not one of them. Entries further left can be made up by anybody.
std::string source_of(const Request& request, const std::vector<std::string>& trusted_proxies);

}  // namespace orchestrator::api::webhooks
