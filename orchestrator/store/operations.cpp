#include "orchestrator/store/operations.hpp"

#include <algorithm>
#include <array>

#include "orchestrator/base/json.hpp"
#include "orchestrator/store/audit.hpp"

namespace orchestrator::store {
namespace {

constexpr std::array<std::string_view, 5> kActions{"cancel", "retry", "pause", "resume", "discard"};
constexpr std::array<std::string_view, 3> kStates{"running", "done", "stopped"};

template <typename Enumeration, std::size_t size>
std::optional<Enumeration> parsed(const std::array<std::string_view, size>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enumeration>(found - names.begin());
}

std::string digest_of(const OperationView& view) {
  return audit_digest(Json{{"operation_id", view.operation_id.str()},
                           {"action", to_string(view.action)},
                           {"arguments", view.arguments},
                           {"filter", view.filter},
                           {"rate_per_second", view.rate_per_second},
                           {"matched", view.matched},
                           {"state", to_string(view.state)}});
}

}  // namespace

std::optional<AuditEntry> operation_audit(std::optional<AuditEntry> entry, const std::optional<OperationView>& before,
                                          const OperationView& after) {
  if (!entry) return entry;
  if (before) entry->before_hash = digest_of(*before);
  entry->after_hash = digest_of(after);
  return entry;
}

std::string_view to_string(OperationAction action) { return kActions[static_cast<std::size_t>(action)]; }
std::optional<OperationAction> parse_operation_action(std::string_view text) {
  return parsed<OperationAction>(kActions, text);
}

std::string_view to_string(OperationState state) { return kStates[static_cast<std::size_t>(state)]; }
std::optional<OperationState> parse_operation_state(std::string_view text) {
  return parsed<OperationState>(kStates, text);
}

}  // namespace orchestrator::store
