#pragma once

#include <memory>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/deadlines.hpp"
#include "orchestrator/service/operation_metrics.hpp"
#include "orchestrator/service/operation_runner.hpp"
#include "orchestrator/service/operations.hpp"

namespace orchestrator::service {

/// Bulk operations on a node. Each run is asked through the same door as by a person.
class EngineOperations final : public Operations {
 public:
  /// @param service acts on single runs; it and the others outlive this
  EngineOperations(Service& service, runtime::Node& node, store::Store& store, std::shared_ptr<Deadlines> deadlines);

  void start(StartOperation request, Reply<StartedOperation> reply) override;
  void find(std::string namespace_name, store::OperationId operation_id, Reply<store::OperationView> reply) override;
  void list(store::OperationFilter filter, Reply<store::OperationPage> reply) override;
  void stop(std::string namespace_name, store::OperationId operation_id, Caller caller,
            Reply<store::OperationView> reply) override;

  /// Begins to work on operations, those that other nodes left included. Once.
  void begin();

 private:
  struct Gathering;

  void gather(const std::shared_ptr<Gathering>& gathering);
  void create(const std::shared_ptr<Gathering>& gathering);
  void perform(const store::OperationView& operation, RunId run_id, std::function<void(const Status&)> done);
  /// Success when the run is like this, else the error.
  void done_if(const std::string& namespace_name, RunId run_id, const Error& otherwise,
               std::function<void(const Status&)> done, bool (*is_done)(const store::RunView& view));
  void discard(const store::OperationView& operation, RunId run_id, std::function<void(const Status&)> done);

  Service& service_;                      // Fixed after construction.
  runtime::Node& node_;                   // Fixed after construction.
  store::Store& store_;                   // Fixed after construction.
  std::shared_ptr<Deadlines> deadlines_;  // Fixed after construction; shared with the other use cases.
  OperationMetrics metrics_;
  OperationRunner runner_;
};

}  // namespace orchestrator::service
