#pragma once

#include <cstddef>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::core {

/// Whether the compact text of `value` takes at most about `limit` bytes and it nests at most kMaxJsonDepth levels.
/// Stops counting as soon as it does not.
bool fits_in(const Json& value, std::size_t limit);

}  // namespace orchestrator::core
