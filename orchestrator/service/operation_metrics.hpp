#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "orchestrator/store/operations.hpp"
#include "orchestrator/telemetry/metrics.hpp"

namespace orchestrator::service {

/// What this node began and did of bulk operations. Thread-safe.
class OperationMetrics {
 public:
  explicit OperationMetrics(telemetry::Metrics& metrics);

  void count_started(store::OperationAction action) const;
  void count_items(store::OperationAction action, std::int32_t done, std::int32_t failed) const;

 private:
  struct OfAction {
    telemetry::Counter started;
    telemetry::Counter done;
    telemetry::Counter failed;
  };
  // Fixed after construction. One for each action, of which discard is the last.
  std::array<OfAction, static_cast<std::size_t>(store::OperationAction::discard) + 1> by_action_;
};

}  // namespace orchestrator::service
