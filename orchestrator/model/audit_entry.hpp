#pragma once

#include <optional>
#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/model/role.hpp"

namespace orchestrator {

/// Somebody who asks for an action, as his credential says.
struct Caller {
  std::string actor;  ///< the credential's name, never a secret; empty: the engine itself, which is not audited
  Role role = Role::viewer;
};

/// Who did what to which thing. Made by the service from what was asked, and written by whoever performs the action, in
/// the transaction of its effect (docs/audit.md). Actions of the engine itself have none.
struct AuditEntry {
  std::string namespace_name;
  Caller caller;
  std::string action;  ///< "run.cancel": a noun, a dot, a verb
  std::string target;  ///< a run's id, a queue's or schedule's name, ...
  std::string reason;  ///< as given; may be empty
  /// SHA-256 hex of the thing before and after (store/audit.hpp, audit_digest), set by whoever performs the action;
  /// empty: it did not exist.
  std::string before_hash;
  std::string after_hash;
};

/// For an action of somebody; nothing for one of the engine itself.
std::optional<AuditEntry> audited(std::string namespace_name, Caller caller, std::string action, std::string target,
                                  std::string reason);

/// How an entry travels to the node that performs the action; the digests are made there.
Json to_json(const AuditEntry& entry);
AuditEntry audit_entry_from(const Json& object);

}  // namespace orchestrator
