#include "orchestrator/model/role.hpp"

#include <algorithm>
#include <array>

namespace orchestrator {
namespace {

constexpr std::array<std::string_view, 4> kRoles{"viewer", "operator", "developer", "admin"};

}  // namespace

std::string_view to_string(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

std::optional<Role> parse_role(std::string_view text) {
  const auto* found = std::find(kRoles.begin(), kRoles.end(), text);
  if (found == kRoles.end()) return std::nullopt;
  return static_cast<Role>(found - kRoles.begin());
}

bool may_answer(Role role, const std::vector<std::string>& roles) {
  if (roles.empty() || role == Role::admin) return true;
  return std::any_of(roles.begin(), roles.end(), [role](const std::string& name) {
    const auto wanted = parse_role(name);
    return wanted && *wanted <= role;
  });
}

}  // namespace orchestrator
