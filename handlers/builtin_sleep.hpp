#pragma once

#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// Longest sleep. It holds a handler thread; a definition that waits longer uses a Wait state, which holds nothing.
inline constexpr double kMaxSleepSeconds = 3600;

/// `sleep {seconds}` holds a handler thread that long: a stand-in for slow work. Ends early as cancelled, or as
/// States.Timeout at the attempt's deadline. Result: `{slept_seconds}`.
HandlerEntry sleep_handler();

}  // namespace orchestrator::handlers
