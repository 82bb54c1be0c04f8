#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "orchestrator/runtime/peers.hpp"
#include "orchestrator/runtime/queue_keeper.hpp"
#include "orchestrator/runtime/shard_group.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::runtime {

struct NodeOptions {
  NodeId id;
  std::string url;
  std::string roles = "api,worker,scheduler";
  bool takes_shards = true;  ///< role worker; a node without it only forwards
  /// How long a shard that another node should have may take to come to rest here.
  Duration release_patience = std::chrono::seconds{10};
  /// How long a silent node keeps its shards. Milliseconds of database time, default 10 000
  /// (ORCHESTRATOR_LEASE_SECONDS).
  std::chrono::milliseconds lease{10'000};
  int handler_slots = 16;
  int max_suspects_in_hand = 8;
  std::size_t max_resting = kMaxResting;              ///< in memory, per group
  std::size_t max_ready_per_lane = kMaxReadyPerLane;  ///< jobs in memory, per shard
  /// Inbox reads while nothing comes, and while something does. Source: design, section 4.
  Duration inbox_idle = std::chrono::milliseconds{250};
  Duration inbox_busy = std::chrono::milliseconds{5};
};

/// What /metrics shows of a node.
struct NodeGauges : GroupGauges {
  std::map<std::string, std::int64_t> steps_without_handler;  ///< ready for remote workers, by handler
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

  /// Where the owner of a shard can be asked, as far as this node knows.
  struct Route {
    bool here = false;
    std::string url;  ///< of the other node; empty: nobody, or nobody known
  };

  Node(Parts parts, NodeOptions options);
  ~Node() override;

  /// How to call the other nodes, for hints that spare them a poll. Before start().
  void set_peers(PeerLink* peers) { peers_ = peers; }

  /// Begins heartbeats; shards follow.
  void start();

  /// Hands out nothing more, lets work in hand finish until `patience` has passed, then asks it to stop; flushes, hands
  /// the shards over and leaves. Calls back once.
  void drain(std::chrono::milliseconds patience, std::function<void()> done);

  /// Stops at once, handing nothing over: what a crash looks like to the others. For tests on a virtual clock.
  void abandon();

  /// The group that owns, or would own, this shard.
  [[nodiscard]] ShardGroup& group_of(ShardId shard);
  /// A shard for something that has no key, in turn: one of this node's, else anybody's; nothing while nobody owns any.
  [[nodiscard]] std::optional<ShardId> any_shard();
  [[nodiscard]] Route route(ShardId shard) const;
  /// A node that should own shards does not answer: looks at once whether it is gone, not at the next heartbeat. Any
  /// thread; more often than twice a second it does nothing.
  void doubt_owner();
  /// Another node says that something changed: heartbeats and reads the inbox at once. Any thread.
  void wake();
  /// Somebody's transaction may have left a message in an inbox. Any thread; a burst of hints is one look every 2 ms.
  void look_at_inbox();
  [[nodiscard]] std::int32_t shard_count() const { return parts_.store.shard_count(); }
  [[nodiscard]] Definitions& definitions() { return definitions_; }
  [[nodiscard]] bool is_draining() const { return draining_; }
  /// Whether requests can be taken: this node owns shards, or knows who does.
  [[nodiscard]] bool has_owner_known() const;
  /// Addresses of the other nodes that own shards, as of the last heartbeat.
  [[nodiscard]] std::vector<std::string> other_owners() const;
  [[nodiscard]] const EngineMetrics& engine_metrics() const { return metrics_; }
  /// Where services count what is theirs.
  [[nodiscard]] telemetry::Metrics& metrics() { return parts_.metrics; }
  [[nodiscard]] WorkerPool& workers() { return workers_; }
  [[nodiscard]] const WorkerPool& workers() const { return workers_; }
  /// What operators say about queues.
  [[nodiscard]] QueueKeeper& queues() { return queues_; }
  /// Other nodes that are alive and perform steps, and where they can be asked. As of the last heartbeat, any thread.
  [[nodiscard]] std::map<NodeId, std::string> other_workers() const;
  [[nodiscard]] const NodeId& id() const { return options_.id; }
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
  [[nodiscard]] bool has_scheduler() const override { return has_scheduler_; }
  [[nodiscard]] bool owns(ShardId shard) const override;

 private:
  void beat();
  void beaten(Duration sent_at, Result<store::HeartbeatAnswer> answer);
  void take(std::vector<ShardId> shards, std::set<ShardId> unclean);
  void look_for_proof(std::shared_ptr<const store::Batch> batch, std::vector<store::ShardLease> leases,
                      std::function<void(std::vector<store::ShardLease>, bool committed)> settled);
  void read_inbox();
  void read_inbox_after(Duration delay);
  void beat_after(Duration delay);
  void show_owned();
  void hand_over_messages(std::vector<store::InboxRow> messages, bool from_table);
  [[nodiscard]] std::vector<ShardId> owned_shards() const;
  void drop_lost(const std::vector<store::ShardOwnerRow>& owners);
  void give_surplus_away(std::size_t fair, std::vector<std::string> takers);
  void released(std::vector<store::ShardLease> leases, std::vector<std::string> takers);
  void hint(const std::string& url);
  void tick();
  void check_drained(Duration until, bool cancelled, std::function<void()> done);
  void hand_over(std::function<void()> done);

  Parts parts_;            // Fixed after construction.
  NodeOptions options_;    // Fixed after construction.
  EngineMetrics metrics_;  // Fixed after construction; its counters are thread-safe.
  Definitions definitions_;
  WorkerPool workers_;
  QueueShares shares_;
  QueueKeeper queues_;
  FlushTurns turns_;
  std::vector<std::unique_ptr<ShardGroup>> groups_;  // Fixed after construction.

  std::map<ShardId, Epoch> owned_;          // Only on parts_.executor: with the epoch of the take-over.
  std::set<ShardId> leaving_;               // Only on parts_.executor: of those, what goes to other nodes.
  bool was_taken_up_ = false;               // Only on parts_.executor: all that the table says is ours, is in memory.
  bool taking_ = false;                     // Only on parts_.executor.
  bool has_begun_ = false;                  // Only on parts_.executor: knows what operators say of queues.
  bool reading_inbox_ = false;              // Only on parts_.executor.
  bool read_inbox_again_ = false;           // Only on parts_.executor.
  Duration inbox_read_at_{};                // Only on parts_.executor: steady time of the last read's begin.
  Duration doubted_at_{};                   // Only on parts_.executor.
  std::uint64_t next_beat_ = 0;             // Only on parts_.executor: the one heartbeat that is due.
  std::uint64_t next_read_ = 0;             // Only on parts_.executor: the one inbox read that is due.
  std::map<std::string, Duration> hinted_;  // Only on parts_.executor: url, steady time of the last hint.
  bool heartbeat_failing_ = false;          // Only on parts_.executor.
  std::uint64_t ticks_ = 0;                 // Only on parts_.executor.

  std::atomic<bool> stopped_{false};
  std::atomic<bool> draining_{false};
  std::atomic<bool> has_scheduler_{false};
  std::atomic<std::int64_t> confirmed_until_us_{0};  // steady clock
  std::atomic<std::int64_t> owned_count_{0};
  std::atomic<std::uint64_t> next_shard_{0};
  std::atomic<std::int64_t> clock_offset_us_{0};

  PeerLink* peers_ = nullptr;            // Fixed before start().
  std::vector<std::atomic<bool>> owns_;  // By shard: whether requests for it are taken here.
  mutable telemetry::Mutex mutex_;
  store::HeartbeatAnswer cluster_ ORC_GUARDED_BY(mutex_);
  std::vector<ShardId> routable_ ORC_GUARDED_BY(mutex_);
  std::unordered_map<ShardId, std::string> urls_ ORC_GUARDED_BY(mutex_);  ///< live owners of other shards
  std::map<NodeId, std::string> others_ ORC_GUARDED_BY(mutex_);           ///< with their urls
};

}  // namespace orchestrator::runtime
