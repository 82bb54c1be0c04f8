#include "orchestrator/store/queue_ledger.hpp"

#include <algorithm>

#include "orchestrator/base/check.hpp"

namespace orchestrator::store {
namespace {

/// What cannot be divided goes round: how long it stays with one node.
constexpr Duration kTurn = std::chrono::seconds{2};

/// Everybody gets what he wants as long as that is not more than others get, and what came to him with a shard before
/// anybody gets anything; what cannot be divided goes round.
std::int64_t part_of(const QueueLedger& ledger, std::int64_t limit, const NodeId& node, Timestamp now) {
  const auto part_at = [](const QueueLedger::Share& share, std::int64_t level) {
    const std::int64_t least = share.in_flight > share.held ? share.in_flight : 0;
    return std::max(least, std::min(level, share.wanted));
  };
  const auto sum_at = [&](std::int64_t level) {
    std::int64_t sum = 0;
    for (const auto& [id, share] : ledger.shares) sum += part_at(share, level);
    return sum;
  };
  // The highest level that the limit has room for.
  std::int64_t level = 0;
  for (std::int64_t above = limit + 1; above - level > 1;) {
    const std::int64_t middle = level + (above - level) / 2;
    (sum_at(middle) <= limit ? level : above) = middle;
  }
  std::vector<const NodeId*> next;  // who would get one more
  for (const auto& [id, share] : ledger.shares) {
    if (part_at(share, level + 1) > part_at(share, level)) next.push_back(&id);
  }
  const std::int64_t part = part_at(ledger.shares.at(node), level);
  const auto own = std::find_if(next.begin(), next.end(), [&](const NodeId* id) { return *id == node; });
  if (own == next.end()) return part;
  // In an order that is another one each turn, and the same for whoever asks in that turn.
  const auto turn = static_cast<std::size_t>(now.time_since_epoch() / kTurn);
  const auto place = (static_cast<std::size_t>(own - next.begin()) + turn) % next.size();
  return part + (static_cast<std::int64_t>(place) < limit - sum_at(level) ? 1 : 0);
}

void divide(QueueLedger& ledger, std::int64_t limit, const NodeId& node, const QueueShareAsk& ask,
            const LedgerMoment& moment, QueueShareAnswer& answer) {
  QueueLedger::Share& own = ledger.shares[node];
  std::int64_t others_hold = 0;
  std::int64_t free = limit;
  for (const auto& [id, share] : ledger.shares) {
    if (id == node) continue;
    others_hold += share.held;
    free -= share.occupied();
  }
  free = std::max<std::int64_t>(0, free);
  // Who does not know what it holds has not put it away, either.
  const std::int64_t least =
      own.version == ask.version ? std::min(own.held, std::max<std::int64_t>(0, ask.keep)) : own.held;
  own.in_flight = ask.in_flight;
  own.wanted = std::min(limit, std::max(ask.wanted, ask.in_flight));
  answer.is_wanted_by_others = is_wanted_by_others(ledger, node);
  answer.use = part_of(ledger, limit, node, moment.now);
  if (own.wanted > 0 && !answer.is_wanted_by_others) {
    // More than it needs now, so that it need not ask for each start, and something for who comes next.
    const std::int64_t spare = std::max<std::int64_t>(0, free - answer.use);
    const auto nodes = static_cast<std::int64_t>(moment.alive.size());
    answer.use = std::max(answer.use + (nodes == 1 ? spare : spare / (nodes + 1)), std::min(least, limit));
  }
  const std::int64_t before = own.held;
  own.held = std::max(least, std::min(answer.use, free));
  ORC_CHECK(own.held <= before || others_hold + own.held <= limit, "a share that grows stays within its queue's limit");
  answer.held = own.held;
  answer.is_short = own.is_short();
}

/// What was given and not asked about again counts as used at the last moment in which it could be.
void take_what_expired(QueueLedger& ledger, Timestamp now) {
  for (auto& [id, share] : ledger.shares) {
    const Timestamp until = share.tokens_of + kTokenTime;
    // A database's clock that was set back shall not keep them out for long.
    if (share.tokens_out == 0 || (share.tokens_of <= now && now < until)) continue;
    if (ledger.bucket_of)
      ledger.bucket.take(TokenRate::of(*ledger.bucket_of), share.tokens_out, std::min(until, now).time_since_epoch());
    share.tokens_out = 0;
  }
}

/// Never more in the bucket and out of it together than one burst: what was given lies in it until it counts as used.
void pour(QueueLedger& ledger, const RateLimit& limit, const NodeId& node, const QueueShareAsk& ask,
          const LedgerMoment& moment, QueueShareAnswer& answer) {
  const TokenRate rate = TokenRate::of(limit);
  const Duration now = moment.now.time_since_epoch();
  QueueLedger::Share& own = ledger.shares[node];
  const std::int64_t returned = own.tokens_of == ask.tokens_of ? std::min(own.tokens_out, ask.tokens_returned) : 0;
  ledger.bucket.take(rate, own.tokens_out - returned, now);
  ledger.bucket_of = limit;
  // Also after the rate was changed, or the database's clock set back.
  ledger.bucket.fit(rate, now);
  own.tokens_out = 0;
  own.tokens_wanted = ask.tokens_wanted;

  std::int64_t there = ledger.bucket.available(rate, now);
  std::int64_t thirsty = 0;
  for (const auto& [id, share] : ledger.shares) {
    there -= share.tokens_out;
    if (share.tokens_wanted > 0) ++thirsty;
  }
  there = std::max<std::int64_t>(0, there);
  if (own.tokens_wanted > 0) answer.tokens = std::min(own.tokens_wanted, (there + thirsty - 1) / thirsty);
  own.tokens_wanted -= answer.tokens;
  const bool is_alone = thirsty == 0 || (thirsty == 1 && ask.tokens_wanted > 0);
  if (is_alone && own.tokens_wanted == 0) answer.tokens += std::min(ask.tokens_ahead, (there - answer.tokens) / 2);
  own.tokens_out = answer.tokens;
  own.tokens_of = answer.tokens_of = moment.now;
  if (own.tokens_wanted > 0) {
    answer.is_short = true;
    // When one more than what is out is there.
    const TokenBucket after = [&] {
      TokenBucket bucket = ledger.bucket;
      for (const auto& [id, share] : ledger.shares) bucket.take(rate, share.tokens_out, now);
      return bucket;
    }();
    answer.next_token_in = std::max(Duration{0}, after.opens_at(rate) - now);
  }
}

}  // namespace

QueueShareAnswer settle(QueueLedger& ledger, const QueueLimits& limits, const NodeId& node, const QueueShareAsk& ask,
                        const LedgerMoment& moment) {
  take_what_expired(ledger, moment.now);
  std::erase_if(ledger.shares, [&](const auto& share) {
    return !moment.remembered.contains(share.first) && share.second.tokens_out == 0;
  });
  QueueShareAnswer answer;
  if (!moment.alive.contains(node)) {
    // What it holds is still its own: it has to come back and say what becomes of it.
    answer.is_short = true;
    return answer;
  }
  QueueLedger::Share& own = ledger.shares[node];
  if (limits.max_in_flight) {
    divide(ledger, *limits.max_in_flight, node, ask, moment, answer);
  } else {
    own.held = own.wanted = own.in_flight = 0;
  }
  if (limits.rate) {
    pour(ledger, *limits.rate, node, ask, moment, answer);
  } else {
    own.tokens_wanted = own.tokens_out = 0;
  }
  if (own.is_empty()) {
    ledger.shares.erase(node);
  } else {
    answer.version = own.version = moment.version;
  }
  return answer;
}

bool is_wanted_by_others(const QueueLedger& ledger, const NodeId& node) {
  return std::any_of(ledger.shares.begin(), ledger.shares.end(),
                     [&](const auto& share) { return share.first != node && share.second.is_short(); });
}

}  // namespace orchestrator::store
