#include "orchestrator/runtime/queue_shares.hpp"

#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::runtime {
namespace {

/// How often shares are asked for, while there is something to do.
constexpr Duration kAskEvery = std::chrono::milliseconds{200};
/// How long an answer is awaited before the next ask.
constexpr Duration kPatience = std::chrono::milliseconds{800};

Json to_json(const QueueName& queue, const GrantAsk& ask) {
  return {{"namespace", queue.namespace_name},
          {"queue", queue.name},
          {"in_flight", ask.in_flight},
          {"ready", ask.ready},
          {"max_in_flight", ask.max_in_flight},
          {"tokens", ask.tokens},
          {"returned", ask.returned},
          {"life", ask.life},
          {"number", ask.number}};
}

QueueName queue_in(const Json& object) {
  return {object.at("namespace").get<std::string>(), object.at("queue").get<std::string>()};
}

GrantAsk ask_in(const Json& object) {
  GrantAsk ask;
  ask.in_flight = object.at("in_flight").get<std::int64_t>();
  ask.ready = object.at("ready").get<std::int64_t>();
  ask.max_in_flight = object.at("max_in_flight").get<std::int64_t>();
  ask.tokens = object.at("tokens").get<std::int64_t>();
  ask.returned = object.at("returned").get<std::int64_t>();
  ask.life = object.at("life").get<std::uint64_t>();
  ask.number = object.at("number").get<std::uint64_t>();
  return ask;
}

Json to_json(const std::optional<Grant>& grant) {
  if (!grant) return nullptr;
  return {{"max_in_flight", grant->max_in_flight}, {"tokens", grant->tokens}};
}

bool is_shared(const QueueLimits& limits) { return limits.max_in_flight || limits.rate; }

}  // namespace

void QueueShares::set_limits(const QueueName& queue, const QueueLimits& limits) {
  if (!is_shared(limits)) {
    if (held_.erase(queue) > 0) parts_.workers.set_share(queue, {});
    return;
  }
  const auto [known, is_new] = held_.try_emplace(queue);
  known->second.limits = limits;
  if (is_new && !is_alone()) begin_sharing(queue, known->second, false);
  tick_later();
}

void QueueShares::set_alive(std::set<NodeId> alive) {
  const bool was_alone = is_alone();
  const bool is_first = alive_.empty();
  const Duration now = parts_.clock.steady_now();
  std::erase_if(heard_, [&](const auto& heard) { return now - heard.second > parts_.learning; });
  alive_ = std::move(alive);
  for (const auto& [node, at] : heard_) alive_.insert(node);
  if (is_alone() && !was_alone) {
    for (auto& [queue, held] : held_) parts_.workers.set_share(queue, {});
  } else if (!is_alone() && was_alone) {
    for (auto& [queue, held] : held_) begin_sharing(queue, held, !is_first);
  }
  tick_later();
}

/// Somebody else is there. Who had everything may go on with it for as long as a grant lasts, and tells its granter so;
/// who comes new has nothing.
void QueueShares::begin_sharing(const QueueName& queue, Held& held, bool from_everything) {
  const std::int64_t most = held.limits.max_in_flight.value_or(kMaxQueueInFlight);
  held.until = parts_.clock.steady_now() + kGrantTime;
  parts_.workers.set_share(queue, {.max_in_flight = from_everything ? most : 0, .tokens = 0});
}

void QueueShares::tick_later() {
  if (stopped_ || ticking_ || is_alone() || held_.empty()) return;
  ticking_ = true;
  parts_.executor.post_after(kAskEvery, [this] {
    ticking_ = false;
    if (stopped_) return;
    tick();
    tick_later();
  });
}

void QueueShares::tick() {
  if (is_alone()) return;
  const Duration now = parts_.clock.steady_now();
  std::map<std::string, std::vector<Sent>> by_url;
  for (auto& [queue, held] : held_) {
    const QueueDemand demand = parts_.workers.demand_of(queue);
    const std::int64_t tokens = demand.share.tokens.value_or(0);
    const bool has_share = tokens > 0 || (held.limits.max_in_flight && demand.share.max_in_flight > 0);
    // Nothing new begins on a share whose time is over; what has begun goes on, and counts.
    if (has_share && held.until <= now) parts_.workers.set_share(queue, {.max_in_flight = 0, .tokens = 0});
    const bool has_work = demand.ready > 0 || demand.in_flight > 0;
    if (held.patience > now || !(has_work || has_share || held.counts)) continue;
    Sent sent{.queue = queue, .ask = ask_for(queue, held)};
    held.asked = sent.ask.number;
    held.counts = held.counts || sent.ask.max_in_flight > 0 || sent.ask.in_flight > 0;
    if (const auto granted = grant(queue, parts_.own, sent.ask)) {
      accept(queue, held, sent.ask, *granted, now);
      continue;
    }
    const std::string url = parts_.url_of(queue);
    if (url.empty() || peers_ == nullptr) continue;
    held.patience = now + kPatience;
    by_url[url].push_back(std::move(sent));
  }
  for (auto& [url, sent] : by_url) ask(url, std::move(sent));
}

/// Tokens for which there is nothing to do go back. Lost with the call at worst: then less begins, never more.
GrantAsk QueueShares::ask_for(const QueueName& queue, const Held& held) {
  const QueueDemand demand = parts_.workers.demand_of(queue);
  GrantAsk ask;
  ask.life = parts_.life;
  ask.number = ++asks_;
  ask.in_flight = demand.in_flight;
  ask.ready = demand.ready;
  ask.max_in_flight = held.limits.max_in_flight ? demand.share.max_in_flight : 0;
  ask.tokens = demand.share.tokens.value_or(0);
  if (demand.ready == 0 && ask.tokens > 0) {
    ask.returned = std::exchange(ask.tokens, 0);
    parts_.workers.set_share(queue, {.max_in_flight = demand.share.max_in_flight, .tokens = 0});
  }
  return ask;
}

void QueueShares::ask(const std::string& url, std::vector<Sent> sent) {
  Json asks = Json::array();
  for (const Sent& one : sent) asks.push_back(to_json(one.queue, one.ask));
  const std::string body = dump_json({{"node", parts_.own.value}, {"asks", std::move(asks)}});
  const Duration sent_at = parts_.clock.steady_now();
  peers_->call(url, "queue_shares", body, [this, sent = std::move(sent), sent_at](const Result<std::string>& text) {
    parts_.executor.post([this, sent, sent_at, text] { take(sent, sent_at, text); });
  });
}

void QueueShares::take(const std::vector<Sent>& sent, Duration sent_at, const Result<std::string>& text) {
  if (stopped_) return;
  const auto envelope = text ? parse_json(*text) : Result<Json>(text.error());
  const Json* answer = nullptr;
  if (envelope && envelope->is_object()) {
    const auto found = envelope->find("answer");
    if (found != envelope->end() && found->is_array() && found->size() == sent.size()) answer = &*found;
  }
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const auto held = held_.find(sent[i].queue);
    // A later ask told the granter what this node holds: what an earlier one brings is not in that.
    if (held == held_.end() || held->second.asked != sent[i].ask.number) continue;
    held->second.patience = {};
    // Late: it may be in use elsewhere by now.
    if (answer == nullptr || is_alone() || sent_at + kGrantTime <= parts_.clock.steady_now()) continue;
    const Json& granted = (*answer)[i];
    const auto most = granted.is_object() ? granted.find("max_in_flight") : granted.end();
    const auto tokens = granted.is_object() ? granted.find("tokens") : granted.end();
    if (!granted.is_object() || most == granted.end() || tokens == granted.end()) continue;
    if (!most->is_number_integer() || !tokens->is_number_integer()) continue;
    const Grant grant{.max_in_flight = most->get<std::int64_t>(), .tokens = tokens->get<std::int64_t>()};
    accept(sent[i].queue, held->second, sent[i].ask, grant, sent_at);
  }
}

void QueueShares::accept(const QueueName& queue, Held& held, const GrantAsk& ask, const Grant& grant,
                         Duration asked_at) {
  held.until = asked_at + kGrantTime;
  held.counts = grant.max_in_flight > 0 || ask.max_in_flight > 0 || ask.in_flight > 0;
  parts_.workers.add_grant(queue, grant.max_in_flight, grant.tokens);
}

std::string QueueShares::answer(const Json& body) {
  const NodeId node{body.at("node").get<std::string>()};
  // It is alive: it asks. Our heartbeat may not have told us yet.
  heard_[node] = parts_.clock.steady_now();
  if (!alive_.empty() && !alive_.contains(node)) set_alive(alive_);
  Json grants = Json::array();
  for (const Json& one : body.at("asks")) grants.push_back(to_json(grant(queue_in(one), node, ask_in(one))));
  return dump_json({{"answer", std::move(grants)}});
}

/// Nothing: the queue is granted elsewhere, or nobody here knows its limits yet.
std::optional<Grant> QueueShares::grant(const QueueName& queue, const NodeId& node, const GrantAsk& ask) {
  const auto epoch = parts_.epoch_here(queue);
  const auto held = held_.find(queue);
  if (!epoch || held == held_.end()) return std::nullopt;
  const auto [since, is_new] = granting_.try_emplace(queue, *epoch);
  if (!is_new && since->second != *epoch) {
    since->second = *epoch;
    grants_.forget(queue);
  }
  return grants_.renew(queue, held->second.limits, node, ask, alive_, parts_.clock.steady_now());
}

}  // namespace orchestrator::runtime
