#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/runtime/queue_rules.hpp"
#include "orchestrator/runtime/queue_shares.hpp"
#include "orchestrator/runtime/worker_pool.hpp"
#include "orchestrator/store/queue_settings.hpp"
#include "orchestrator/store/store.hpp"

namespace orchestrator::runtime {

/// Keeps the worker pool's rules as operators want them: reads what changed in the database, about once a second.
/// Only on the node's executor, unless a method says otherwise.
class QueueKeeper {
 public:
  QueueKeeper(store::Store& store, Executor& executor, WorkerPool& workers, QueueShares& shares)
      : store_(store), executor_(executor), workers_(workers), shares_(shares) {}

  /// Reads everything, again until it succeeds, then calls back: before that nothing may begin.
  void start(std::function<void()> ready);
  /// Reads what changed since. Any thread.
  void refresh();
  /// What this node has just written. Any thread.
  void learn(store::QueueSettingsRow row);
  /// Ends the reading.
  void stop() { stopped_ = true; }

 private:
  void read();
  void apply(const store::QueueSettingsRow& row);

  store::Store& store_;  // Fixed after construction.
  Executor& executor_;   // Fixed after construction.
  WorkerPool& workers_;  // Fixed after construction.
  QueueShares& shares_;  // Fixed after construction.
  std::int64_t revision_ = 0;
  std::map<QueueName, std::int64_t, ByQueueName> revisions_;
  bool reading_ = false;
  bool read_again_ = false;
  bool stopped_ = false;
  std::function<void()> ready_;  ///< until the first read
};

}  // namespace orchestrator::runtime
