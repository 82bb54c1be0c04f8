#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/store/access.hpp"
#include "orchestrator/store/memory/memory_store.hpp"

namespace orchestrator::store::memory {

/// Keys, policies and approvals in the shared tables.
class MemoryAccess final : public AccessStore {
 public:
  explicit MemoryAccess(std::shared_ptr<MemoryStore::Core> core) : core_(std::move(core)) {}

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
  /// @param work called with the tables and the moment
  template <typename T, typename Work>
  void write(std::string_view operation, Done<T> done, Work work);

  std::shared_ptr<MemoryStore::Core> core_;  // Shared with posted work, as in the store.
};

}  // namespace orchestrator::store::memory
