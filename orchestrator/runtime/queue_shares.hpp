#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/runtime/queue_rules.hpp"
#include "orchestrator/runtime/worker_pool.hpp"
#include "orchestrator/store/queue_ledger.hpp"
#include "orchestrator/store/store.hpp"

namespace orchestrator::runtime {

/// This node's part in queue-wide limits, as the ledger in the database has it (docs/decisions/0015): asks for more
/// when something would begin but for it, gives back what others wait for, and asks nothing while nothing is to be
/// changed. What it holds may be used as long as the node's lease has not been over since. Only on the node's executor,
/// unless a method says otherwise.
class QueueShares {
 public:
  struct Parts {
    store::Store& store;
    Executor& executor;
    const Clock& clock;
    WorkerPool& workers;
    NodeId own;
  };

  explicit QueueShares(Parts parts) : parts_(std::move(parts)) {}

  void set_limits(const QueueName& queue, const QueueLimits& limits);
  /// Whether no other node performs steps.
  void set_alone(bool is_alone);
  /// Something would begin but for the share. Any thread.
  void feed(std::vector<QueueName> hungry);
  /// The lease was over: what was held may be somebody else's. Before it is confirmed again.
  void lapse();
  /// Looks for what others want, and gives back what has not been used for a while. Every second or so.
  void look();
  void stop() { stopped_ = true; }

 private:
  struct Held {
    QueueLimits limits;
    std::int64_t held = 0;    ///< reserved for this node, as of the last answer
    std::int64_t usable = 0;  ///< of those: what is above goes back as its work ends
    std::int64_t version = 0;
    Timestamp tokens_of{};
    Duration tokens_stale_at{};  ///< steady clock: what is unused by then goes back before it is lost
    bool is_wanted_by_others = false;
    bool is_short = false;
    bool is_unsure = false;  ///< the ledger may say something else
    std::uint64_t asked = 0;
    Duration not_before{};               ///< steady clock: of the next ask
    std::optional<Duration> idle_since;  ///< steady clock
  };
  struct Asked {
    QueueName queue;
    store::QueueShareAsk ask;
  };

  void consider();
  void consider_at(Duration at);
  [[nodiscard]] bool has_to_ask(const Held& held, const QueueDemand& demand, Duration now) const;
  store::QueueShareAsk ask_for(const QueueName& queue, Held& held, QueueDemand demand, Duration now);
  void send(std::vector<Asked> asked);
  void take(const std::vector<Asked>& asked, Duration sent_at,
            const Result<std::vector<store::QueueShareAnswer>>& answers);
  void accept(const QueueName& queue, Held& held, const store::QueueShareAnswer& answer, Duration sent_at);
  void compare(const std::vector<store::QueueShareRow>& rows, std::uint64_t asked_before);

  Parts parts_;
  std::map<QueueName, Held, ByQueueName> held_;  ///< queues with queue-wide limits
  std::set<QueueName, ByQueueName> active_;      ///< of those: with something held or wanted
  std::uint64_t asks_ = 0;
  std::uint64_t lapses_ = 0;
  std::optional<Duration> considers_at_;  ///< steady clock; the earliest that is posted
  bool is_alone_ = false;
  bool must_look_ = true;  ///< a former life of this node may hold something
  bool asking_ = false;
  bool stopped_ = false;
};

}  // namespace orchestrator::runtime
