#pragma once

#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

/// Reads the body of POST /v1/jobs, or one item of a batch at `pointer`; takes it apart. Every fault is noted.
/// Namespace, traceparent and id are the caller's to fill in.
service::StartRun read_start_job(Json& value, std::string pointer, std::vector<FaultDetail>& faults);

/// payload-too-large when the job's input is larger than what a run may carry.
Status check_job_input(const service::StartRun& job);

}  // namespace orchestrator::api
