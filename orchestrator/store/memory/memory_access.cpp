// Keys, policies and approvals in memory.
#include "orchestrator/store/memory/memory_access.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/store/audited_actions.hpp"
#include "orchestrator/store/memory/memory_core.hpp"

namespace orchestrator::store::memory {
namespace {

Unexpected no_approval() { return fail(ErrorCode::not_found, "no such approval"); }

ApprovalRow* find_row(Tables& tables, const std::string& namespace_name, const ApprovalId& approval_id) {
  const auto found = tables.approvals.find(approval_id);
  const bool is_there = found != tables.approvals.end() && found->second.namespace_name == namespace_name;
  return is_there ? &found->second : nullptr;
}

}  // namespace

Result<ApiKeyRow> create_api_key(Tables& tables, ApiKeyRow key, const std::optional<AuditEntry>& audit, Timestamp now) {
  if (static_cast<std::int64_t>(tables.api_keys.size()) >= kMaxApiKeys) {
    return fail(ErrorCode::resource_exhausted, "there are as many API keys as there may be");
  }
  key.created_at = now;
  key.revision = ++tables.access_revision;
  tables.api_keys[key.key_id] = key;
  append_audit(tables, kClusterChain, key_audit(audit, std::nullopt, key), now);
  return key;
}

Result<ApiKeyRow> revoke_api_key(Tables& tables, const KeyId& key_id, const std::optional<AuditEntry>& audit,
                                 Timestamp now) {
  const auto found = tables.api_keys.find(key_id);
  if (found == tables.api_keys.end()) return fail(ErrorCode::not_found, "no such API key");
  ApiKeyRow before = found->second;
  before.revoked_at.reset();
  if (!found->second.revoked_at) found->second.revoked_at = now;
  found->second.revision = ++tables.access_revision;
  append_audit(tables, kClusterChain, key_audit(audit, before, found->second), now);
  return found->second;
}

Result<PolicyRow> put_policy(Tables& tables, PolicyRow policy, const std::optional<AuditEntry>& audit, Timestamp now) {
  const auto known = tables.policies.find(policy.namespace_name);
  const auto before = known == tables.policies.end() ? std::nullopt : std::optional(known->second);
  policy.changed_at = now;
  policy.revision = ++tables.access_revision;
  tables.policies[policy.namespace_name] = policy;
  append_audit(tables, kClusterChain, policy_audit(audit, before, policy), now);
  return policy;
}

AccessChanges read_access_changes(const Tables& tables, std::int64_t after_revision) {
  AccessChanges changes;
  changes.revision = tables.access_revision;
  for (const auto& [id, key] : tables.api_keys) {
    if (key.revision > after_revision) changes.keys.push_back(key);
  }
  for (const auto& [name, policy] : tables.policies) {
    if (policy.revision > after_revision) changes.policies.push_back(policy);
  }
  const auto by_revision = [](const auto& a, const auto& b) { return a.revision < b.revision; };
  std::ranges::sort(changes.keys, by_revision);
  std::ranges::sort(changes.policies, by_revision);
  return changes;
}

Result<ApprovalRow> add_approval(Tables& tables, ApprovalRow approval, const std::optional<AuditEntry>& audit,
                                 Timestamp now) {
  if (const ApprovalRow* known = find_row(tables, approval.namespace_name, approval.approval_id)) return *known;
  const auto waits = [&](const auto& entry) {
    return entry.second.namespace_name == approval.namespace_name && entry.second.state == ApprovalState::waiting;
  };
  if (std::ranges::count_if(tables.approvals, waits) >= kMaxWaitingApprovals) {
    return fail(ErrorCode::resource_exhausted, "as many requests wait for a second person as may");
  }
  approval.state = ApprovalState::waiting;
  approval.created_at = now;
  tables.approvals[approval.approval_id] = approval;
  append_audit(tables, kClusterChain, approval_audit(audit, std::nullopt, approval), now);
  return approval;
}

Result<ApprovalRow> find_approval(const Tables& tables, const std::string& namespace_name,
                                  const ApprovalId& approval_id) {
  const auto found = tables.approvals.find(approval_id);
  if (found == tables.approvals.end() || found->second.namespace_name != namespace_name) return no_approval();
  return found->second;
}

Result<ApprovalPage> list_approvals(const Tables& tables, const ApprovalFilter& filter) {
  std::optional<ApprovalId> before;
  if (!filter.cursor.empty()) {
    auto id = ApprovalId::parse(filter.cursor);
    if (!id) return fail(ErrorCode::invalid_argument, "invalid-parameter", "not a cursor of this list");
    before = *id;
  }
  ApprovalPage page;
  for (auto entry = tables.approvals.rbegin(); entry != tables.approvals.rend(); ++entry) {
    const ApprovalRow& row = entry->second;
    if (row.namespace_name != filter.namespace_name || (filter.state && row.state != *filter.state)) continue;
    if (before && !(row.approval_id < *before)) continue;
    if (page.items.size() == static_cast<std::size_t>(filter.limit)) {
      page.next_cursor = page.items.back().approval_id.str();
      break;
    }
    page.items.push_back(row);
  }
  return page;
}

Result<ApprovalRow> decide_approval(Tables& tables, const ApprovalDecision& decision,
                                    const std::optional<AuditEntry>& audit, Timestamp now) {
  ApprovalRow* row = find_row(tables, decision.namespace_name, decision.approval_id);
  if (row == nullptr) return no_approval();
  const bool is_late = row->expires_at <= now && decision.to != ApprovalState::expired;
  if (row->state != ApprovalState::waiting || is_late) return not_waiting();
  const ApprovalRow before = *row;
  row->state = decision.to;
  row->decided_by = decision.actor;
  row->decided_reason = decision.reason;
  row->decided_at = now;
  if (decision.to == ApprovalState::approved) tables.approvals_held_until[row->approval_id] = now + decision.hold;
  append_audit(tables, kClusterChain, approval_audit(audit, before, *row), now);
  return *row;
}

std::int64_t expire_approvals(Tables& tables, Timestamp now) {
  std::vector<ApprovalRow*> over;
  for (auto& [id, row] : tables.approvals) {
    if (row.state == ApprovalState::waiting && row.expires_at <= now) over.push_back(&row);
  }
  std::ranges::sort(over, {}, [](const ApprovalRow* row) { return std::pair(row->expires_at, row->approval_id); });
  if (over.size() > static_cast<std::size_t>(kMaxSweptApprovals)) over.resize(kMaxSweptApprovals);
  for (const ApprovalRow* row : over) {
    const AuditEntry entry = expired_approval_audit(*row);
    const ApprovalDecision decision{.namespace_name = row->namespace_name,
                                    .approval_id = row->approval_id,
                                    .to = ApprovalState::expired,
                                    .actor = entry.caller.actor,
                                    .reason = entry.reason};
    (void)decide_approval(tables, decision, entry, now);  // it waits: cannot fail
  }
  return static_cast<std::int64_t>(over.size());
}

std::vector<ApprovalRow> take_approved(Tables& tables, std::chrono::milliseconds hold, Timestamp now) {
  std::vector<ApprovalRow> taken;
  for (const auto& [id, row] : tables.approvals) {
    if (row.state != ApprovalState::approved || *row.decided_at < now - kApprovedLife) continue;
    if (tables.approvals_held_until[id] < now) taken.push_back(row);
  }
  std::ranges::sort(taken, {}, [](const ApprovalRow& row) { return std::pair(row.decided_at, row.approval_id); });
  if (taken.size() > static_cast<std::size_t>(kMaxSweptApprovals)) taken.resize(kMaxSweptApprovals);
  for (const ApprovalRow& row : taken) tables.approvals_held_until[row.approval_id] = now + hold;
  return taken;
}

Result<ApprovalRow> finish_approval(Tables& tables, const std::string& namespace_name, const ApprovalId& approval_id,
                                    std::int32_t status, const std::string& answer) {
  ApprovalRow* row = find_row(tables, namespace_name, approval_id);
  if (row == nullptr || row->state != ApprovalState::approved) return not_waiting();
  row->state = ApprovalState::done;
  tables.approvals_held_until.erase(row->approval_id);
  row->status = status;
  row->answer = answer;
  return *row;
}

template <typename T, typename Work>
void MemoryAccess::write(std::string_view operation, Done<T> done, Work work) {
  core_->run<T>(operation, true, std::move(done), [core = core_.get(), work = std::move(work)](Tables& tables) {
    return work(tables, core->options.now());
  });
}

void MemoryAccess::create_key(ApiKeyRow key, std::optional<AuditEntry> audit, Done<ApiKeyRow> done) {
  write("create_api_key", std::move(done), [key = std::move(key), audit = std::move(audit)](Tables& tables, auto now) {
    return memory::create_api_key(tables, key, audit, now);
  });
}

void MemoryAccess::revoke_key(KeyId key_id, std::string /*actor*/, std::optional<AuditEntry> audit,
                              Done<ApiKeyRow> done) {
  write("revoke_api_key", std::move(done), [key_id, audit = std::move(audit)](Tables& tables, auto now) {
    return memory::revoke_api_key(tables, key_id, audit, now);
  });
}

void MemoryAccess::put_policy(PolicyRow policy, std::optional<AuditEntry> audit, Done<PolicyRow> done) {
  write("put_policy", std::move(done),
        [policy = std::move(policy), audit = std::move(audit)](Tables& tables, auto now) {
          return memory::put_policy(tables, policy, audit, now);
        });
}

void MemoryAccess::read_changes(std::int64_t after_revision, Done<AccessChanges> done) {
  core_->run<AccessChanges>("read_access_changes", false, std::move(done),
                            [after_revision](Tables& tables) -> Result<AccessChanges> {
                              return memory::read_access_changes(tables, after_revision);
                            });
}

void MemoryAccess::add_approval(ApprovalRow approval, std::optional<AuditEntry> audit, Done<ApprovalRow> done) {
  write("add_approval", std::move(done),
        [approval = std::move(approval), audit = std::move(audit)](Tables& tables, auto now) {
          return memory::add_approval(tables, approval, audit, now);
        });
}

void MemoryAccess::find_approval(std::string namespace_name, ApprovalId approval_id, Done<ApprovalRow> done) {
  core_->run<ApprovalRow>("find_approval", false, std::move(done),
                          [namespace_name = std::move(namespace_name), approval_id](Tables& tables) {
                            return memory::find_approval(tables, namespace_name, approval_id);
                          });
}

void MemoryAccess::list_approvals(ApprovalFilter filter, Done<ApprovalPage> done) {
  core_->run<ApprovalPage>("list_approvals", false, std::move(done), [filter = std::move(filter)](Tables& tables) {
    return memory::list_approvals(tables, filter);
  });
}

void MemoryAccess::decide_approval(ApprovalDecision decision, std::optional<AuditEntry> audit, Done<ApprovalRow> done) {
  write("decide_approval", std::move(done),
        [decision = std::move(decision), audit = std::move(audit)](Tables& tables, auto now) {
          return memory::decide_approval(tables, decision, audit, now);
        });
}

void MemoryAccess::finish_approval(std::string namespace_name, ApprovalId approval_id, std::int32_t status,
                                   std::string answer, Done<ApprovalRow> done) {
  write("finish_approval", std::move(done),
        [namespace_name = std::move(namespace_name), approval_id, status, answer = std::move(answer)](Tables& tables,
                                                                                                      auto /*now*/) {
          return memory::finish_approval(tables, namespace_name, approval_id, status, answer);
        });
}

void MemoryAccess::expire_approvals(Done<std::int64_t> done) {
  write("expire_approvals", std::move(done),
        [](Tables& tables, auto now) -> Result<std::int64_t> { return memory::expire_approvals(tables, now); });
}

void MemoryAccess::take_approved(std::chrono::milliseconds hold, Done<std::vector<ApprovalRow>> done) {
  write("take_approved", std::move(done), [hold](Tables& tables, auto now) -> Result<std::vector<ApprovalRow>> {
    return memory::take_approved(tables, hold, now);
  });
}

}  // namespace orchestrator::store::memory
