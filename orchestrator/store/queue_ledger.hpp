#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/queue_limits.hpp"
#include "orchestrator/model/token_bucket.hpp"

/// Who may use how much of a queue's limits, over all nodes: the rows, and the one function that changes them. Each
/// store keeps them in its own way and calls settle() while nobody else can (docs/decisions/0015).
namespace orchestrator::store {

/// Tokens that were given may be used for so long. Steady clock of the node, from when it asked. Until the node has
/// said how many it used they lie in the bucket, for nobody else; after this time they count as used.
inline constexpr Duration kTokenTime = std::chrono::seconds{2};
/// What a node held is free so long after its lease is over: whoever takes its shards over has told by then what remote
/// workers still have in hand of them.
inline constexpr Duration kShareGrace = std::chrono::seconds{3};
/// Queues of one exchange.
inline constexpr std::size_t kMaxShareAsks = 500;

/// What a node says about its part of a queue, and what it would like to have.
struct QueueShareAsk {
  std::string namespace_name;
  std::string queue;
  std::int64_t in_flight = 0;  ///< in hand now
  std::int64_t keep = 0;       ///< so much is in use or may be begun meanwhile: it gives back what is above
  std::int64_t wanted = 0;     ///< in hand and waiting to begin
  std::int64_t version = 0;    ///< of the last answer; another one than the row's: what is held stays held
  std::int64_t tokens_wanted = 0;
  std::int64_t tokens_ahead = 0;     ///< beginnings that are likely to come besides
  std::int64_t tokens_returned = 0;  ///< of the last answer, unused; the node does not use them any more
  Timestamp tokens_of{};             ///< `tokens_of` of that answer
};

struct QueueShareAnswer {
  std::int64_t held = 0;  ///< reserved for the node
  std::int64_t use = 0;   ///< beyond this it begins nothing, and gives back what is above as its work ends
  std::int64_t version = 0;
  bool is_wanted_by_others = false;  ///< somebody waits for a part: ask again soon
  bool is_short = false;             ///< less than was wanted, of slots or of tokens
  std::int64_t tokens = 0;
  Timestamp tokens_of{};     ///< database time
  Duration next_token_in{};  ///< zero: there is one
};

/// A node's own row, to see whether it is what the node believes.
struct QueueShareRow {
  std::string namespace_name;
  std::string queue;
  std::int64_t held = 0;
  std::int64_t version = 0;
  bool is_wanted_by_others = false;
};

/// All rows of one queue.
struct QueueLedger {
  struct Share {
    std::int64_t held = 0;
    std::int64_t wanted = 0;
    std::int64_t in_flight = 0;  ///< more than is held: work that came with a shard
    std::int64_t tokens_wanted = 0;
    std::int64_t tokens_out = 0;  ///< given, and not yet taken from the bucket
    Timestamp tokens_of{};        ///< when
    std::int64_t version = 0;
    bool operator==(const Share&) const = default;

    [[nodiscard]] bool is_empty() const {
      return held == 0 && wanted == 0 && in_flight == 0 && tokens_wanted == 0 && tokens_out == 0;
    }
    [[nodiscard]] bool is_short() const { return wanted > held; }
    [[nodiscard]] std::int64_t occupied() const { return std::max(held, in_flight); }
  };
  std::map<NodeId, Share> shares;
  TokenBucket bucket;                  ///< of database time
  std::optional<RateLimit> bucket_of;  ///< the limit that it counts for
};

/// Who is there when an exchange takes place.
struct LedgerMoment {
  Timestamp now;             ///< database time
  std::int64_t version = 0;  ///< another one in each exchange of the installation
  /// Nodes that perform steps and whose lease runs.
  std::set<NodeId> alive;
  /// The same, and those whose lease is over for less than kShareGrace.
  std::set<NodeId> remembered;
};

/// One node's exchange about one queue: forgets who is gone, takes back what the node gives back, gives it what is
/// free, and takes its tokens from the bucket. Never makes the sum of what is held pass the limit. A node without a
/// lease has nothing, and gets nothing. Pure.
QueueShareAnswer settle(QueueLedger& ledger, const QueueLimits& limits, const NodeId& node, const QueueShareAsk& ask,
                        const LedgerMoment& moment);

/// Whether this node holds something that another one waits for.
bool is_wanted_by_others(const QueueLedger& ledger, const NodeId& node);

}  // namespace orchestrator::store
