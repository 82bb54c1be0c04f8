#pragma once

#include <string>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Store::create_namespace.
Result<CreatedNamespace> create_namespace(Session& session, const std::string& name,
                                          const std::optional<AuditEntry>& audit);
/// Store::list_namespaces.
Result<std::vector<NamespaceRow>> list_namespaces(Session& session);

}  // namespace orchestrator::store::postgres
