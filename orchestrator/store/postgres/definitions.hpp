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

Status put_webhook_endpoint(Session& session, const WebhookEndpointRow& endpoint);
/// not_found.
Result<WebhookEndpointRow> find_webhook_endpoint(Session& session, const std::string& namespace_name,
                                                 const std::string& name);
Result<std::vector<WebhookEndpointRow>> list_webhook_endpoints(Session& session, const std::string& namespace_name);
/// Store::record_webhooks: all of them in one transaction.
Result<std::vector<WebhookReceiptAnswer>> record_webhooks(Session& session,
                                                          const std::vector<WebhookReceipt>& receipts);

}  // namespace orchestrator::store::postgres
