#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>

namespace orchestrator {

using Json = nlohmann::json;

/// An immutable JSON value that states, events and commands share without copying; null pointer means "none".
/// shared_ptr because history, memory and the pending batch outlive one another in no fixed order.
using Payload = std::shared_ptr<const Json>;

}  // namespace orchestrator
