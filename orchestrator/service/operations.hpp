#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/service/service.hpp"
#include "orchestrator/store/operations.hpp"

namespace orchestrator::service {

/// One action of an operator on all runs that a filter names now.
struct StartOperation {
  std::string namespace_name;
  store::OperationAction action = store::OperationAction::cancel;
  Payload arguments;        ///< an object: of cancel {mode?}, of retry {from_state?, input?, new_idempotency_key?}
  Payload asked_filter;     ///< an object, as the caller wrote it
  store::RunFilter filter;  ///< what it means; limit and cursor do not count
  std::string reason;
  std::string actor;
  Role role = Role::operator_;  ///< of the actor
  std::int32_t rate_per_second = 100;
  bool dry_run = false;
  std::optional<RunId> id;  ///< from an IdempotencyGate: starting the same id again answers the same
};
struct StartedOperation {
  std::optional<store::OperationId> operation_id;  ///< nothing: it was a dry run
  std::int32_t matched = 0;
  std::vector<store::RunView> sample;  ///< the first ones that it is about
};

/// Runs that the answer to a start shows.
inline constexpr std::size_t kOperationSample = 10;

/// Bulk operations. Thread-safe, as Service. Runs are fixed at the start: one that appears later is never touched.
class Operations {
 public:
  virtual ~Operations() = default;
  /// Errors: invalid-body when the filter matches more than store::kMaxOperationRuns; resource_exhausted.
  virtual void start(StartOperation request, Reply<StartedOperation> reply) = 0;
  virtual void find(std::string namespace_name, store::OperationId operation_id, Reply<store::OperationView> reply) = 0;
  virtual void list(store::OperationFilter filter, Reply<store::OperationPage> reply) = 0;
  /// What is in hand is finished. Errors: not_found; wrong-state when it is done.
  virtual void stop(std::string namespace_name, store::OperationId operation_id, Caller caller,
                    Reply<store::OperationView> reply) = 0;
};

}  // namespace orchestrator::service
