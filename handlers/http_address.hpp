#pragma once

#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator::handlers {

/// Longest URL that is called.
inline constexpr std::size_t kMaxUrlBytes = 8'192;

/// An http or https URL in the parts that a client needs.
struct HttpAddress {
  bool tls = false;
  std::string host;       ///< without brackets
  std::string port;       ///< decimal; the scheme's default when the URL has none
  std::string target;     ///< path and query, as in the request line
  std::string authority;  ///< value of the Host header
  std::string shown;      ///< for messages: without the query, which may hold secrets
};

/// invalid_argument with a sentence when the URL is not absolute, not http or https, too long, or has user information.
Result<HttpAddress> parse_http_address(std::string_view url);

}  // namespace orchestrator::handlers
