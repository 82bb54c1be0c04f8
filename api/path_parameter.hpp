#pragma once

#include <cstddef>
#include <string>

#include "api/call.hpp"
#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::api {

// The `index`-th `{...}` of the route. An id or name that cannot exist is not-found, like one that does not.
Result<RunId> run_id_parameter(const Call& call, std::size_t index);
Result<SignalId> signal_id_parameter(const Call& call, std::size_t index);
Result<std::string> name_parameter(const Call& call, std::size_t index);

}  // namespace orchestrator::api
