#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace orchestrator::config {

/// Keys that one process may be given.
inline constexpr std::size_t kMaxApiKeys = 1000;

/// A credential beside the admin key, as configured.
struct ApiKey {
  std::string name;                     ///< who it is in histories: `[A-Za-z0-9._-]{1,128}`
  std::string role;                     ///< viewer, operator, developer or admin
  std::vector<std::string> namespaces;  ///< at least one
  std::string key;
};

/// Whether `text` may be a key: 16 to 200 printable ASCII characters without spaces.
bool is_valid_key_text(std::string_view text);

/// `NAME:ROLE[:NAMESPACE+NAMESPACE]=KEY`, by commas or line ends; without a namespace it is `default`. The message
/// begins with "must be" or names the entry by its place: never by its content, which is secret.
Result<std::vector<ApiKey>> parse_api_keys(std::string_view text);

}  // namespace orchestrator::config
