#pragma once

#include <string>

#include "api/call.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

/// What POST .../{id}/retry asks for: {from_state?, input?, reason?, new_idempotency_key?}. Errors: not-found for an id
/// that is none, malformed-json, invalid-body.
Result<service::RetryRun> read_retry(const Call& call);

/// {run_id, state}.
std::string retry_receipt(const service::RetriedRun& done);

}  // namespace orchestrator::api
