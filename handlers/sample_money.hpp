#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator::samples {

/// "150.00" in minor units (cents): digits, then at most one dot and at most two decimals; a leading minus is allowed.
/// invalid_argument for anything else, more than 15 digits included.
Result<std::int64_t> parse_minor_units(std::string_view decimal);

/// The reverse of parse_minor_units, always with two decimals.
std::string format_minor_units(std::int64_t minor);

}  // namespace orchestrator::samples
