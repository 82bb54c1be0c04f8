#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::api {

class QueryReader;

/// Reads the parameters of GET /v1/runs; the namespace is the caller's to fill in. `attribute.NAME=VALUE`: a value that
/// is a JSON number, boolean or quoted string is that value, anything else is text. invalid-parameter for a bad value
/// or an unknown filter; not-implemented for `queue` and `handler`.
/// @param more asks for further parameters, which are then no unknown ones
Result<store::RunFilter> read_run_filter(std::string_view query, const std::function<void(QueryReader&)>& more = {});

/// The same parameters as the members of an object, without `limit` and `cursor`: {"state": "failed", "attribute.city":
/// "Pune"}. `state` may be a list. Faults go to `faults`, below `pointer`; an empty object is one.
store::RunFilter read_run_filter(const Json& members, const std::string& pointer, std::vector<FaultDetail>& faults);

}  // namespace orchestrator::api
