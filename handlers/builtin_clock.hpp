#pragma once

#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// `clock`: answers when it was begun, `{"unix_us": integer}`, by the clock of its machine. For measurements.
HandlerEntry clock_handler();

}  // namespace orchestrator::handlers
