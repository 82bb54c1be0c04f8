#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace orchestrator::config {

/// Both ends are allowed.
struct IntegerRange {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

/// A decimal integer within the range. The message begins with "must be" so that the caller can name the value.
Result<std::int64_t> parse_integer(std::string_view text, IntegerRange range);

/// Words between commas, without the spaces around them; empty ones are left out.
std::vector<std::string> split_words(std::string_view text);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
/// `lease_seconds` as a flag: `lease-seconds`.
std::string to_dashes(std::string_view text);

}  // namespace orchestrator::config
