#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/runtime/task.hpp"
#include "orchestrator/store/store.hpp"
#include "orchestrator/telemetry/metrics.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// One queue on this node, as /metrics shows it.
struct QueueReading {
  std::string name;
  std::int64_t depth = 0;  ///< ready and not in flight
  int in_flight = 0;
  Duration oldest_ready_age{};  ///< zero when nothing is ready
};

/// Performs tasks on handler threads: the highest priority first, equal ones in order, at most `slots` at once and per
/// queue at most its limit. Thread-safe.
class WorkerPool {
 public:
  /// @param may_start asked before each task is begun, on any thread: a node whose lease is not confirmed begins
  /// nothing
  WorkerPool(store::Store& store, HandlerThreads& threads, const Clock& clock, telemetry::Metrics& metrics, int slots,
             std::function<bool()> may_start);

  void submit(Task task);

  /// At most `limit` tasks of the queue at once on this node; by default all slots.
  void set_queue_limit(const std::string& queue, int limit);

  /// Takes back what nobody has begun of a shard that moves to another node; answers what it was.
  std::vector<std::pair<RunId, core::TaskRef>> withdraw(ShardId shard);

  /// Looks again whether tasks may be begun.
  void pump();

  /// Takes the node's one turn for a suspect task that must not share its fate with another one; false while somebody
  /// has it. It lasts until end_alone, at most a minute: long work shall not hold up all others.
  bool begin_alone();
  void end_alone();

  /// Hands out nothing more; what is in hand goes on.
  void pause();
  /// Asks everything in hand to stop.
  void cancel_all();
  [[nodiscard]] int in_flight() const;
  [[nodiscard]] std::int64_t ready_count() const;
  /// Every queue that ever had a task. Walks what is ready: for scrapes, not for hot paths.
  [[nodiscard]] std::vector<QueueReading> queues() const;

  /// Runs blocking work of a step that still holds its slot (its commit), on a handler thread.
  void run_blocking(std::function<void()> work) { threads_.run(std::move(work)); }

 private:
  struct Order {
    std::int32_t priority;
    std::uint64_t number;
    bool operator<(const Order& other) const {
      return priority != other.priority ? priority > other.priority : number < other.number;
    }
  };
  struct Ready {
    std::shared_ptr<Task> task;
    Duration since{};  ///< steady clock
  };
  struct Queue {
    std::map<Order, Ready> ready;
    int in_flight = 0;
    int limit = 0;  ///< 0: no limit of its own
    telemetry::Histogram pickup_seconds;
  };

  Queue& queue_named(const std::string& name) ORC_REQUIRES(mutex_);
  /// The handler's outcome, timed.
  void record(const std::string& handler, const Outcome& outcome, Duration since);
  bool put_back(const std::shared_ptr<Task>& task, const std::string& queue);
  void perform(std::shared_ptr<Task> task, const std::string& queue);
  void release(const std::string& queue);

  store::Store& store_;                    // Fixed after construction.
  HandlerThreads& threads_;                // Fixed after construction.
  const Clock& clock_;                     // Fixed after construction.
  telemetry::Metrics& metrics_;            // Fixed after construction.
  const int slots_;                        // Fixed after construction.
  const std::function<bool()> may_start_;  // Fixed after construction.
  mutable telemetry::Mutex mutex_;
  std::map<std::string, Queue> queues_ ORC_GUARDED_BY(mutex_);
  std::set<std::shared_ptr<TaskHold>> in_hand_ ORC_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, Outcome::Kind>, telemetry::Histogram> handler_seconds_ ORC_GUARDED_BY(mutex_);
  std::uint64_t next_number_ ORC_GUARDED_BY(mutex_) = 0;
  int in_flight_ ORC_GUARDED_BY(mutex_) = 0;
  bool paused_ ORC_GUARDED_BY(mutex_) = false;
  Duration alone_until_ ORC_GUARDED_BY(mutex_){};  ///< steady clock
};

}  // namespace orchestrator::runtime
