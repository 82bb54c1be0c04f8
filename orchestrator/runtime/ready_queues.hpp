#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "orchestrator/model/token_bucket.hpp"
#include "orchestrator/runtime/queue_rules.hpp"
#include "orchestrator/runtime/task.hpp"
#include "orchestrator/telemetry/metrics.hpp"

namespace orchestrator::runtime {

/// Starts of which a queue's `rate_per_second` is the mean.
inline constexpr std::int64_t kRateWindowSeconds = 10;
/// A queue that nothing was heard of for this long, and that has no settings, is forgotten.
inline constexpr Duration kForgetQueueAfter = std::chrono::minutes{10};
/// Keys that nothing is known of but that their bucket is not full yet. Beyond it the one that is full soonest is
/// forgotten early, and begins with a full bucket.
inline constexpr std::size_t kMaxFadingKeys = 1'000'000;

/// The keys of a task, for questions about it.
struct KeysOf {
  std::string_view concurrency_key;  ///< empty: none
  std::string_view rate_key;         ///< empty: none
};

/// One queue on this node.
struct QueueReading {
  QueueName queue;
  std::int64_t depth = 0;  ///< ready and not in flight
  std::int64_t in_flight = 0;
  std::int64_t in_local_slots = 0;  ///< of those in flight
  Duration oldest_ready_age{};      ///< zero when nothing is ready
  std::int64_t begun_lately = 0;    ///< in the last kRateWindowSeconds
  QueueRules rules;
  std::array<std::int64_t, kObstacleCount> waiting{};  ///< of the depth, by Obstacle
};

/// The tasks that are ready on this node, and which of them begins next: among namespaces by weighted fair queueing,
/// inside a namespace the highest priority first, among equal ones fairly by queue, inside a queue in order. A limit
/// that is reached keeps its tasks aside: those of a key that may not begin cost nothing until it may.
///
/// Pure: time is an argument (the steady clock), nothing blocks, no locks.
class ReadyQueues {
 public:
  struct Queue;
  struct Key;
  /// What a begun task takes up until end().
  struct Ticket {
    Queue* queue = nullptr;
    Key* key = nullptr;  ///< whose concurrency it counts for
    bool is_local = false;
  };
  struct Begun {
    std::shared_ptr<Task> task;
    Duration since{};  ///< when it became ready
    Ticket ticket;
    telemetry::Histogram pickup_seconds;
  };
  using HistogramFor = std::function<telemetry::Histogram(const std::string& queue)>;

  explicit ReadyQueues(HistogramFor pickup_seconds = {});
  ~ReadyQueues();
  ReadyQueues(const ReadyQueues&) = delete;
  ReadyQueues& operator=(const ReadyQueues&) = delete;

  // ---- tasks ----
  /// The place of a task that becomes ready now and is added later.
  std::uint64_t next_number() { return next_number_++; }
  /// Ready now; at the end unless it has a number. A task without a compiled-in handler waits for a remote worker.
  void add(std::shared_ptr<Task> task, Duration now);
  /// The next task for a slot of this process; nothing when none may begin.
  std::optional<Begun> begin(Duration now);
  /// The next task of the queue for a remote worker that performs these handlers; none named: any.
  std::optional<Begun> begin_remote(QueueNameView queue, const std::vector<std::string>& handlers, Duration now);
  /// For a task that never was in a queue and ends at once. Nothing: it has to wait its turn.
  std::optional<Ticket> begin_at_once(QueueNameView queue, const KeysOf& keys, Duration now);
  /// Something is in hand already: it counts, whatever the limits say.
  Ticket adopt(QueueNameView queue, const KeysOf& keys, Duration now);
  void end(const Ticket& ticket, Duration now);
  /// Something began and ended that nothing here limits.
  void count_begun(QueueNameView queue, std::int64_t count, Duration now);
  /// It was not begun after all: back to its old place. Its tokens are spent.
  void put_back(Begun begun, Duration now);
  /// Takes one away that has not begun.
  void remove(const Task& task, Duration now);
  /// Takes away what has not begun of a shard; answers what it was.
  std::vector<std::pair<RunId, core::TaskRef>> withdraw(ShardId shard, Duration now);

  // ---- settings ----
  void set_rules(const QueueName& queue, QueueRules rules, Duration now);
  void set_share(const QueueName& queue, QueueShare share);
  /// Tokens that were not used; they are none of this node's any more.
  std::int64_t take_tokens_back(QueueNameView queue);
  [[nodiscard]] QueueDemand demand_of(QueueNameView queue, Duration now) const;
  /// Queues that have become hungry since this was asked last: something would have begun but for the share, or more
  /// came with a shard than the share allows.
  std::vector<QueueName> take_hungry() { return std::exchange(hungry_, {}); }
  /// At most `limit` tasks in slots of this process at once, over all namespaces' queues of that name.
  void set_process_limit(const std::string& queue, int limit);

  // ---- questions ----
  /// When something that waits for the rate of its key may begin; nothing when nothing does.
  [[nodiscard]] std::optional<Duration> next_opening() const;
  /// What keeps a ready task of this queue and with these keys from beginning; nothing: it only waits for a worker.
  [[nodiscard]] std::optional<Obstacle> obstacle_of(QueueNameView queue, const KeysOf& keys, Duration now) const;
  [[nodiscard]] std::optional<QueueRules> rules_of(QueueNameView queue) const;
  /// Whether a remote worker that performs these handlers, or any, would get something now.
  [[nodiscard]] bool may_begin_remote(QueueNameView queue, const std::vector<std::string>& handlers, Duration now);
  [[nodiscard]] std::int64_t ready_count() const { return ready_count_; }
  /// Ready for remote workers, by handler. Walks queues and keys.
  [[nodiscard]] std::map<std::string, std::int64_t> ready_by_handler() const;
  /// Whether any queue has rules: without, only keys limit.
  [[nodiscard]] bool has_rules() const { return rule_count_ > 0; }
  /// Walks what is ready: for scrapes, not for hot paths.
  [[nodiscard]] std::vector<QueueReading> readings(Duration now) const;
  [[nodiscard]] std::size_t key_count() const;
  /// How many queues and tasks choosing has looked at so far.
  [[nodiscard]] std::uint64_t looked_at() const { return looked_at_; }
  /// Forgets queues that nobody uses any more.
  void forget_idle(Duration now);

 private:
  struct Order {
    std::int32_t priority = 0;
    std::uint64_t number = 0;
    bool operator<(const Order& other) const {
      return priority != other.priority ? priority > other.priority : number < other.number;
    }
    bool operator==(const Order&) const = default;
  };
  struct Ready {
    std::shared_ptr<Task> task;
    Duration since{};
    std::uint64_t number = 0;
  };
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  struct Line;
  class OrderedTasks;
  struct Waiting;
  struct Namespace;
  struct ProcessLimit {
    int limit = 0;  ///< 0: none
    int in_flight = 0;
  };
  /// A key that has to be looked at when its bucket has room, or is full.
  struct Wake {
    Duration at{};
    std::uint64_t number = 0;  ///< of the key: no two wakes are equal
    Key* key = nullptr;
    bool operator<(const Wake& other) const { return std::tie(at, number) < std::tie(other.at, other.number); }
  };

  Queue& queue_of(QueueNameView name);
  static Key* find_key(Queue& queue, std::string_view text);
  Key& key_of(Queue& queue, std::string_view text);
  void insert(Queue& queue, Ready ready, Duration now);
  Line* line_to_claim(Queue& queue, const std::vector<std::string>& handlers);
  Begun take(Queue& queue, Line& line, bool is_local, Duration now);
  Queue* choose(Namespace& space, Duration now);
  void refresh(Key& key, Duration now);
  static void show(Waiting& waiting, const std::optional<Order>& first);
  void set_wake(std::set<Wake>& wakes, Key& key, std::optional<Duration>& known, std::optional<Duration> at);
  void forget(Key& key);
  void open_keys(Duration now);
  static bool may_begin(const Queue& queue, Duration now);
  bool wants_to_begin(Queue& queue, Duration now);
  void note_hunger(Queue& queue);
  static bool is_open(const Key& key, const Waiting& waiting, Duration now);
  /// It is no longer ready.
  static void note_gone(const Task& task);
  static void spend_token(Queue& queue);
  static void count_begun(Queue& queue, std::int64_t count, Duration now);
  static void fit_share(Queue& queue);
  void adjust(Queue& queue, Duration now);

  HistogramFor pickup_seconds_;
  std::map<QueueName, std::unique_ptr<Queue>, ByQueueName> queues_;
  std::map<std::string, std::unique_ptr<Namespace>> namespaces_;
  std::map<std::string, std::shared_ptr<ProcessLimit>> process_limits_;
  std::set<Wake> openings_;  ///< keys whose tasks wait for their bucket
  std::set<Wake> fading_;    ///< keys to be forgotten once their bucket is full
  double virtual_time_ = 0;  ///< of the fair queueing among namespaces: the start of whoever began last
  std::vector<QueueName> hungry_;
  std::uint64_t next_number_ = 1;
  std::uint64_t next_key_ = 1;
  std::int64_t ready_count_ = 0;
  int rule_count_ = 0;
  std::uint64_t looked_at_ = 0;
};

}  // namespace orchestrator::runtime
