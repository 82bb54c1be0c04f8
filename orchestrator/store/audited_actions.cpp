#include "orchestrator/store/audited_actions.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::store {
namespace {

std::string settings_digest(const QueueSettingsRow& row) {
  return audit_digest(Json{{"limits", to_json(row.limits)}, {"paused", row.paused}, {"reason", row.reason}});
}

/// Without the key's own digest: the audit tells which key, not how to guess it.
std::string key_digest(const ApiKeyRow& row) {
  Json what = {{"key_id", row.key_id.str()},   {"name", row.name},     {"role", to_string(row.role)},
               {"namespaces", row.namespaces}, {"scopes", row.scopes}, {"revoked", row.revoked_at.has_value()}};
  what["expires_at"] = row.expires_at ? Json(to_micros(*row.expires_at)) : Json();
  return audit_digest(what);
}

/// The request as it was made is part of it: what was approved is what was asked.
std::string approval_digest(const ApprovalRow& row) {
  return audit_digest(Json{{"approval_id", row.approval_id.str()},
                           {"state", to_string(row.state)},
                           {"requested_by", row.requested_by},
                           {"request", row.request}});
}

}  // namespace

std::optional<AuditEntry> deploy_audit(const DeployRequest& request, const std::string& previous) {
  std::optional<AuditEntry> entry = request.audit;
  if (!entry) return entry;
  entry->before_hash = previous;
  entry->after_hash = request.checksum;
  return entry;
}

std::optional<AuditEntry> discard_audit(const DiscardRequest& request) {
  std::optional<AuditEntry> entry = request.audit;
  if (!entry) return entry;
  entry->before_hash = audit_digest(Json{{"dead_letter", to_string(DeadLetter::open)}});
  entry->after_hash = audit_digest(Json{{"dead_letter", to_string(DeadLetter::discarded)}});
  return entry;
}

std::optional<AuditEntry> queue_audit(const QueueSettingsChange& change, const std::optional<QueueSettingsRow>& before,
                                      const QueueSettingsRow& after) {
  std::optional<AuditEntry> entry = change.audit;
  if (!entry) return entry;
  if (before) entry->before_hash = settings_digest(*before);
  entry->after_hash = settings_digest(after);
  return entry;
}

std::optional<AuditEntry> replay_audit(std::optional<AuditEntry> entry, std::int32_t number) {
  if (!entry) return entry;
  entry->before_hash = audit_digest(Json{{"replays", number - 1}});
  entry->after_hash = audit_digest(Json{{"replays", number}});
  return entry;
}

std::optional<AuditEntry> namespace_audit(std::optional<AuditEntry> entry, const std::string& name) {
  if (entry) entry->after_hash = audit_digest(Json{{"name", name}});
  return entry;
}

std::optional<AuditEntry> endpoint_audit(std::optional<AuditEntry> entry,
                                         const std::optional<WebhookEndpointRow>& before,
                                         const std::optional<WebhookEndpointRow>& after) {
  if (!entry) return entry;
  const auto digest = [](const std::optional<WebhookEndpointRow>& row) {
    return row ? audit_digest(Json{{"provider", row->provider}, {"settings", row->settings}}) : std::string{};
  };
  entry->before_hash = digest(before);
  entry->after_hash = digest(after);
  return entry;
}

std::optional<AuditEntry> calendar_audit(std::optional<AuditEntry> entry, const std::optional<CalendarRow>& before,
                                         const std::optional<CalendarRow>& after) {
  if (!entry) return entry;
  const auto digest = [](const std::optional<CalendarRow>& row) {
    return row ? audit_digest(Json{{"days", row->days}}) : std::string{};
  };
  entry->before_hash = digest(before);
  entry->after_hash = digest(after);
  return entry;
}

std::optional<AuditEntry> key_audit(std::optional<AuditEntry> entry, const std::optional<ApiKeyRow>& before,
                                    const ApiKeyRow& after) {
  if (!entry) return entry;
  if (before) entry->before_hash = key_digest(*before);
  entry->after_hash = key_digest(after);
  return entry;
}

std::optional<AuditEntry> policy_audit(std::optional<AuditEntry> entry, const std::optional<PolicyRow>& before,
                                       const PolicyRow& after) {
  if (!entry) return entry;
  if (before) entry->before_hash = audit_digest(Json{{"rules", before->rules}});
  entry->after_hash = audit_digest(Json{{"rules", after.rules}});
  return entry;
}

AuditEntry expired_approval_audit(const ApprovalRow& row) {
  AuditEntry entry;
  entry.namespace_name = row.namespace_name;
  entry.caller = {std::string(kApprovalClock), Role::viewer};
  entry.action = "approval.expire";
  entry.target = row.target;
  entry.reason = "nobody approved it in time";
  return entry;
}

std::optional<AuditEntry> approval_audit(std::optional<AuditEntry> entry, const std::optional<ApprovalRow>& before,
                                         const ApprovalRow& after) {
  if (!entry) return entry;
  if (before) entry->before_hash = approval_digest(*before);
  entry->after_hash = approval_digest(after);
  return entry;
}

}  // namespace orchestrator::store
