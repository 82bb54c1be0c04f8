#pragma once

#include <memory>
#include <string>

#include "orchestrator/store/memory/memory_store.hpp"
#include "orchestrator/store/operations.hpp"

namespace orchestrator::store::memory {

/// Bulk operations in the shared tables.
class MemoryOperations final : public OperationStore {
 public:
  explicit MemoryOperations(std::shared_ptr<MemoryStore::Core> core) : core_(std::move(core)) {}

  void create(NewOperation operation, Done<OperationView> done) override;
  void find(std::string namespace_name, OperationId operation_id, Done<OperationView> done) override;
  void list(OperationFilter filter, Done<OperationPage> done) override;
  void stop(std::string namespace_name, OperationId operation_id, std::string actor, std::optional<AuditEntry> audit,
            Done<OperationView> done) override;
  void take(OperationHolder holder, std::chrono::milliseconds lease,
            Done<std::optional<LeasedOperation>> done) override;
  void advance(OperationProgress progress, std::chrono::milliseconds lease, Done<bool> done) override;
  void let_go(OperationHolder holder, OperationId operation_id, Done<void> done) override;

 private:
  std::shared_ptr<MemoryStore::Core> core_;  // Shared with posted work, as in the store.
};

}  // namespace orchestrator::store::memory
