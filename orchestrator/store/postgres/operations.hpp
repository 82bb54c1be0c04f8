#pragma once

#include "orchestrator/store/operations.hpp"
#include "orchestrator/store/postgres/session_pool.hpp"

namespace orchestrator::store::postgres {

/// Bulk operations, over the connections of pages.
class PostgresOperations final : public OperationStore {
 public:
  /// @param pages outlives it
  explicit PostgresOperations(SessionPool& pages) : pages_(pages) {}

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
  SessionPool& pages_;  // Fixed after construction.
};

}  // namespace orchestrator::store::postgres
