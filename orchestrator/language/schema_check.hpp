#pragma once

#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/language/findings.hpp"

namespace orchestrator::language {

/// What is wrong with a schema itself, so that no rule of it is lost in silence: a known keyword with a value of the
/// wrong kind is an error, a keyword that other validators would obey and ours does not is a warning. Texts about the
/// value (`title`, `description`, `default`, `$schema`, ...) and unknown words pass. What is known: json_schema.hpp.
void check_schema(const Json& schema, const std::string& pointer, Findings& findings);

}  // namespace orchestrator::language
