#pragma once

#include <optional>
#include <string>

namespace orchestrator::store {

/// The calendar that a schedule's settings name.
std::optional<std::string> calendar_of(const std::string& settings);

}  // namespace orchestrator::store
