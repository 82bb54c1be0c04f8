#pragma once

#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

/// Reads the body of POST /v1/runs, or one item of a batch at `pointer`; takes it apart. Every fault is noted.
/// Namespace, traceparent and id are the caller's to fill in.
service::StartRun read_start_run(Json& value, std::string pointer, std::vector<FaultDetail>& faults);

class ObjectReader;

/// The member `attributes`, checked; a null pointer when it is absent.
Payload read_attributes(ObjectReader& reader, std::vector<FaultDetail>& faults);

}  // namespace orchestrator::api
