#include "orchestrator/runtime/queue_grants.hpp"

#include <algorithm>

namespace orchestrator::runtime {
namespace {

/// What cannot be divided goes round: how long it stays with one node.
constexpr Duration kTurn = std::chrono::seconds{1};

}  // namespace

std::optional<Grant> QueueGrants::renew(const QueueName& queue, const QueueLimits& limits, const NodeId& node,
                                        const GrantAsk& ask, const std::set<NodeId>& alive, Duration now) {
  const auto [known, is_new] = states_.try_emplace(queue);
  State& state = known->second;
  if (is_new) state.learning_until = now + learning_;
  std::erase_if(state.holders, [&](const auto& holder) { return !alive.contains(holder.first); });

  Holder& holder = state.holders[node];
  if (holder.life == ask.life && ask.number <= holder.number) return std::nullopt;
  holder.life = ask.life;
  holder.number = ask.number;
  holder.in_flight = ask.in_flight;
  holder.held = ask.max_in_flight;
  holder.wanted = ask.in_flight + ask.ready;
  holder.is_hungry = ask.ready > ask.tokens;
  Grant grant;
  grant.max_in_flight = kMaxQueueInFlight;
  if (limits.max_in_flight) {
    std::int64_t free = *limits.max_in_flight;
    for (const auto& [other, theirs] : state.holders) {
      if (other != node) free -= theirs.occupied();
    }
    const std::int64_t due =
        now < state.learning_until ? ask.max_in_flight : share_of(state, *limits.max_in_flight, node, now);
    holder.granted = std::clamp<std::int64_t>(due, 0, std::max<std::int64_t>(0, free));
    grant.max_in_flight = holder.granted;
  }
  if (limits.rate) {
    const TokenRate rate = TokenRate::of(*limits.rate);
    // As if everything had just been given away: nobody knows what was.
    if (state.bucket_of != limits.rate) {
      state.bucket_of = limits.rate;
      state.bucket.drain(rate, now);
    }
    // Whoever was the granter before took those from a bucket of its own.
    if (now >= state.learning_until) state.bucket.give_back(rate, ask.returned);
    const auto hungry =
        std::count_if(state.holders.begin(), state.holders.end(), [](const auto& one) { return one.second.is_hungry; });
    if (holder.is_hungry) {
      const std::int64_t there = state.bucket.available(rate, now);
      grant.tokens = std::min(ask.ready - ask.tokens, (there + hungry - 1) / hungry);
      state.bucket.take(rate, grant.tokens, now);
    }
  }
  return grant;
}

/// Everybody gets what he wants as long as that is not more than others get; what cannot be divided goes round.
std::int64_t QueueGrants::share_of(const State& state, std::int64_t limit, const NodeId& node, Duration now) {
  struct Claim {
    const NodeId* node;
    std::int64_t wanted;
    std::int64_t share = 0;
  };
  std::vector<Claim> claims;
  for (const auto& [id, holder] : state.holders) {
    if (holder.wanted > 0) claims.push_back({.node = &id, .wanted = holder.wanted});
  }
  if (claims.empty()) return 0;
  std::sort(claims.begin(), claims.end(), [](const auto& a, const auto& b) { return a.wanted < b.wanted; });
  std::int64_t left = limit;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const std::int64_t each = left / static_cast<std::int64_t>(claims.size() - i);
    // From the first who wants more than its part, all get the same.
    if (i > 0 && claims[i - 1].share < claims[i - 1].wanted) {
      claims[i].share = claims[i - 1].share;
    } else {
      claims[i].share = std::min(claims[i].wanted, each);
    }
    left -= claims[i].share;
  }
  // In an order that is another one each turn, and the same for whoever asks in that turn.
  std::sort(claims.begin(), claims.end(), [](const auto& a, const auto& b) { return *a.node < *b.node; });
  const auto turn = static_cast<std::size_t>(now / kTurn) % claims.size();
  std::rotate(claims.begin(), claims.begin() + static_cast<std::ptrdiff_t>(turn), claims.end());
  for (Claim& claim : claims) {
    if (left > 0 && claim.share < claim.wanted) {
      ++claim.share;
      --left;
    }
  }
  const auto own = std::find_if(claims.begin(), claims.end(), [&](const auto& claim) { return *claim.node == node; });
  return own == claims.end() ? 0 : own->share;
}

}  // namespace orchestrator::runtime
