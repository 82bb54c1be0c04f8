#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/runtime/shard_group.hpp"

namespace orchestrator::runtime {

struct NodeOptions {
  NodeId id;
  std::string url;
  std::string roles = "api,worker,scheduler";
  /// How long a silent node keeps its shards. Milliseconds of database time, default 10 000
  /// (ORCHESTRATOR_LEASE_SECONDS).
  std::chrono::milliseconds lease{10'000};
  int handler_slots = 16;
  int max_suspects_in_hand = 8;
  /// Inbox reads while nothing comes, and while something does. Source: design, section 4.
  Duration inbox_idle = std::chrono::milliseconds{250};
  Duration inbox_busy = std::chrono::milliseconds{5};
};

/// What /metrics shows of a node.
struct NodeGauges : GroupGauges {
  std::int64_t shards_owned = 0;
  Duration heartbeat_age{};  ///< since the last confirmed heartbeat; zero before the first
};

/// One process's part in the cluster: keeps its lease, takes shards over, reads the inbox, and routes to its groups.
/// Built on one executor for itself and one per group; with a virtual executor the whole engine runs on one thread.
class Node final : public Headquarters {
 public:
  struct Parts {
    store::Store& store;
    Executor& executor;                      ///< the node's own strand
    std::vector<Executor*> group_executors;  ///< one per group; at most the store's lanes
    const Clock& clock;
    Random& random;
    HandlerThreads& handler_threads;
    const core::Planner& planner;
    const HandlerRegistry& handlers;
    telemetry::Logger& logger;
    telemetry::Metrics& metrics;
  };

  Node(Parts parts, NodeOptions options);
  ~Node() override;

  /// Begins heartbeats; shards follow.
  void start();

  /// Hands out nothing more, lets work in hand finish until `patience` has passed, then asks it to stop; flushes, hands
  /// the shards over and leaves. Calls back once.
  void drain(std::chrono::milliseconds patience, std::function<void()> done);

  /// Stops at once, handing nothing over: what a crash looks like to the others. For tests on a virtual clock.
  void abandon();

  /// The group that owns, or would own, this shard.
  [[nodiscard]] ShardGroup& group_of(ShardId shard);
  /// A shard of this node for something that has no key, in turn; nothing while it owns none.
  [[nodiscard]] std::optional<ShardId> any_shard();
  [[nodiscard]] std::int32_t shard_count() const { return parts_.store.shard_count(); }
  [[nodiscard]] Definitions& definitions() { return definitions_; }
  [[nodiscard]] bool is_draining() const { return draining_; }
  [[nodiscard]] bool owns_shards() const { return owned_count_ > 0; }
  [[nodiscard]] WorkerPool& workers() { return workers_; }
  [[nodiscard]] const WorkerPool& workers() const { return workers_; }
  /// The node's own strand, for deadlines of requests.
  [[nodiscard]] Executor& executor() { return parts_.executor; }
  [[nodiscard]] const Clock& clock() const { return parts_.clock; }
  /// How long a request may wait for its owner: until a dead owner's shards have a new one, and a little more.
  [[nodiscard]] Duration request_limit() const {
    return std::chrono::duration_cast<Duration>(options_.lease) + std::chrono::seconds{5};
  }
  [[nodiscard]] Timestamp now();
  [[nodiscard]] std::uint64_t random() { return parts_.random.next(); }

  /// Members of the cluster as of the last heartbeat.
  [[nodiscard]] store::HeartbeatAnswer cluster() const;

  /// As of the last sweep, a second ago at most. Any thread.
  [[nodiscard]] NodeGauges gauges() const;

  // Headquarters
  void deliver(std::vector<store::InboxRow> messages) override;
  void settle(std::shared_ptr<const store::Batch> batch,
              std::function<void(std::vector<store::ShardLease>, bool committed)> settled) override;
  void take_again(std::vector<ShardId> shards, std::function<void(std::vector<store::ShardLease>)> taken) override;
  void lost(std::vector<ShardId> shards) override;
  [[nodiscard]] bool is_confirmed() const override;

 private:
  void beat();
  void beaten(Duration sent_at, Result<store::HeartbeatAnswer> answer);
  void take(std::vector<ShardId> shards, std::set<ShardId> unclean);
  void look_for_proof(std::shared_ptr<const store::Batch> batch, std::vector<store::ShardLease> leases,
                      std::function<void(std::vector<store::ShardLease>, bool committed)> settled);
  void read_inbox();
  void tick();
  void check_drained(Duration until, bool cancelled, std::function<void()> done);
  void hand_over(std::function<void()> done);

  Parts parts_;            // Fixed after construction.
  NodeOptions options_;    // Fixed after construction.
  EngineMetrics metrics_;  // Fixed after construction; its counters are thread-safe.
  Definitions definitions_;
  WorkerPool workers_;
  std::vector<std::unique_ptr<ShardGroup>> groups_;  // Fixed after construction.

  std::set<ShardId> owned_;         // Only on parts_.executor.
  bool taking_ = false;             // Only on parts_.executor.
  bool reading_inbox_ = false;      // Only on parts_.executor.
  bool heartbeat_failing_ = false;  // Only on parts_.executor.
  std::uint64_t ticks_ = 0;         // Only on parts_.executor.

  std::atomic<bool> stopped_{false};
  std::atomic<bool> draining_{false};
  std::atomic<std::int64_t> confirmed_until_us_{0};  // steady clock
  std::atomic<std::int64_t> owned_count_{0};
  std::atomic<std::uint64_t> next_shard_{0};
  std::atomic<std::int64_t> clock_offset_us_{0};

  mutable std::mutex mutex_;
  store::HeartbeatAnswer cluster_;  // Guarded by mutex_.
  std::vector<ShardId> routable_;   // Guarded by mutex_.
};

}  // namespace orchestrator::runtime
