#pragma once

#include <optional>
#include <string>

#include "orchestrator/base/json_fwd.hpp"

/// What `orchestrator validate` and `orchestrator eval` answer. Pure: no files, no database.
namespace orchestrator::tools {

/// {"valid": bool, "diagnostics": [{"severity": "ERROR"|"WARNING", "code", "location", "message"}]}. A text that is not
/// JSON (or YAML) is a diagnostic too: INVALID_JSON_DESCRIPTION or INVALID_YAML_DESCRIPTION.
Json validate_report(const std::string& definition_text, bool is_yaml, bool express);

/// RFC 9535: {"nodes": [...]}, or {"invalid": true} when `expression` is not a JSONPath. Without an input
/// every valid expression selects nothing.
Json eval_jsonpath(const std::string& expression, const std::optional<Json>& input);

}  // namespace orchestrator::tools
