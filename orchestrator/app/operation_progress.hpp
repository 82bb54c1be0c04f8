#pragma once

#include <string>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/exit_code.hpp"

namespace orchestrator::app {

/// Follows a bulk operation until it ends, with a bar where there is a terminal, and tells how it ended and why the
/// first items failed. Exit 1 when it was stopped or an item failed. Ctrl-C only stops looking: the operation goes on.
void follow_operation(const ClientOptions& client, const std::string& operation_id, Exit& exit);

}  // namespace orchestrator::app
