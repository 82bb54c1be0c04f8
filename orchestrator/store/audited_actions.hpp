#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/store/access.hpp"
#include "orchestrator/store/calendar_rows.hpp"
#include "orchestrator/store/queries.hpp"
#include "orchestrator/store/queue_settings.hpp"
#include "orchestrator/store/webhooks.hpp"

/// The audit entries of what a store does by itself, with their digests: the same in every store. Nothing where nobody
/// asked to be written down.
namespace orchestrator::store {

/// A deployment that made a version. The digests are the checksums of the texts; `previous` is empty for the first.
std::optional<AuditEntry> deploy_audit(const DeployRequest& request, const std::string& previous);

std::optional<AuditEntry> discard_audit(const DiscardRequest& request);

/// @param before nothing: nobody had said anything about the queue
std::optional<AuditEntry> queue_audit(const QueueSettingsChange& change, const std::optional<QueueSettingsRow>& before,
                                      const QueueSettingsRow& after);

/// @param number of this replay, from 1
std::optional<AuditEntry> replay_audit(std::optional<AuditEntry> entry, std::int32_t number);

std::optional<AuditEntry> namespace_audit(std::optional<AuditEntry> entry, const std::string& name);

/// Of what was there before and is afterwards; nothing: it was not, or is not any more.
std::optional<AuditEntry> endpoint_audit(std::optional<AuditEntry> entry,
                                         const std::optional<WebhookEndpointRow>& before,
                                         const std::optional<WebhookEndpointRow>& after);
std::optional<AuditEntry> calendar_audit(std::optional<AuditEntry> entry, const std::optional<CalendarRow>& before,
                                         const std::optional<CalendarRow>& after);

std::optional<AuditEntry> key_audit(std::optional<AuditEntry> entry, const std::optional<ApiKeyRow>& before,
                                    const ApiKeyRow& after);
std::optional<AuditEntry> policy_audit(std::optional<AuditEntry> entry, const std::optional<PolicyRow>& before,
                                       const PolicyRow& after);
/// Of a request whose time is over: nobody asked for that, so the store says it.
AuditEntry expired_approval_audit(const ApprovalRow& row);
std::optional<AuditEntry> approval_audit(std::optional<AuditEntry> entry, const std::optional<ApprovalRow>& before,
                                         const ApprovalRow& after);

}  // namespace orchestrator::store
