#pragma once

#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// `fail {error?, cause?, times?}` fails with that error on the attempts up to `times`, or always; after them its
/// result is `{attempt}`. For trying out Retry and Catch.
HandlerEntry fail_handler();

}  // namespace orchestrator::handlers
