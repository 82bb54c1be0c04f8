#include "orchestrator/runtime/node.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/digest/routing.hpp"

namespace orchestrator::runtime {
namespace {

constexpr Duration kTick = std::chrono::seconds{1};
constexpr std::uint64_t kTicksPerExpiry = 2;
/// Partitions are made days ahead: an hour between two looks is often enough, also after a failed one.
constexpr std::uint64_t kTicksPerUpkeep = 3'600;
constexpr std::int32_t kMaxInboxRead = 1'000;
constexpr Duration kAgainAfter = std::chrono::milliseconds{200};
constexpr Duration kSafetyMargin = std::chrono::seconds{1};
/// Starts without a key go to one shard a few at a time: what one flush writes for one shard costs less than the same
/// for many.
constexpr std::uint64_t kStartsPerShard = 32;
constexpr int kBeatsPerLease = 5;
constexpr Duration kDoubtEvery = std::chrono::milliseconds{500};
constexpr Duration kHintEvery = std::chrono::milliseconds{5};
/// Shortest time between two inbox reads that hints ask for: at thousands of commits a second one read serves many.
constexpr Duration kHintedReadEvery = std::chrono::milliseconds{2};
constexpr Duration kForgetHintsAfter = std::chrono::minutes{1};

/// Those whose lease runs and whose process is not proven gone.
std::set<NodeId> live_nodes(const store::HeartbeatAnswer& answer, const NodeId& own) {
  std::set<NodeId> alive;
  for (const auto& node : answer.nodes) {
    const bool gone = std::find(answer.gone.begin(), answer.gone.end(), node.id) != answer.gone.end();
    if (!gone && (node.lease_until > answer.database_now || node.id == own)) alive.insert(node.id);
  }
  return alive;
}

}  // namespace

Node::Node(Parts parts, NodeOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      metrics_(parts_.metrics),
      definitions_(parts_.store),
      workers_(parts_.store, parts_.handler_threads, parts_.clock, parts_.metrics, options_.handler_slots,
               [this] { return is_confirmed(); }),
      shares_({.store = parts_.store,
               .executor = parts_.executor,
               .clock = parts_.clock,
               .workers = workers_,
               .own = options_.id}),
      queues_(parts_.store, parts_.executor, workers_, shares_),
      owns_(static_cast<std::size_t>(parts_.store.shard_count())) {
  workers_.set_alarm([this](Duration delay) {
    parts_.executor.post_after(delay, [this] {
      if (stopped_) return;
      workers_.pump();
      workers_.rouse_claims();
    });
  });
  workers_.set_hunger([this](std::vector<QueueName> queues) { shares_.feed(std::move(queues)); });
  std::int32_t lane = 0;
  for (Executor* executor : parts_.group_executors) {
    groups_.push_back(std::make_unique<ShardGroup>(ShardGroup::Parts{
        .store = parts_.store,
        .executor = *executor,
        .clock = parts_.clock,
        .planner = parts_.planner,
        .handlers = parts_.handlers,
        .definitions = definitions_,
        .workers = workers_,
        .headquarters = *this,
        .logger = parts_.logger,
        .metrics = metrics_,
        .turns = turns_,
        .seed = parts_.random.next(),
        .lane = lane++,
        .max_suspects_in_hand = options_.max_suspects_in_hand,
        .max_resting = options_.max_resting,
        .max_ready_per_lane = options_.max_ready_per_lane,
        .worker_name = options_.id.value,
    }));
  }
}

Node::~Node() = default;

void Node::start() {
  parts_.executor.post([this] {
    // First what operators say: without a heartbeat no shard is taken, and nothing begins.
    queues_.start([this] {
      has_begun_ = true;
      beat();
      tick();
      read_inbox();
    });
  });
}

ShardGroup& Node::group_of(ShardId shard) { return *groups_[static_cast<std::size_t>(to_int(shard)) % groups_.size()]; }

std::optional<ShardId> Node::any_shard() {
  const telemetry::MutexLock lock(mutex_);
  if (!routable_.empty()) return routable_[next_shard_++ / kStartsPerShard % routable_.size()];
  if (urls_.empty()) return std::nullopt;
  return ShardId{static_cast<std::int32_t>(next_shard_++ % static_cast<std::uint64_t>(shard_count()))};
}

bool Node::owns(ShardId shard) const {
  const auto at = static_cast<std::size_t>(to_int(shard));
  return to_int(shard) >= 0 && at < owns_.size() && owns_[at];
}

bool Node::has_owner_known() const {
  const telemetry::MutexLock lock(mutex_);
  return !routable_.empty() || !urls_.empty();
}

std::vector<std::string> Node::other_owners() const {
  std::set<std::string> urls;
  const telemetry::MutexLock lock(mutex_);
  for (const auto& [shard, url] : urls_) {
    if (!url.empty()) urls.insert(url);
  }
  return {urls.begin(), urls.end()};
}

Node::Route Node::route(ShardId shard) const {
  if (owns(shard)) return {true, {}};
  const telemetry::MutexLock lock(mutex_);
  const auto found = urls_.find(shard);
  return {false, found == urls_.end() ? std::string{} : found->second};
}

void Node::wake() {
  parts_.executor.post([this] {
    if (stopped_) return;
    beat_after(Duration{0});
    read_inbox_again_ = true;
    if (!reading_inbox_) read_inbox_after(Duration{0});
  });
}

void Node::look_at_inbox() {
  parts_.executor.post([this] {
    if (stopped_) return;
    if (reading_inbox_) {
      read_inbox_again_ = true;
      return;
    }
    const Duration since = parts_.clock.steady_now() - inbox_read_at_;
    read_inbox_after(std::max(Duration{0}, kHintedReadEvery - since));
  });
}

void Node::doubt_owner() {
  parts_.executor.post([this] {
    const Duration now = parts_.clock.steady_now();
    if (stopped_ || now - doubted_at_ < kDoubtEvery) return;
    doubted_at_ = now;
    beat_after(Duration{0});
  });
}

void Node::beat_after(Duration delay) {
  if (!has_begun_) return;
  parts_.executor.post_after(delay, [this, number = ++next_beat_] {
    if (number == next_beat_) beat();
  });
}

void Node::read_inbox_after(Duration delay) {
  if (!has_begun_) return;
  parts_.executor.post_after(delay, [this, number = ++next_read_] {
    if (number == next_read_) read_inbox();
  });
}

std::vector<ShardId> Node::owned_shards() const {
  std::vector<ShardId> shards;
  for (const auto& [shard, epoch] : owned_) shards.push_back(shard);
  return shards;
}

/// Makes what this node owns known to those who route.
void Node::show_owned() {
  for (std::size_t at = 0; at < owns_.size(); ++at) {
    const ShardId shard{static_cast<std::int32_t>(at)};
    owns_[at] = owned_.contains(shard) && !leaving_.contains(shard);
  }
  owned_count_ = static_cast<std::int64_t>(owned_.size());
  const telemetry::MutexLock lock(mutex_);
  routable_.clear();
  for (const auto& [shard, epoch] : owned_) {
    if (!leaving_.contains(shard)) routable_.push_back(shard);
  }
}

Timestamp Node::now() { return Timestamp{parts_.clock.steady_now() + Duration{clock_offset_us_}}; }

store::HeartbeatAnswer Node::cluster() const {
  const telemetry::MutexLock lock(mutex_);
  return cluster_;
}

std::map<NodeId, std::string> Node::other_workers() const {
  const telemetry::MutexLock lock(mutex_);
  return others_;
}

NodeGauges Node::gauges() const {
  NodeGauges gauges;
  gauges.shards_owned = owned_count_;
  const Duration confirmed_at = Duration{confirmed_until_us_} - options_.lease + kSafetyMargin;
  gauges.steps_without_handler = workers_.ready_by_handler();
  if (confirmed_until_us_ != 0) gauges.heartbeat_age = parts_.clock.steady_now() - confirmed_at;
  for (const auto& group : groups_) {
    const GroupGauges of_group = group->gauges();
    gauges.runs_stuck += of_group.runs_stuck;
    gauges.jobs_parked += of_group.jobs_parked;
    for (std::size_t state = 0; state < of_group.runs_by_state.size(); ++state)
      gauges.runs_by_state[state] += of_group.runs_by_state[state];
  }
  return gauges;
}

bool Node::is_confirmed() const { return parts_.clock.steady_now() < Duration{confirmed_until_us_}; }

// ---- the lease ---------------------------------------------------------------------------------------------------

void Node::beat() {
  if (stopped_) return;
  const Duration sent_at = parts_.clock.steady_now();
  store::NodeRow row{options_.id, options_.url, options_.roles, {}};
  parts_.store.heartbeat(std::move(row), options_.lease, [this, sent_at](Result<store::HeartbeatAnswer> answer) {
    parts_.executor.post([this, sent_at, answer = std::move(answer)]() mutable { beaten(sent_at, std::move(answer)); });
  });
}

void Node::beaten(Duration sent_at, Result<store::HeartbeatAnswer> answer) {
  if (stopped_) return;
  if (!answer) {
    // Said once, not five times a second while the database is away.
    if (!std::exchange(heartbeat_failing_, true)) {
      parts_.logger.warn("heartbeat_failed", {{"reason", answer.error().message}});
    }
    beat_after(kAgainAfter);
    return;
  }
  if (std::exchange(heartbeat_failing_, false)) parts_.logger.info("heartbeat_recovered");
  clock_offset_us_ = (answer->database_now.time_since_epoch() - parts_.clock.steady_now()).count();
  for (auto& group : groups_) group->learn_time(answer->database_now);
  // First what others took, then the lease: nothing of a lost shard begins in between.
  drop_lost(answer->shards);
  if (confirmed_until_us_ != 0 && !is_confirmed()) {
    shares_.lapse();
    workers_.lapse();
  }
  // From when it was sent: the database may have stamped it at any moment since.
  confirmed_until_us_ = (sent_at + options_.lease - kSafetyMargin).count();
  workers_.pump();  // what waited for the lease to be confirmed
  workers_.rouse_claims();
  was_taken_up_ = std::all_of(answer->shards.begin(), answer->shards.end(), [&](const auto& shard) {
    return shard.node != options_.id || owned_.contains(shard.shard);
  });

  // Who is alive, and which shards may be taken.
  const std::set<NodeId> alive = live_nodes(*answer, options_.id);
  has_scheduler_ = std::any_of(answer->nodes.begin(), answer->nodes.end(),
                               [&](const auto& node) { return alive.contains(node.id) && node.wants_schedules(); });
  std::map<NodeId, std::string> workers;
  for (const auto& node : answer->nodes) {
    if (alive.contains(node.id) && node.performs_steps()) workers[node.id] = node.url;
  }
  const std::size_t fair = (answer->shards.size() + workers.size() - 1) / std::max<std::size_t>(1, workers.size());
  std::vector<ShardId> wanted;
  std::set<ShardId> unclean;
  std::unordered_map<ShardId, std::string> urls;
  for (const auto& shard : answer->shards) {
    if (owned_.contains(shard.shard)) continue;
    const bool own = shard.node && *shard.node == options_.id;
    // A node that came back without role worker leaves what it held to the others.
    const bool orphan = !shard.node || !workers.contains(*shard.node);
    if (!own && !orphan) urls[shard.shard] = workers.at(*shard.node);
    if (!own && (!orphan || owned_.size() + wanted.size() >= fair)) continue;
    wanted.push_back(shard.shard);
    if (shard.node) unclean.insert(shard.shard);
  }
  shares_.set_alone(workers.empty() || (workers.size() == 1 && workers.contains(options_.id)));
  std::vector<std::string> takers;
  for (const auto& [id, url] : workers) {
    if (id != options_.id) takers.push_back(url);
  }
  {
    const telemetry::MutexLock lock(mutex_);
    cluster_ = std::move(*answer);
    urls_ = std::move(urls);
    others_ = std::move(workers);
    others_.erase(options_.id);
  }
  const bool may_change_hands = options_.takes_shards && !draining_ && !taking_ && leaving_.empty();
  if (may_change_hands && !wanted.empty()) {
    take(std::move(wanted), std::move(unclean));
  } else if (may_change_hands && owned_.size() > fair) {
    give_surplus_away(fair, std::move(takers));
  }
  beat_after(std::chrono::duration_cast<Duration>(options_.lease) / kBeatsPerLease);
}

/// A node that was stopped, or cut off, for longer than its lease learns here what others took: a shard without traffic
/// would never tell.
void Node::drop_lost(const std::vector<store::ShardOwnerRow>& owners) {
  std::vector<ShardId> gone;
  for (const auto& row : owners) {
    const auto held = owned_.find(row.shard);
    if (held == owned_.end() || leaving_.contains(row.shard)) continue;
    // An answer that is older than our own take-over has an older epoch, too.
    if (row.node != options_.id && row.epoch > held->second) gone.push_back(row.shard);
  }
  if (gone.empty()) return;
  metrics_.ownership_lost.add();
  parts_.logger.warn("shards_lost", {{"count", gone.size()}});
  for (const ShardId shard : gone) {
    owned_.erase(shard);
    workers_.withdraw(shard);  // not left to the group, which drops it a moment later
    group_of(shard).drop(shard);
  }
  show_owned();
}

/// More nodes than before: what is over the fair share goes to them, one shard after the other as each comes to rest.
void Node::give_surplus_away(std::size_t fair, std::vector<std::string> takers) {
  std::vector<ShardId> surplus = owned_shards();
  surplus.erase(surplus.begin(), surplus.begin() + static_cast<std::ptrdiff_t>(fair));
  // Requests go to the next owner from here on; until there is one, they wait.
  leaving_.insert(surplus.begin(), surplus.end());
  show_owned();
  auto leases = std::make_shared<std::vector<store::ShardLease>>();
  auto missing = std::make_shared<std::size_t>(surplus.size());
  parts_.logger.info("shards_released", {{"count", surplus.size()}});
  for (const ShardId shard : surplus) {
    group_of(shard).release(shard, options_.release_patience,
                            [this, shard, leases, missing, takers](std::optional<store::ShardLease> lease) {
                              parts_.executor.post([this, shard, leases, missing, takers, lease] {
                                if (lease) {
                                  leases->push_back(*lease);
                                } else {
                                  leaving_.erase(shard);  // it stays, and takes requests again
                                  show_owned();
                                }
                                if (--*missing == 0) released(*leases, takers);
                              });
                            });
  }
}

void Node::released(std::vector<store::ShardLease> leases, std::vector<std::string> takers) {
  if (stopped_) return;
  parts_.store.hand_over(options_.id, leases, [this, leases, takers = std::move(takers)](Result<void> handed) {
    parts_.executor.post([this, leases, takers, handed = std::move(handed)] {
      leaving_.clear();
      if (stopped_) return;
      // Not handed over: the table still names this node, and the next heartbeat takes them up again.
      if (!handed) parts_.logger.warn("hand_over_failed", {{"reason", handed.error().message}});
      for (const auto& lease : leases) owned_.erase(lease.shard);
      show_owned();
      for (const auto& url : takers) hint(url);
    });
  });
}

/// At most one in kHintEvery for each node: a hint only spares it a poll.
void Node::hint(const std::string& url) {
  if (peers_ == nullptr || url.empty()) return;
  const Duration now = parts_.clock.steady_now();
  // Nodes come and go under new addresses.
  std::erase_if(hinted_, [&](const auto& known) { return now - known.second > kForgetHintsAfter; });
  auto& last = hinted_[url];
  if (last > now) return;  // one is on its way
  const Duration delay = std::max(Duration{0}, last + kHintEvery - now);
  last = now + delay + Duration{1};
  parts_.executor.post_after(delay, [this, url] {
    if (!stopped_) peers_->call(url, "wake", "null", [](const Result<std::string>&) {});
  });
}

void Node::take(std::vector<ShardId> shards, std::set<ShardId> unclean) {
  taking_ = true;
  parts_.store.take_over(options_.id, std::move(shards),
                         [this, unclean = std::move(unclean)](Result<std::vector<store::ShardLease>> leases) {
                           parts_.executor.post([this, unclean, leases = std::move(leases)] {
                             taking_ = false;
                             if (stopped_) return;
                             if (!leases) {
                               parts_.logger.warn("take_over_failed", {{"reason", leases.error().message}});
                               return;  // the next heartbeat tries again
                             }
                             for (const auto& lease : *leases) {
                               owned_[lease.shard] = lease.epoch;
                               group_of(lease.shard).adopt(lease, unclean.contains(lease.shard));
                             }
                             if (!leases->empty()) {
                               metrics_.take_overs.add(static_cast<double>(leases->size()));
                               parts_.logger.info("shards_taken_over",
                                                  {{"count", leases->size()}, {"unclean", unclean.size()}});
                             }
                             show_owned();
                           });
                         });
}

void Node::lost(std::vector<ShardId> shards) {
  parts_.executor.post([this, shards = std::move(shards)] {
    for (const ShardId shard : shards) owned_.erase(shard);
    parts_.logger.warn("shards_lost", {{"count", shards.size()}});
    show_owned();
  });
}

void Node::take_again(std::vector<ShardId> shards, std::function<void(std::vector<store::ShardLease>)> taken) {
  parts_.store.take_over(
      options_.id, shards, [this, shards, taken = std::move(taken)](Result<std::vector<store::ShardLease>> leases) {
        if (stopped_) return;
        if (leases) {
          taken(std::move(*leases));
          return;
        }
        // The database is away: nobody else can take our shards meanwhile, and nothing is told to anybody.
        parts_.executor.post_after(kAgainAfter, [this, shards, taken] { take_again(shards, taken); });
      });
}

void Node::settle(std::shared_ptr<const store::Batch> batch,
                  std::function<void(std::vector<store::ShardLease>, bool committed)> settled) {
  std::vector<ShardId> shards;
  for (const auto& lease : batch->leases) shards.push_back(lease.shard);
  take_again(std::move(shards), [this, batch, settled = std::move(settled)](std::vector<store::ShardLease> leases) {
    look_for_proof(batch, std::move(leases), settled);
  });
}

void Node::look_for_proof(std::shared_ptr<const store::Batch> batch, std::vector<store::ShardLease> leases,
                          std::function<void(std::vector<store::ShardLease>, bool committed)> settled) {
  parts_.store.was_committed(batch, [this, batch, leases, settled = std::move(settled)](Result<bool> committed) {
    if (stopped_) return;
    if (committed) {
      settled(leases, *committed);
    } else if (committed.error().code == ErrorCode::ownership_lost) {
      // Only the shards that were still ours were written. All are read again, and nobody is told a half truth.
      settled(leases, false);
    } else {
      parts_.executor.post_after(kAgainAfter,
                                 [this, batch, leases, settled] { look_for_proof(batch, leases, settled); });
    }
  });
}

// ---- messages and ticks ------------------------------------------------------------------------------------------

void Node::deliver(std::vector<store::InboxRow> messages) { hand_over_messages(std::move(messages), false); }

void Node::hand_over_messages(std::vector<store::InboxRow> messages, bool from_table) {
  std::map<ShardGroup*, std::vector<store::InboxRow>, ShardGroup::ByLane> by_group;
  std::set<std::string> elsewhere;
  for (auto& message : messages) {
    if (Route route = this->route(message.shard); !route.here) elsewhere.insert(std::move(route.url));
    by_group[&group_of(message.shard)].push_back(std::move(message));
  }
  for (auto& [group, rows] : by_group) group->receive(std::move(rows), from_table);
  if (peers_ == nullptr || elsewhere.empty()) return;
  parts_.executor.post([this, elsewhere = std::move(elsewhere)] {
    for (const auto& url : elsewhere) hint(url);
  });
}

void Node::read_inbox() {
  if (stopped_ || reading_inbox_) return;
  if (owned_.empty()) {
    read_inbox_after(options_.inbox_idle);
    return;
  }
  reading_inbox_ = true;
  read_inbox_again_ = false;
  inbox_read_at_ = parts_.clock.steady_now();
  parts_.store.read_inbox(owned_shards(), kMaxInboxRead, [this, asked_as = owned_](Result<store::InboxRead> read) {
    parts_.executor.post([this, asked_as, read = std::move(read)]() mutable {
      reading_inbox_ = false;
      if (stopped_) return;
      if (read) {
        // A shard that was away meanwhile: its owner may have handled what was read. Its recovery reads the rest.
        std::erase_if(read->rows, [&](const auto& row) {
          const auto now = owned_.find(row.shard);
          const auto then = asked_as.find(row.shard);
          return now == owned_.end() || then == asked_as.end() || now->second != then->second;
        });
      }
      const bool busy = read && !read->rows.empty();
      if (busy) {
        metrics_.inbox_rows.add(static_cast<double>(read->rows.size()));
        hand_over_messages(std::move(read->rows), true);
      }
      if (read_inbox_again_) {
        const Duration since = parts_.clock.steady_now() - inbox_read_at_;
        return read_inbox_after(std::max(Duration{0}, kHintedReadEvery - since));
      }
      read_inbox_after(busy ? options_.inbox_busy : options_.inbox_idle);
    });
  });
}

void Node::tick() {
  if (stopped_) return;
  queues_.refresh();
  shares_.look();
  workers_.forget_idle();
  for (auto& group : groups_) {
    group->sweep();
    group->load_due_timers();
    if (ticks_ % kTicksPerExpiry == 0) group->expire_signals();
  }
  if (ticks_ % kTicksPerUpkeep == 0) {
    parts_.store.keep_partitions([this](Result<void> kept) {
      if (!kept) parts_.logger.warn("partition_upkeep_failed", {{"reason", kept.error().message}});
    });
  }
  ++ticks_;
  parts_.executor.post_after(kTick, [this] { tick(); });
}

// ---- the end -----------------------------------------------------------------------------------------------------

void Node::drain(std::chrono::milliseconds patience, std::function<void()> done) {
  parts_.executor.post([this, patience, done = std::move(done)]() mutable {
    draining_ = true;
    workers_.pause();
    check_drained(parts_.clock.steady_now() + patience, false, std::move(done));
  });
}

void Node::check_drained(Duration until, bool cancelled, std::function<void()> done) {
  const bool late = parts_.clock.steady_now() >= until;
  if (workers_.in_flight() == 0 || (late && cancelled)) {
    hand_over(std::move(done));
    return;
  }
  if (late) workers_.cancel_all();
  const Duration next = late ? parts_.clock.steady_now() + std::chrono::seconds{2} : until;
  parts_.executor.post_after(std::chrono::milliseconds{20},
                             [this, next, cancelled = cancelled || late, done = std::move(done)]() mutable {
                               check_drained(next, cancelled, std::move(done));
                             });
}

void Node::hand_over(std::function<void()> done) {
  // Shared: each group reports its leases on its own strand.
  auto leases = std::make_shared<std::vector<store::ShardLease>>();
  auto left = std::make_shared<std::size_t>(groups_.size());
  auto finished = std::make_shared<std::function<void()>>(std::move(done));
  for (auto& group : groups_) {
    group->leave([this, leases, left, finished](std::vector<store::ShardLease> held) {
      parts_.executor.post([this, leases, left, finished, held = std::move(held)] {
        leases->insert(leases->end(), held.begin(), held.end());
        if (--*left > 0) return;
        stopped_ = true;
        queues_.stop();
        shares_.stop();
        parts_.store.hand_over(options_.id, *leases, [this, leases, finished](Result<void> handed) {
          if (!handed) parts_.logger.warn("hand_over_failed", {{"reason", handed.error().message}});
          // Leaving frees every shard as if nothing had been lost. Not so when a life before this one may have died
          // with work in hand, in shards that were not taken up again, or when this one goes with work in hand.
          if (!was_taken_up_ || leases->size() < owned_.size()) {
            (*finished)();
            return;
          }
          parts_.store.leave(options_.id, [this, finished](Result<void> gone) {
            if (!gone) parts_.logger.warn("leave_failed", {{"reason", gone.error().message}});
            (*finished)();
          });
        });
      });
    });
  }
}

void Node::abandon() {
  stopped_ = true;
  queues_.stop();
  shares_.stop();
  workers_.pause();
  workers_.cancel_all();
}

}  // namespace orchestrator::runtime
