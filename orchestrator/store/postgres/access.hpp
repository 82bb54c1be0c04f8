#pragma once

#include "orchestrator/store/access.hpp"
#include "orchestrator/store/postgres/session_pool.hpp"

namespace orchestrator::store::postgres {

/// Keys, policies and approvals, over the connections of pages; what changed, which must not wait behind a long page,
/// over another one.
class PostgresAccess final : public AccessStore {
 public:
  /// @param pages, quick outlive it
  PostgresAccess(SessionPool& pages, SessionPool& quick) : pages_(pages), quick_(quick) {}

  void create_key(ApiKeyRow key, std::optional<AuditEntry> audit, Done<ApiKeyRow> done) override;
  void revoke_key(KeyId key_id, std::string actor, std::optional<AuditEntry> audit, Done<ApiKeyRow> done) override;
  void put_policy(PolicyRow policy, std::optional<AuditEntry> audit, Done<PolicyRow> done) override;
  void read_changes(std::int64_t after_revision, Done<AccessChanges> done) override;
  void add_approval(ApprovalRow approval, std::optional<AuditEntry> audit, Done<ApprovalRow> done) override;
  void find_approval(std::string namespace_name, ApprovalId approval_id, Done<ApprovalRow> done) override;
  void list_approvals(ApprovalFilter filter, Done<ApprovalPage> done) override;
  void decide_approval(ApprovalDecision decision, std::optional<AuditEntry> audit, Done<ApprovalRow> done) override;
  void finish_approval(std::string namespace_name, ApprovalId approval_id, std::int32_t status, std::string answer,
                       Done<ApprovalRow> done) override;
  void expire_approvals(Done<std::int64_t> done) override;
  void take_approved(std::chrono::milliseconds hold, Done<std::vector<ApprovalRow>> done) override;

 private:
  SessionPool& pages_;  // Fixed after construction.
  SessionPool& quick_;  // Fixed after construction.
};

}  // namespace orchestrator::store::postgres
