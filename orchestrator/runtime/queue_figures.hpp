#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/runtime/queue_rules.hpp"

namespace orchestrator::runtime {

/// Somebody who performs tasks of a queue: the slots of a node, or a remote worker.
struct QueueWorker {
  std::string worker_id;
  std::int64_t in_flight = 0;
};

/// One queue on one node, or on all.
struct QueueFigures {
  std::string name;
  std::int64_t depth = 0;  ///< ready and not in flight
  std::int64_t in_flight = 0;
  Duration oldest_ready_age{};
  std::int64_t begun_lately = 0;  ///< in the last kRateWindowSeconds
  std::vector<QueueWorker> workers;
  QueueRules rules;
};

struct QueueList {
  std::vector<QueueFigures> queues;  ///< by name
  std::vector<std::string> missing;  ///< nodes that did not answer: their share is not in the figures
};

}  // namespace orchestrator::runtime
