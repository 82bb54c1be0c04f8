#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/runtime/peers.hpp"
#include "orchestrator/runtime/queue_grants.hpp"
#include "orchestrator/runtime/worker_pool.hpp"

namespace orchestrator::runtime {

/// This node's part in queue-wide limits: asks the granter of each limited queue for a share of it, and is the granter
/// of the queues whose shard it owns. A node that is alone has everything, and asks nobody.
/// Only on the node's executor.
class QueueShares {
 public:
  struct Parts {
    Executor& executor;
    const Clock& clock;
    WorkerPool& workers;
    NodeId own;
    Duration learning;       ///< of a new granter
    std::uint64_t life = 0;  ///< another one in each process
    /// Where the shard of a queue is owned, and since which take-over: the epoch, or nothing when it is elsewhere.
    std::function<std::optional<Epoch>(const QueueName& queue)> epoch_here;
    std::function<std::string(const QueueName& queue)> url_of;
  };

  explicit QueueShares(Parts parts) : parts_(std::move(parts)), grants_(parts_.learning) {}

  /// Null: other nodes cannot be asked. Before the first queue.
  void set_peers(PeerLink* peers) { peers_ = peers; }
  void set_limits(const QueueName& queue, const QueueLimits& limits);
  /// Who is alive and performs steps, this node included.
  void set_alive(std::set<NodeId> alive);
  void stop() { stopped_ = true; }

  /// Answers another node that asks for shares: text for PeerLink. Throws Json::exception on a malformed body.
  std::string answer(const Json& body);

 private:
  struct Held {
    QueueLimits limits;
    Duration until{};         ///< steady clock: what was granted may be used until then
    std::uint64_t asked = 0;  ///< number of the last ask: answers to others are void
    bool counts = false;      ///< the granter was told of something, and not yet that there is nothing any more
    Duration patience{};      ///< steady clock: until then its answer is awaited; zero: it is here
  };
  struct Sent {
    QueueName queue;
    GrantAsk ask;
  };

  [[nodiscard]] bool is_alone() const { return alive_.size() <= 1; }
  void begin_sharing(const QueueName& queue, Held& held, bool from_everything);
  void tick_later();
  void tick();
  GrantAsk ask_for(const QueueName& queue, const Held& held);
  void ask(const std::string& url, std::vector<Sent> sent);
  void take(const std::vector<Sent>& sent, Duration sent_at, const Result<std::string>& text);
  void accept(const QueueName& queue, Held& held, const GrantAsk& ask, const Grant& grant, Duration asked_at);
  std::optional<Grant> grant(const QueueName& queue, const NodeId& node, const GrantAsk& ask);

  Parts parts_;
  PeerLink* peers_ = nullptr;
  QueueGrants grants_;
  std::map<QueueName, Epoch, ByQueueName> granting_;  ///< queues that this node grants, since which take-over
  std::map<QueueName, Held, ByQueueName> held_;       ///< queues with queue-wide limits
  std::set<NodeId> alive_;
  std::map<NodeId, Duration> heard_;  ///< other nodes that asked, steady time: a heartbeat's answer may be older
  std::uint64_t asks_ = 0;
  bool ticking_ = false;
  bool stopped_ = false;
};

}  // namespace orchestrator::runtime
