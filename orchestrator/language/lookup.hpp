#pragma once

#include <optional>
#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/language/evaluate.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::language {

/// What `path` counts from: the input, the context object or a variable. States.Runtime for an unknown variable.
Result<const Json*> root_of(const Path& path, const Scope& scope);

/// The value of a path: an array for an indefinite one, nothing for a definite one that is missing.
Result<std::optional<Json>> look_up(const Path& path, const Scope& scope);

/// "Invalid path '$.a.b' : Missing property in path $['a']": why the definite `path` found nothing below `root`.
std::string describe_missing(const Path& path, const Json& root);

/// The text of a value inside an error: compact JSON, cut after 16 KiB.
std::string quote_value(const Json& value);

}  // namespace orchestrator::language
