#pragma once

#include "api/call.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/operations.hpp"

namespace orchestrator::api {

/// What POST /v1/operations asks for: {action, arguments?, filter, reason, dry_run?, rate_per_second?}. Takes `body`
/// apart. invalid-body with every fault.
Result<service::StartOperation> read_operation(const Call& call, Json& body);

}  // namespace orchestrator::api
