#pragma once

#include "orchestrator/app/exit_code.hpp"
#include "orchestrator/base/error.hpp"

namespace orchestrator::app {

/// Tells about a failure on standard error, with all its faults, and makes the verb end as refused.
void explain(const Error& error, Exit& exit);

}  // namespace orchestrator::app
