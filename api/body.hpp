#pragma once

#include <string>
#include <string_view>

#include "api/message.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::api {

/// `application/json` or a `+json` type, parameters ignored; a missing Content-Type counts as JSON.
bool is_json_type(std::string_view content_type);
/// `application/yaml`, its older names, or a `+yaml` type.
bool is_yaml_type(std::string_view content_type);

/// The body as JSON. unsupported-media-type for another type, malformed-json for anything that is not one JSON text.
Result<Json> read_json(const Request& request);

/// The same, but an empty body is JSON null.
Result<Json> read_optional_json(const Request& request);

/// The W3C trace context that came along, or "" when there is none or it is malformed: then it is ignored, as the
/// standard asks.
std::string accepted_traceparent(const Request& request);

}  // namespace orchestrator::api
