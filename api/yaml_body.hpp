#pragma once

#include <string>
#include <string_view>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::api {

/// `application/yaml`, its older names, or a `+yaml` type.
bool is_yaml_type(std::string_view content_type);

/// One YAML document as the JSON it stands for: plain scalars by the YAML 1.2 core schema, quoted ones as strings.
/// malformed-json with line and column for a syntax error, a second document, a repeated or structured map key, or more
/// than kMaxYamlValues values.
Result<Json> parse_yaml(const std::string& text);

}  // namespace orchestrator::api
