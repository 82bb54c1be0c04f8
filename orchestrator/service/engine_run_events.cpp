#include "orchestrator/service/engine_run_events.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <utility>

#include "orchestrator/service/feed_events.hpp"

namespace orchestrator::service {
namespace {

/// Between two looks at the feed. Source: a page that lags by a tenth of a second looks live.
constexpr Duration kFeedInterval = std::chrono::milliseconds{100};
/// While the feed is being opened.
constexpr Duration kOpeningInterval = std::chrono::milliseconds{20};
/// After the database did not answer.
constexpr Duration kFailureInterval = std::chrono::seconds{1};
/// How long the feed stays open when the last one who listened is gone: as long can he come back without a gap.
constexpr std::chrono::seconds kOpenFor{600};
/// How often that is said anew.
constexpr Duration kReopenAfter = std::chrono::seconds{60};
/// Between two calls to those who follow a job.
constexpr Duration kJobInterval = std::chrono::seconds{1};

/// Between two calls that tell nothing but the place, so that one who comes back need not look through what was not for
/// him.
constexpr Duration kPlaceInterval = std::chrono::seconds{5};

struct Follower {
  std::uint64_t ticket = 0;
  EventInterest interest;
  RunEvents::Told told;
  FeedPosition position;  ///< only while it catches up
  std::size_t caught_up = 0;
  bool is_live = false;
};
using FollowerPtr = std::shared_ptr<Follower>;  // shared with a look that tells it something

bool is_gap(const Error& error) { return error.slug == store::kFeedGap; }

}  // namespace

/// Looks follow each other: one timer or one question to the store is under way while anybody follows.
struct EngineRunEvents::Core : std::enable_shared_from_this<Core> {
  Core(runtime::Node& node, store::Store& events_store, const core::Planner& planner)
      : executor(node.executor()),
        clock(node.clock()),
        store(events_store),
        parts{.store = events_store, .definitions = node.definitions(), .planner = planner, .replays = replays} {}

  void add(FollowerPtr follower) {
    const telemetry::MutexLock lock(mutex);
    if (stopped) return;
    followers.push_back(std::move(follower));
    if (std::exchange(looking, true)) return;
    is_ready = false;
    look_after(Duration{0});
  }

  void remove(std::uint64_t ticket) {
    const telemetry::MutexLock lock(mutex);
    std::erase_if(followers, [&](const FollowerPtr& one) { return one->ticket == ticket; });
  }

  void stop() {
    const telemetry::MutexLock lock(mutex);
    stopped = true;
    followers.clear();
  }

  void look_after(Duration delay) {
    executor.post_after(delay, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->look();
    });
  }

  /// The beginning of a round: opens the feed when that is due, then reads it.
  void look() {
    bool opens = false;
    {
      const telemetry::MutexLock lock(mutex);
      if (followers.empty()) {
        looking = false;
        return;
      }
      opens = !is_ready || clock.steady_now() - opened_at >= kReopenAfter;
    }
    if (!opens) return read();
    store.keep_feed_open(kOpenFor, [self = shared_from_this()](Result<store::FeedPlace> opened) {
      if (!opened) return self->look_after(kFailureInterval);
      self->opened(*opened);
    });
  }

  void opened(const store::FeedPlace& feed) {
    bool begins = false;
    {
      const telemetry::MutexLock lock(mutex);
      begins = !is_ready;
      if (begins && feed.is_ready) {
        is_ready = true;
        live = {};
        live.after = feed.place;
        window_entries = 0;
      }
      if (is_ready) opened_at = clock.steady_now();
    }
    if (begins && !feed.is_ready) return look_after(kOpeningInterval);
    begins ? finish_round(false) : read();
  }

  /// Namespaces of those who want whole events, live or not.
  std::set<std::string> wanted_namespaces() {
    const telemetry::MutexLock lock(mutex);
    std::set<std::string> names;
    for (const FollowerPtr& one : followers) {
      if (one->is_live && !one->interest.run_id) names.insert(one->interest.namespace_name);
    }
    return names;
  }

  void read() {
    store::FeedRead question{.after = live.after, .until = live.until, .from_batch = live.batch};
    store.read_feed(std::move(question), [self = shared_from_this()](Result<store::FeedPage> page) {
      if (!page) return self->failed(page.error());
      self->show(*std::move(page));
    });
  }

  void failed(const Error& error) {
    if (!is_gap(error)) return look_after(kFailureInterval);
    // The feed was closed under us, for the database was away longer than it stays open.
    {
      const telemetry::MutexLock lock(mutex);
      is_ready = false;
    }
    tell_all({.is_gap = true, .events = {}, .place = live.after});
    look_after(kOpeningInterval);
  }

  void show(store::FeedPage page) {
    std::set<RunId> touched;
    for (const auto& batch : page.batches) {
      window_entries += batch.entries.size();
      for (const auto& entry : batch.entries) touched.insert(entry.run_id);
    }
    FeedPosition next = live;
    next.until = page.until;
    if (page.has_more) {
      next.batch = page.batches.back().number + 1;
    } else {
      next = {};
      next.after = page.until;
    }
    if (window_entries > kMaxEventsBehind) {
      next = {};
      next.after = page.until;
      go_on(std::move(next), false);
      tell_all({.is_gap = true, .events = {}, .place = live.after});
      return finish_round(false);
    }
    FeedPosition here = live;
    events_of(parts, std::move(here), std::move(page), wanted_namespaces(),
              [self = shared_from_this(), touched = std::move(touched),
               next = std::move(next)](Result<std::vector<RunEventPtr>> events) mutable {
                if (!events) return self->look_after(kFailureInterval);
                const bool has_more = !next.until.empty();
                self->go_on(std::move(next), has_more);
                self->tell_live(*events, touched);
                self->finish_round(has_more);
              });
  }

  void go_on(FeedPosition next, bool has_more) {
    const telemetry::MutexLock lock(mutex);
    live = std::move(next);
    if (!has_more) window_entries = 0;
  }

  std::vector<FollowerPtr> live_followers() {
    const telemetry::MutexLock lock(mutex);
    std::vector<FollowerPtr> found;
    std::copy_if(followers.begin(), followers.end(), std::back_inserter(found),
                 [](const FollowerPtr& one) { return one->is_live; });
    return found;
  }

  void tell_all(const EventNews& news) {
    for (const FollowerPtr& one : live_followers()) one->told(news);
  }

  void tell_live(const std::vector<RunEventPtr>& events, const std::set<RunId>& touched) {
    const Duration now = clock.steady_now();
    const bool is_job_time = now - jobs_told_at >= kJobInterval;
    if (is_job_time) jobs_told_at = now;
    const bool is_place_time = now - place_told_at >= kPlaceInterval;
    if (is_place_time) place_told_at = now;
    for (const FollowerPtr& one : live_followers()) {
      EventNews news{.is_gap = false, .events = {}, .place = live.text()};
      if (one->interest.run_id) {
        if (touched.contains(*one->interest.run_id) || (one->interest.is_job && is_job_time))
          one->told(std::move(news));
        continue;
      }
      for (const RunEventPtr& event : events) {
        if (event->namespace_name == one->interest.namespace_name) news.events.push_back(event);
      }
      if (is_place_time || !news.events.empty()) one->told(std::move(news));
    }
  }

  /// The end of a round: lets new followers in, one by one, and waits for the next. Between two pages of one window
  /// nobody can join: there is no place for it yet.
  void finish_round(bool has_more) {
    if (has_more) return read();
    FollowerPtr late;
    std::vector<FollowerPtr> fresh;
    {
      const telemetry::MutexLock lock(mutex);
      for (const FollowerPtr& one : followers) {
        if (one->is_live) continue;
        const bool is_here = one->interest.after.empty() || one->position == live;
        if (is_here) {
          one->is_live = true;
          fresh.push_back(one);
        } else if (late == nullptr) {
          late = one;
        }
      }
    }
    for (const FollowerPtr& one : fresh) one->told({.is_gap = false, .events = {}, .place = live.text()});
    if (late == nullptr) return look_after(kFeedInterval);
    catch_up(late);
  }

  // ---- catching up
  // ----------------------------------------------------------------------------------------------------

  /// Reads for one follower from where it left to where the others are. The others wait: it is a page, then their turn.
  void catch_up(const FollowerPtr& follower) {
    FeedPosition& mine = follower->position;
    const std::string until = mine.until.empty() ? live.after : mine.until;
    store::FeedRead question{.after = mine.after, .until = until, .from_batch = mine.batch};
    store.read_feed(std::move(question), [self = shared_from_this(), follower](Result<store::FeedPage> page) {
      if (!page) {
        // A place that the database cannot read is no place of this feed: it ends in a gap, too.
        if (is_gap(page.error()) || page.error().code == ErrorCode::invalid_argument) self->skip(follower);
        return self->look_after(kFeedInterval);
      }
      self->show_late(follower, *std::move(page));
    });
  }

  void skip(const FollowerPtr& follower) {
    follower->position = live;
    follower->told({.is_gap = true, .events = {}, .place = live.text()});
  }

  void show_late(const FollowerPtr& follower, store::FeedPage page) {
    for (const auto& batch : page.batches) follower->caught_up += batch.entries.size();
    if (follower->caught_up > kMaxEventsCaughtUp) {
      skip(follower);
      return look_after(Duration{0});
    }
    FeedPosition next = follower->position;
    next.until = page.until;
    if (page.has_more) {
      next.batch = page.batches.back().number + 1;
      next.entry = next.event = 0;
    } else {
      next = {};
      next.after = page.until;
    }
    std::set<std::string> namespaces;
    if (!follower->interest.run_id) namespaces.insert(follower->interest.namespace_name);
    events_of(parts, follower->position, std::move(page), std::move(namespaces),
              [self = shared_from_this(), follower, next](Result<std::vector<RunEventPtr>> events) {
                if (events) {
                  follower->position = next;
                  follower->told({.is_gap = false, .events = *std::move(events), .place = next.text()});
                }
                if (!events) return self->look_after(kFailureInterval);
                // At the end of what there was, it joins before the others go on; else they have a turn first.
                next.until.empty() ? self->finish_round(false) : self->look_after(Duration{0});
              });
  }

  // Fixed after construction.
  runtime::Executor& executor;
  const runtime::Clock& clock;
  store::Store& store;
  RunReplays replays;
  const FeedParts parts;

  std::atomic<std::uint64_t> next_ticket{1};

  // Only in the round that is under way.
  FeedPosition live;               ///< where those who are live are
  std::size_t window_entries = 0;  ///< of the window `live` is in
  Duration jobs_told_at{};
  Duration place_told_at{};

  telemetry::Mutex mutex;
  std::vector<FollowerPtr> followers ORC_GUARDED_BY(mutex);
  bool looking ORC_GUARDED_BY(mutex) = false;  ///< a round is under way or awaited
  bool is_ready ORC_GUARDED_BY(mutex) = false;
  Duration opened_at ORC_GUARDED_BY(mutex){};
  bool stopped ORC_GUARDED_BY(mutex) = false;
};

EngineRunEvents::EngineRunEvents(runtime::Node& node, store::Store& store, const core::Planner& planner)
    : core_(std::make_shared<Core>(node, store, planner)) {}

EngineRunEvents::~EngineRunEvents() { core_->stop(); }

Result<std::uint64_t> EngineRunEvents::follow(EventInterest interest, Told told) {
  auto follower = std::make_shared<Follower>();
  if (!interest.after.empty()) {
    auto position = FeedPosition::parse(interest.after);
    if (!position) return std::move(position).error();
    follower->position = *std::move(position);
  }
  follower->ticket = core_->next_ticket++;
  follower->interest = std::move(interest);
  follower->told = std::move(told);
  const std::uint64_t ticket = follower->ticket;
  core_->add(std::move(follower));
  return ticket;
}

void EngineRunEvents::leave(std::uint64_t ticket) { core_->remove(ticket); }

}  // namespace orchestrator::service
