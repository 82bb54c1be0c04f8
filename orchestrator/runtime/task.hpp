#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "orchestrator/core/planner.hpp"
#include "orchestrator/handler/handler.hpp"
#include "orchestrator/runtime/task_lease.hpp"

namespace orchestrator::runtime {

struct Task;
class LaneCount;

/// One task from its hand-out until its outcome is committed. Shared between the owner's strand and the worker that
/// performs it: either may end first.
struct TaskHold {
  std::atomic<bool> cancel_requested{false};
  std::atomic<std::int64_t> started_us{0};    ///< steady clock; 0: still in the queue
  std::atomic<std::int64_t> heartbeat_us{0};  ///< steady clock of the last heartbeat

  // Only on the owner's strand.
  /// What the worker said, kept until it is committed: a failed commit loses memory, never an outcome.
  std::optional<Outcome> outcome;
  bool start_recorded = false;

  /// Only under the worker pool's lock: the task while it is ready and nobody has begun it.
  const Task* ready = nullptr;
  bool is_remote = false;  ///< its handler is not compiled in
  /// A remote worker's; null while no remote worker has the task.
  std::unique_ptr<TaskLease> lease;
};

/// What a worker gets. Of a remote worker's task only command, context and hold are set.
struct Task {
  core::ScheduleTask command;
  const HandlerEntry* handler = nullptr;  ///< null: not compiled in, for remote workers
  TaskContext context;                    ///< complete but for deadline, cancel flag and callbacks
  std::shared_ptr<TaskHold> hold;
  std::string worker;
  std::string concurrency_key;      ///< of a job; empty: none
  std::string rate_key;             ///< likewise
  std::shared_ptr<LaneCount> lane;  ///< counts it while it is ready; null: nobody counts
  std::uint64_t number = 0;         ///< its place among tasks that became ready here; 0: the worker pool gives one
  /// Asked right before the handler begins, on its thread: whether this node still has the run's shard.
  std::function<bool()> is_still_ours;

  /// Where it is performed when its handler is immediate and it had to wait; empty: on a handler thread.
  std::function<void(std::function<void()> work)> post;

  /// The outcome, on the handler thread; the callee hops to its strand.
  std::function<void(Outcome outcome)> finish;
  /// A transactional handler completed: the owner decides, then calls `TransactionEnd` with what to commit.
  std::function<void(Outcome outcome, std::shared_ptr<StepTransaction> transaction, std::function<void()> release)>
      finish_in_transaction;
};

}  // namespace orchestrator::runtime
