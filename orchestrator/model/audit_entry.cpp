#include "orchestrator/model/audit_entry.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator {

std::optional<AuditEntry> audited(std::string namespace_name, Caller caller, std::string action, std::string target,
                                  std::string reason) {
  if (caller.actor.empty()) return std::nullopt;
  AuditEntry entry;
  entry.namespace_name = std::move(namespace_name);
  entry.caller = std::move(caller);
  entry.action = std::move(action);
  entry.target = std::move(target);
  entry.reason = std::move(reason);
  return entry;
}

Json to_json(const AuditEntry& entry) {
  return {{"namespace", entry.namespace_name},
          {"actor", entry.caller.actor},
          {"role", to_string(entry.caller.role)},
          {"action", entry.action},
          {"target", entry.target},
          {"reason", entry.reason}};
}

AuditEntry audit_entry_from(const Json& object) {
  AuditEntry entry;
  entry.namespace_name = object.value("namespace", std::string{});
  entry.caller.actor = object.value("actor", std::string{});
  entry.caller.role = parse_role(object.value("role", std::string{})).value_or(Role::viewer);
  entry.action = object.value("action", std::string{});
  entry.target = object.value("target", std::string{});
  entry.reason = object.value("reason", std::string{});
  return entry;
}

}  // namespace orchestrator
