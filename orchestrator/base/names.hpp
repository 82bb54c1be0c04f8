#pragma once

#include <string>
#include <string_view>

#include "orchestrator/base/result.hpp"

namespace orchestrator {

/// Names of workflows, signals, queues, handlers, schedules and endpoints: `[A-Za-z0-9._:-]{1,128}`.
bool is_valid_name(std::string_view text);

/// Run keys, signal keys, idempotency keys: 1 to 512 bytes of UTF-8 without control characters.
bool is_valid_key(std::string_view text);

}  // namespace orchestrator
