#pragma once

#include "api/call.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/service.hpp"

/// Bodies of what operators ask of an open run. Errors: not-found for an id that is none, malformed-json, invalid-body.
namespace orchestrator::api {

/// {set: {run_at?, priority?, attributes?, timeout_seconds?, variables?, steps?}, reason}.
Result<service::SteerRun> read_edit(const Call& call);
/// {reason?}; an empty body is an empty object.
Result<service::SteerRun> read_pause(const Call& call);
Result<service::SteerRun> read_resume(const Call& call);
/// {output?, reason, state_name?}.
Result<service::SteerRun> read_skip(const Call& call);

}  // namespace orchestrator::api
