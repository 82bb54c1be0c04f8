#pragma once

#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// `echo` answers its input.
HandlerEntry echo_handler();

}  // namespace orchestrator::handlers
