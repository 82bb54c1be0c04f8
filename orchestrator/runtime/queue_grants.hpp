#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/runtime/queue_rules.hpp"
#include "orchestrator/runtime/token_bucket.hpp"

namespace orchestrator::runtime {

/// How long a node may use what it was granted. Steady clock of the node, from when it asked.
inline constexpr Duration kGrantTime = std::chrono::seconds{2};

/// What a node says about its part of a queue when it asks for more, or for the same again.
struct GrantAsk {
  std::uint64_t life = 0;    ///< of the node's process
  std::uint64_t number = 0;  ///< grows with each ask of a life: one that was overtaken on its way says what was
  std::int64_t in_flight = 0;
  std::int64_t ready = 0;
  std::int64_t max_in_flight = 0;  ///< what it holds
  std::int64_t tokens = 0;         ///< what it holds
  std::int64_t returned = 0;       ///< tokens that it does not hold any more, unused
};

struct Grant {
  std::int64_t max_in_flight = 0;
  std::int64_t tokens = 0;  ///< beside those that the node holds
};

/// Divides a queue's limits among nodes. Lives where the shard of the queue is owned; whoever takes that over begins
/// with nothing, and grants nothing new until every holder has told what it holds, or may not use it any more.
///
/// No more than the limit is ever out: what a living node holds or has in flight counts until it says that it has less.
/// Pure: time is an argument (steady clock).
class QueueGrants {
 public:
  /// @param learning how long after its beginning a granter only confirms what is held
  explicit QueueGrants(Duration learning) : learning_(learning) {}

  /// Nothing: the ask is older than one that was answered.
  /// @param alive the nodes whose lease runs: what others held is free
  std::optional<Grant> renew(const QueueName& queue, const QueueLimits& limits, const NodeId& node, const GrantAsk& ask,
                             const std::set<NodeId>& alive, Duration now);
  /// The queue's shard went to another node, or came anew.
  void forget(const QueueName& queue) { states_.erase(queue); }

 private:
  struct Holder {
    std::uint64_t life = 0;
    std::uint64_t number = 0;
    std::int64_t granted = 0;
    std::int64_t held = 0;  ///< when it asked: it goes on with that when our answer is lost
    std::int64_t in_flight = 0;
    std::int64_t wanted = 0;
    bool is_hungry = false;  ///< has more ready than tokens

    [[nodiscard]] std::int64_t occupied() const { return std::max({granted, held, in_flight}); }
  };
  struct State {
    Duration learning_until{};
    std::map<NodeId, Holder> holders;
    TokenBucket bucket;
    std::optional<RateLimit> bucket_of;  ///< the limit that the bucket counts for
  };

  static std::int64_t share_of(const State& state, std::int64_t limit, const NodeId& node, Duration now);

  const Duration learning_;  // Fixed after construction.
  std::map<QueueName, State, ByQueueName> states_;
};

}  // namespace orchestrator::runtime
