#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orchestrator {

/// What a credential may do. Each role includes those before it. Spelled in JSON without the underscore, which is here
/// only because `operator` is a word of C++.
enum class Role : std::uint8_t { viewer, operator_, developer, admin };

std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

/// Whether somebody of this role may answer what asks for `roles`: one of them is his own or one that his includes.
/// Nobody asked for is anybody. A name that is no role of ours is held by nobody but an admin, who may answer all.
bool may_answer(Role role, const std::vector<std::string>& roles);

}  // namespace orchestrator
