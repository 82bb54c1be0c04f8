#pragma once

#include <string>
#include <vector>

namespace orchestrator::language {

/// RFC 6901 pointers of members that a JSON text gives more than once in the same object. Parsing keeps the last of
/// them silently, which in a definition loses a state. `text` must be valid JSON.
std::vector<std::string> find_repeated_members(const std::string& text);

}  // namespace orchestrator::language
