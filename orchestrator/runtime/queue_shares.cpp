#include "orchestrator/runtime/queue_shares.hpp"

#include <algorithm>
#include <utility>

namespace orchestrator::runtime {
namespace {

/// How often the ledger is asked about a queue.
constexpr Duration kAskEvery = std::chrono::milliseconds{200};
/// What a queue that does nothing keeps its share for, when there are other nodes.
constexpr Duration kIdle = std::chrono::seconds{1};
/// Beginnings that are asked for ahead: so many seconds of what began lately, and this part of the rate's count.
constexpr std::int64_t kSecondsAhead = 2;
constexpr std::int64_t kCountPerAhead = 8;

bool is_shared(const QueueLimits& limits) { return limits.max_in_flight || limits.rate; }

}  // namespace

void QueueShares::set_limits(const QueueName& queue, const QueueLimits& limits) {
  if (!is_shared(limits)) {
    active_.erase(queue);
    if (held_.erase(queue) > 0) parts_.workers.set_share(queue, {});
    return;
  }
  const auto [known, is_new] = held_.try_emplace(queue);
  // Paused or resumed: the share is what it was, and the next ask is for those who begin to be hungry.
  if (!is_new && known->second.limits == limits) return;
  known->second.limits = limits;
  if (is_new) {
    parts_.workers.set_share(queue, {.max_in_flight = 0, .tokens = 0, .tokens_until = {}});
    must_look_ = true;
  }
  if (!active_.contains(queue)) return;
  known->second.is_unsure = true;
  consider();
}

void QueueShares::set_alone(bool is_alone) {
  if (is_alone_ == is_alone) return;
  is_alone_ = is_alone;
  for (const auto& queue : active_) held_.at(queue).is_unsure = true;
  consider();
}

void QueueShares::feed(std::vector<QueueName> hungry) {
  parts_.executor.post([this, hungry = std::move(hungry)] {
    for (const auto& queue : hungry) {
      if (held_.contains(queue)) active_.insert(queue);
    }
    consider();
  });
}

void QueueShares::lapse() {
  ++lapses_;
  asking_ = false;
  must_look_ = true;
  for (auto& [queue, held] : held_) {
    parts_.workers.set_share(queue, {.max_in_flight = 0, .tokens = 0, .tokens_until = {}});
    Held anew;
    anew.limits = held.limits;
    anew.is_unsure = active_.contains(queue);
    held = anew;
  }
}

void QueueShares::look() {
  if (stopped_) return;
  const bool holds_something =
      std::any_of(active_.begin(), active_.end(), [&](const auto& queue) { return held_.at(queue).held > 0; });
  if (!held_.empty() && (must_look_ || (holds_something && !is_alone_))) {
    parts_.store.list_queue_shares(
        parts_.own, [this, before = asks_, lapses = lapses_](Result<std::vector<store::QueueShareRow>> rows) {
          parts_.executor.post([this, before, lapses, rows = std::move(rows)] {
            if (stopped_ || !rows || lapses != lapses_) return;
            must_look_ = false;
            compare(*rows, before);
          });
        });
  }
  consider();
}

/// What the ledger says of this node, as of when nothing later than `asked_before` had been asked.
void QueueShares::compare(const std::vector<store::QueueShareRow>& rows, std::uint64_t asked_before) {
  std::map<QueueName, const store::QueueShareRow*, ByQueueName> told;
  for (const auto& row : rows) {
    const QueueName queue{row.namespace_name, row.queue};
    if (!held_.contains(queue)) continue;
    told[queue] = &row;
    active_.insert(queue);
  }
  for (const auto& queue : active_) {
    Held& held = held_.at(queue);
    if (held.asked > asked_before) continue;
    const auto row = told.find(queue);
    const std::int64_t version = row == told.end() ? 0 : row->second->version;
    if (version != held.version && (row != told.end() || held.held > 0)) held.is_unsure = true;
    if (row != told.end() && row->second->is_wanted_by_others) held.is_wanted_by_others = true;
  }
  consider();
}

void QueueShares::consider_at(Duration at) {
  if (considers_at_ && *considers_at_ <= at) return;
  considers_at_ = at;
  parts_.executor.post_after(std::max(Duration{0}, at - parts_.clock.steady_now()), [this, at] {
    if (considers_at_ == at) considers_at_.reset();
    consider();
  });
}

void QueueShares::consider() {
  if (stopped_ || asking_) return;
  const Duration now = parts_.clock.steady_now();
  std::vector<Asked> asked;
  std::optional<Duration> next;
  for (auto at = active_.begin(); at != active_.end();) {
    const QueueName& queue = *at;
    Held& held = held_.at(queue);
    const QueueDemand demand = parts_.workers.demand_of(queue);
    const bool is_idle = demand.ready == 0 && demand.in_flight == 0;
    if (!is_idle) held.idle_since.reset();
    if (is_idle && !held.idle_since) held.idle_since = now;
    if (!has_to_ask(held, demand, now)) {
      if (demand.tokens > 0) next = std::min(next.value_or(held.tokens_stale_at), held.tokens_stale_at);
      at = held.held == 0 && demand.tokens == 0 && !demand.is_hungry ? active_.erase(at) : std::next(at);
      continue;
    }
    if (held.not_before > now) {
      next = std::min(next.value_or(held.not_before), held.not_before);
    } else if (asked.size() < store::kMaxShareAsks) {
      asked.push_back({.queue = queue, .ask = ask_for(queue, held, demand, now)});
    }
    ++at;
  }
  if (!asked.empty()) return send(std::move(asked));
  if (next) consider_at(*next);
}

bool QueueShares::has_to_ask(const Held& held, const QueueDemand& demand, Duration now) const {
  if (held.is_unsure || held.is_short || (held.is_wanted_by_others && held.held > 0)) return true;
  if (held.limits.rate && (demand.tokens == 0 ? demand.is_hungry : now >= held.tokens_stale_at)) return true;
  if (!held.limits.max_in_flight) return false;
  const bool has_given_way = held.usable < held.held && demand.in_flight <= held.usable;
  const bool came_with_a_shard = demand.in_flight > held.held && held.held < *held.limits.max_in_flight;
  const bool wants_more = demand.is_hungry && demand.in_flight >= held.usable && held.held < *held.limits.max_in_flight;
  const bool is_idle = !is_alone_ && held.held > 0 && held.idle_since && now - *held.idle_since >= kIdle;
  return has_given_way || came_with_a_shard || wants_more || is_idle;
}

store::QueueShareAsk QueueShares::ask_for(const QueueName& queue, Held& held, QueueDemand demand, Duration now) {
  store::QueueShareAsk ask{.namespace_name = queue.namespace_name, .queue = queue.name};
  if (held.limits.rate) {
    ask.tokens_returned = parts_.workers.take_tokens_back(queue);
    ask.tokens_of = held.tokens_of;
    if (demand.is_hungry && demand.tokens == 0) ask.tokens_wanted = std::min(demand.ready, held.limits.rate->count);
    const std::int64_t lately = demand.begun_lately * kSecondsAhead / kRateWindowSeconds;
    if (demand.is_hungry || lately > 0) ask.tokens_ahead = std::max(lately, held.limits.rate->count / kCountPerAhead);
  }
  const bool gives_all_back = held.idle_since && (held.is_wanted_by_others || now - *held.idle_since >= kIdle);
  if (gives_all_back && held.usable > 0) {
    // First put away, then given back: what begins meanwhile has begun by now, and is counted.
    held.usable = 0;
    parts_.workers.set_share(queue, {.max_in_flight = 0, .tokens = 0, .tokens_until = {}});
    demand = parts_.workers.demand_of(queue);
  }
  ask.in_flight = demand.in_flight;
  ask.keep = std::max(demand.in_flight, held.usable);
  ask.wanted = demand.in_flight + (demand.is_hungry ? demand.ready : 0);
  ask.version = held.version;
  held.asked = ++asks_;
  return ask;
}

void QueueShares::send(std::vector<Asked> asked) {
  asking_ = true;
  std::vector<store::QueueShareAsk> asks;
  asks.reserve(asked.size());
  for (const auto& one : asked) asks.push_back(one.ask);
  parts_.store.exchange_queue_shares(
      parts_.own, std::move(asks),
      [this, asked = std::move(asked), lapses = lapses_,
       sent_at = parts_.clock.steady_now()](Result<std::vector<store::QueueShareAnswer>> answers) {
        parts_.executor.post([this, asked, lapses, sent_at, answers = std::move(answers)] {
          if (stopped_ || lapses != lapses_) return;
          asking_ = false;
          take(asked, sent_at, answers);
          consider();
        });
      });
}

void QueueShares::take(const std::vector<Asked>& asked, Duration sent_at,
                       const Result<std::vector<store::QueueShareAnswer>>& answers) {
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto known = held_.find(asked[i].queue);
    if (known == held_.end()) continue;
    Held& held = known->second;
    held.not_before = sent_at + kAskEvery;
    if (answers && i < answers->size()) {
      accept(known->first, held, (*answers)[i], sent_at);
    } else {
      // What was held is still held: the ledger takes nothing from a node that does not give it.
      held.is_unsure = true;
      held.not_before = std::max(held.not_before, parts_.clock.steady_now() + kAskEvery);
    }
  }
}

void QueueShares::accept(const QueueName& queue, Held& held, const store::QueueShareAnswer& answer, Duration sent_at) {
  held.is_unsure = false;
  held.held = answer.held;
  held.usable = std::min(answer.held, answer.use);
  held.version = answer.version;
  held.tokens_of = answer.tokens_of;
  held.is_wanted_by_others = answer.is_wanted_by_others;
  held.is_short = answer.is_short;
  const bool waits_for_tokens_only =
      answer.is_short && answer.next_token_in > Duration{0} && !answer.is_wanted_by_others && answer.held >= answer.use;
  if (waits_for_tokens_only)
    held.not_before = std::max(held.not_before, parts_.clock.steady_now() + answer.next_token_in);
  held.tokens_stale_at = sent_at + store::kTokenTime / 2;
  const QueueShare share{
      .max_in_flight = held.usable, .tokens = answer.tokens, .tokens_until = sent_at + store::kTokenTime};
  parts_.workers.set_share(queue, share);
}

}  // namespace orchestrator::runtime
