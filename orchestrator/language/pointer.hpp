#pragma once

#include <string>
#include <string_view>

namespace orchestrator::language {

/// The RFC 6901 pointer of a member or element below `parent`.
std::string below(const std::string& parent, std::string_view member);
std::string below(const std::string& parent, std::size_t index);

}  // namespace orchestrator::language
