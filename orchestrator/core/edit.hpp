#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {

/// Attributes of one run, those that operators added included. Source: the HTTP contract.
inline constexpr std::size_t kMaxRunAttributes = 32;

/// What an operator set for a number of seconds (`timeout_seconds`, `heartbeat_seconds`) of the scope's state.
std::optional<std::int64_t> edited_seconds(const RunData& run, const Scope& scope, const char* name);

}  // namespace orchestrator::core
