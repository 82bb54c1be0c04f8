#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/model/queue_limits.hpp"

namespace orchestrator::service {

/// Somebody who has tasks of a queue in hand: the slots of a node, or a remote worker.
struct QueueWorkerItem {
  std::string worker_id;
  std::int64_t in_flight = 0;
};

/// One queue over all nodes.
struct QueueItem {
  std::string name;
  std::int64_t depth = 0;  ///< ready and not in flight
  std::int64_t in_flight = 0;
  double oldest_ready_age_seconds = 0;  ///< 0 when nothing is ready
  double rate_per_second = 0;           ///< beginnings, mean of the last ten seconds
  bool paused = false;
  std::optional<Timestamp> paused_at;
  QueueLimits limits;
  std::vector<QueueWorkerItem> workers;
};

struct QueuePage {
  std::vector<QueueItem> items;            ///< by name
  std::vector<std::string> missing_nodes;  ///< did not answer: their share is not in the figures
};

/// What an operator says about a queue; members that are not set stay as they are.
struct ChangeQueue {
  std::string namespace_name;
  std::string name;
  std::optional<QueueLimits> limits;
  std::optional<bool> paused;
  std::string reason;  ///< of a pause
  Caller caller;
};

/// The settings after a change.
struct QueueSettings {
  std::string name;
  bool paused = false;
  std::string reason;
  std::optional<Timestamp> paused_at;
  Timestamp changed_at{};
  QueueLimits limits;
};

}  // namespace orchestrator::service
