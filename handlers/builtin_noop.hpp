#pragma once

#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// `noop` does nothing; its result is null.
HandlerEntry noop_handler();

}  // namespace orchestrator::handlers
