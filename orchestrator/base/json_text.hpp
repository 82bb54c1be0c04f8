#pragma once

#include <string>
#include <string_view>

namespace orchestrator {

/// Appends `value` as a JSON string, quotes included. Invalid UTF-8 passes through: what is stored was checked.
void append_json_string(std::string& out, std::string_view value);

}  // namespace orchestrator
