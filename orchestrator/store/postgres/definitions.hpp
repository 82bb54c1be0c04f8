#pragma once

#include <string>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator::store::postgres {

/// Store::deploy: compares with the newest version only.
Result<DeployAnswer> deploy(Session& session, const DeployRequest& request);
/// Store::find_definition. not_found ("unknown-workflow").
Result<DefinitionRow> find_definition(Session& session, const std::string& namespace_name, const std::string& name,
                                      std::int32_t version);
Result<std::vector<WorkflowSummary>> list_workflows(Session& session, const std::string& namespace_name);

}  // namespace orchestrator::store::postgres
