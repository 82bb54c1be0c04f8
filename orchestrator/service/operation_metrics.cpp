#include "orchestrator/service/operation_metrics.hpp"

#include "orchestrator/telemetry/metric_declarations.hpp"

namespace orchestrator::service {

OperationMetrics::OperationMetrics(telemetry::Metrics& metrics) {
  for (std::size_t i = 0; i < by_action_.size(); ++i) {
    const auto action = to_string(static_cast<store::OperationAction>(i));
    by_action_[i].started = metrics.counter(telemetry::kOperationStartedTotal, {action});
    by_action_[i].done = metrics.counter(telemetry::kOperationItemsTotal, {action, "done"});
    by_action_[i].failed = metrics.counter(telemetry::kOperationItemsTotal, {action, "failed"});
  }
}

void OperationMetrics::count_started(store::OperationAction action) const {
  by_action_[static_cast<std::size_t>(action)].started.add();
}

void OperationMetrics::count_items(store::OperationAction action, std::int32_t done, std::int32_t failed) const {
  const OfAction& counters = by_action_[static_cast<std::size_t>(action)];
  counters.done.add(done);
  counters.failed.add(failed);
}

}  // namespace orchestrator::service
