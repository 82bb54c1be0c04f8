#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/runtime/ready_queues.hpp"
#include "orchestrator/runtime/remote_claims.hpp"
#include "orchestrator/runtime/task.hpp"
#include "orchestrator/store/store.hpp"
#include "orchestrator/telemetry/metrics.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

/// Performs tasks on handler threads, at most `slots` at once, in the order and within the limits of ReadyQueues.
/// Thread-safe.
class WorkerPool {
 public:
  /// @param may_start asked before each task is begun, on any thread: a node whose lease is not confirmed begins
  /// nothing
  WorkerPool(store::Store& store, HandlerThreads& threads, const Clock& clock, telemetry::Metrics& metrics, int slots,
             std::function<bool()> may_start);

  /// How to be pumped after a delay, when something waits for a rate. Before the first task.
  void set_alarm(std::function<void(Duration delay)> alarm) { alarm_ = std::move(alarm); }
  /// Told the queues whose share of their limits is too small for what is ready, on any thread. Before the first task.
  void set_hunger(std::function<void(std::vector<QueueName> queues)> hunger) { hunger_ = std::move(hunger); }

  /// Makes a task ready: for a handler thread, or, when its handler is not compiled in, for remote workers.
  void submit(Task task);
  /// The place of a task that is ready now and submitted later.
  std::uint64_t next_number();
  /// Takes back a task that is ready: cancelled, say. False when it is not: one that was begun stays in hand.
  bool drop(const TaskHold& hold);

  // ---- remote workers: their tasks take no slot here, but count for every limit of their queue ----

  /// Hands out at most `max` ready tasks whose handler is not compiled in. Each must be begun by the owner of its run,
  /// and in the end given to `end_remote`.
  std::vector<std::shared_ptr<Task>> claim(const ClaimFilter& filter, std::size_t max, const std::string& worker_id);
  /// A remote worker has this already: its lease came with its shard.
  void adopt_remote(const TaskHold& hold, QueueName queue, const KeysOf& keys, const std::string& worker_id);
  /// A claimed task was not begun after all: ready again, at its old place. Who waits is called only with `and_tell`.
  void put_back_remote(const TaskHold& hold, bool and_tell);
  /// A task is over, whether it was claimed or still ready.
  void end_remote(const TaskHold& hold);
  /// Whether a claim would get something now.
  [[nodiscard]] bool has_ready(const ClaimFilter& filter);
  /// Tasks that a worker has of a queue, claimed on this node.
  [[nodiscard]] std::int64_t claimed_by(QueueNameView queue, const std::string& worker_id) const;
  /// Calls `wake` once, on any thread, when a task that fits may be claimed.
  std::uint64_t wait_for_task(ClaimFilter filter, RemoteClaims::Waits waits, RemoteClaims::Wake wake);
  /// False when it has been called, or is about to be: then somebody else may have to take what it was called for.
  bool stop_waiting(std::uint64_t ticket);
  /// Calls who waits for what may be claimed now. Limits that let tasks go later than a claim's end call nobody by
  /// themselves: who waits long asks for this now and then.
  void rouse_claims();
  [[nodiscard]] std::map<std::string, std::int64_t> ready_by_handler() const;
  [[nodiscard]] RemoteReading remote() const;

  /// At most `limit` tasks of the queue at once on this node; by default all slots.
  void set_queue_limit(const std::string& queue, int limit);
  /// What operators say about a queue, and which part of it is this node's.
  void set_rules(const QueueName& queue, const QueueRules& rules);
  void set_share(const QueueName& queue, QueueShare share);
  std::int64_t take_tokens_back(QueueNameView queue);
  [[nodiscard]] QueueDemand demand_of(QueueNameView queue) const;
  /// The node's lease was over for a while: what was handed to a thread under it and has not begun goes back.
  void lapse() { ++lapses_; }

  // ---- what ends on its owner's strand in the moment in which it begins ----
  /// Whether such a task has to ask first. Cheap: no lock.
  [[nodiscard]] bool must_ask(const KeysOf& keys) const {
    return has_rules_ || !keys.concurrency_key.empty() || !keys.rate_key.empty();
  }
  /// Nothing: it has to be submitted, and is posted back to the strand in its turn.
  std::optional<ReadyQueues::Ticket> begin_at_once(QueueNameView queue, const KeysOf& keys);
  void end_at_once(const ReadyQueues::Ticket& ticket);
  /// For `rate_per_second`: tasks that were performed without asking.
  void count_at_once(QueueNameView queue, std::int64_t count);

  /// What keeps a ready task of this queue and with these keys from beginning; nothing: it only waits for a worker.
  [[nodiscard]] std::optional<Obstacle> obstacle_of(QueueNameView queue, const KeysOf& keys) const;
  /// The rules as they are here; nothing when nobody made any.
  [[nodiscard]] std::optional<QueueRules> rules_of(QueueNameView queue) const;

  /// Takes back what nobody has begun of a shard that moves to another node; answers what it was.
  std::vector<std::pair<RunId, core::TaskRef>> withdraw(ShardId shard);

  /// What a group keeps back by itself (suspects, until few enough are in hand): ready all the same, so it counts as
  /// such.
  void set_aside(const void* group, std::map<QueueName, std::int64_t> tasks);

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
  /// Every queue that had a task lately or has rules. Walks what is ready: for scrapes, not for hot paths.
  [[nodiscard]] std::vector<QueueReading> queues() const;
  /// Forgets what nobody uses any more. Now and then.
  void forget_idle();

  /// Runs blocking work of a step that still holds its slot (its commit), on a handler thread.
  void run_blocking(std::function<void()> work) { threads_.run(std::move(work)); }

 private:
  using Begun = ReadyQueues::Begun;

  void dispatch(Begun begun, std::uint64_t lapses);
  void tell_hunger(std::vector<QueueName> queues);
  /// The handler's outcome, timed.
  void record(const std::string& handler, const Outcome& outcome, Duration since);
  bool put_back(const Begun& begun, std::uint64_t lapses);
  void perform(const Begun& begun, std::uint64_t lapses);
  void release(const ReadyQueues::Ticket& ticket);
  std::optional<Duration> delay_to_next_opening() ORC_REQUIRES(mutex_);
  static void call(const std::vector<RemoteClaims::Wake>& wakes);

  store::Store& store_;                                 // Fixed after construction.
  HandlerThreads& threads_;                             // Fixed after construction.
  const Clock& clock_;                                  // Fixed after construction.
  telemetry::Metrics& metrics_;                         // Fixed after construction.
  const int slots_;                                     // Fixed after construction.
  const std::function<bool()> may_start_;               // Fixed after construction.
  std::function<void(Duration)> alarm_;                 // Fixed before the first task.
  std::function<void(std::vector<QueueName>)> hunger_;  // Fixed before the first task.
  mutable telemetry::Mutex mutex_;
  ReadyQueues ready_ ORC_GUARDED_BY(mutex_);
  RemoteClaims remote_ ORC_GUARDED_BY(mutex_);
  std::set<std::shared_ptr<TaskHold>> in_hand_ ORC_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, Outcome::Kind>, telemetry::Histogram> handler_seconds_ ORC_GUARDED_BY(mutex_);
  struct Aside {
    std::int64_t count = 0;
    Duration since{};  ///< steady clock
  };
  std::map<const void*, std::map<QueueName, Aside>> aside_ ORC_GUARDED_BY(mutex_);
  int in_flight_ ORC_GUARDED_BY(mutex_) = 0;
  bool paused_ ORC_GUARDED_BY(mutex_) = false;
  Duration alone_until_ ORC_GUARDED_BY(mutex_){};            ///< steady clock
  std::optional<Duration> alarm_at_ ORC_GUARDED_BY(mutex_);  ///< steady clock; the earliest that is set
  std::atomic<bool> has_rules_{false};
  std::atomic<std::uint64_t> lapses_{0};
};

}  // namespace orchestrator::runtime
