#include "orchestrator/runtime/claims.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/peer_answer.hpp"

namespace orchestrator::runtime {
namespace {

/// How long one watch on another node lasts; longer waits watch again. Source: a call between nodes ends after the
/// lease and 5 s, which is 6 s at the shortest lease.
constexpr Duration kWatch = std::chrono::seconds{5};
/// What was ready and could not be begun (its shard was recovering) is tried again.
constexpr Duration kTryAgainAfter = std::chrono::milliseconds{20};
/// Another node had work, and somebody else was faster.
constexpr Duration kWatchAgainAfter = std::chrono::milliseconds{50};
/// While claims wait: nodes that came since, and those that did not answer.
constexpr Duration kLookAgainAfter = std::chrono::seconds{1};
/// A claim that does not wait is not kept longer by a node that is away.
constexpr Duration kAskPatience = std::chrono::seconds{2};

}  // namespace

// ---- claims that may wait ----------------------------------------------------------------------------------------

std::uint64_t Claims::claim(ClaimRequest request, Reply<std::vector<ClaimedTask>> reply) {
  const std::uint64_t number = next_number_++;
  const Duration now = node_.clock().steady_now();
  const ClaimFilter& filter = request.filter;
  if (!workers_seen_.note(filter.namespace_name, filter.queue, request.terms.worker_id, request.terms.instance, now)) {
    reply(Error(ErrorCode::conflict, "worker-id-in-use",
                "another process claims as " + request.terms.worker_id + " since: give each worker its own id"));
    return number;
  }
  Waiting waiting{.request = std::move(request), .reply = std::move(reply)};
  waiting.until = now + waiting.request.wait;
  node_.executor().post([this, number, waiting = std::move(waiting)]() mutable {
    const Duration wait = waiting.request.wait;
    waiting_.emplace(number, std::move(waiting));
    if (wait > Duration{0}) node_.executor().post_after(wait, [this, number] { finish(number, {}); });
    attempt(number);
  });
  return number;
}

void Claims::stop(std::uint64_t number) {
  node_.executor().post([this, number] { finish(number, {}); });
}

void Claims::attempt(std::uint64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) {
    // Called for a task that it no longer needs: the next one shall have it.
    node_.workers().rouse_claims();
    return;
  }
  claim_here(found->second.request, [this, number](Result<std::vector<ClaimedTask>> tasks) {
    node_.executor().post([this, number, tasks = tasks ? std::move(*tasks) : std::vector<ClaimedTask>{}]() mutable {
      attempted(number, std::move(tasks));
    });
  });
}

void Claims::attempted(std::uint64_t number, std::vector<ClaimedTask> tasks) {
  const auto found = waiting_.find(number);
  if (!tasks.empty() || found == waiting_.end()) {
    finish(number, std::move(tasks));
  } else if (found->second.request.wait == Duration{0}) {
    auto urls = peers_ == nullptr ? std::vector<std::string>{} : node_.other_owners();
    if (!urls.empty()) node_.executor().post_after(kAskPatience, [this, number] { finish(number, {}); });
    ask_in_turn(number, std::move(urls));
  } else {
    wait_on(number);
  }
}

void Claims::wait_on(std::uint64_t number) {
  Waiting& waiting = waiting_.at(number);
  const ClaimFilter& filter = waiting.request.filter;
  waiting.ticket = node_.workers().wait_for_task(filter, RemoteClaims::Waits::to_claim, [this, number] {
    node_.executor().post([this, number] {
      if (const auto found = waiting_.find(number); found != waiting_.end()) found->second.ticket.reset();
      attempt(number);
    });
  });
  // It may have come after the look, and before anybody waited.
  if (node_.workers().has_ready(filter) && node_.workers().stop_waiting(*waiting.ticket)) {
    waiting.ticket.reset();
    node_.executor().post_after(kTryAgainAfter, [this, number] {
      if (waiting_.contains(number)) attempt(number);
    });
  }
  watch_others(filter);
  if (!std::exchange(looking_, true)) node_.executor().post_after(kLookAgainAfter, [this] { look_again(); });
}

void Claims::finish(std::uint64_t number, std::vector<ClaimedTask> tasks) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) {
    if (!tasks.empty()) {
      // Answered meanwhile; where the tasks came from, it is as if they had never been claimed.
      const std::string namespace_name = tasks.front().namespace_name;
      give_back_(namespace_name, tasks);
    }
    return;
  }
  Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  if (waiting.ticket) node_.workers().stop_waiting(*waiting.ticket);
  (tasks.empty() ? node_.engine_metrics().claims_empty : node_.engine_metrics().claims_served).add();
  waiting.reply(std::move(tasks));
}

// ---- other nodes -------------------------------------------------------------------------------------------------

void Claims::ask_in_turn(std::uint64_t number, std::vector<std::string> urls) {
  if (urls.empty()) {
    finish(number, {});
    return;
  }
  const std::string url = std::move(urls.back());
  urls.pop_back();
  ask(number, url, [this, number, urls = std::move(urls)](std::vector<ClaimedTask> tasks) {
    if (tasks.empty()) {
      ask_in_turn(number, urls);
    } else {
      finish(number, std::move(tasks));
    }
  });
}

void Claims::ask(std::uint64_t number, const std::string& url, std::function<void(std::vector<ClaimedTask>)> answered) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) {
    answered({});
    return;
  }
  std::string body = dump_json(to_json(found->second.request));
  peers_->call(url, "claim_tasks", std::move(body), [this, answered = std::move(answered)](Result<std::string> text) {
    auto tasks = read_peer_answer(claimed_tasks_from, text);
    node_.executor().post([answered, tasks = tasks ? std::move(*tasks) : std::vector<ClaimedTask>{}]() mutable {
      answered(std::move(tasks));
    });
  });
}

void Claims::watch_others(const ClaimFilter& filter) {
  if (peers_ == nullptr) return;
  for (const std::string& url : node_.other_owners()) {
    Watch watch{url, filter};
    if (!watches_.insert(watch).second) continue;
    const Json body = {{"filter", to_json(filter)}, {"patience_us", kWatch.count()}};
    peers_->call(url, "watch_ready", dump_json(body), [this, watch](Result<std::string> answer) {
      node_.executor().post([this, watch, answer = std::move(answer)] { watched(watch, answer); });
    });
  }
}

void Claims::watched(const Watch& watch, const Result<std::string>& answer) {
  watches_.erase(watch);
  const auto& [url, filter] = watch;
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& entry) {
    return !entry.second.is_asking && entry.second.request.filter == filter;
  });
  const auto is_ready = read_peer_answer(+[](const Json& value) { return value.get<bool>(); }, answer);
  if (found == waiting_.end() || !is_ready) return;  // nobody asks, or look_again watches again
  if (!*is_ready) {
    watch_others(filter);
    return;
  }
  const std::uint64_t number = found->first;
  found->second.is_asking = true;
  ask(number, url, [this, number, filter = filter](std::vector<ClaimedTask> tasks) {
    if (const auto asking = waiting_.find(number); asking != waiting_.end()) asking->second.is_asking = false;
    if (tasks.empty()) {
      node_.executor().post_after(kWatchAgainAfter, [this, filter] {
        const bool is_wanted = std::any_of(waiting_.begin(), waiting_.end(),
                                           [&](const auto& entry) { return entry.second.request.filter == filter; });
        if (is_wanted) watch_others(filter);
      });
      return;
    }
    finish(number, std::move(tasks));
    const bool is_wanted = std::any_of(waiting_.begin(), waiting_.end(),
                                       [&](const auto& entry) { return entry.second.request.filter == filter; });
    if (is_wanted) watch_others(filter);
  });
}

/// Only while somebody waits: an idle node is idle.
void Claims::look_again() {
  looking_ = !waiting_.empty();
  if (!looking_) return;
  std::set<ClaimFilter> filters;
  for (const auto& [number, waiting] : waiting_) filters.insert(waiting.request.filter);
  for (const auto& filter : filters) watch_others(filter);
  node_.workers().rouse_claims();
  node_.executor().post_after(kLookAgainAfter, [this] { look_again(); });
}

// ---- what is ready here ------------------------------------------------------------------------------------------

void Claims::claim_here(ClaimRequest request, Reply<std::vector<ClaimedTask>> reply) {
  auto tasks = node_.workers().claim(request.filter, request.max_tasks, request.terms.worker_id);
  if (tasks.empty()) {
    reply(std::vector<ClaimedTask>{});
    return;
  }
  std::map<ShardGroup*, std::vector<std::shared_ptr<Task>>, ShardGroup::ByLane> by_group;
  for (auto& task : tasks) by_group[&node_.group_of(shard_of(task->context.run_id))].push_back(std::move(task));
  struct Gathering {
    telemetry::Mutex mutex;
    std::vector<ClaimedTask> tasks ORC_GUARDED_BY(mutex);
    std::atomic<std::size_t> missing{0};
    Reply<std::vector<ClaimedTask>> reply;
  };
  // Shared by the answers of all groups, which come on their strands.
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = by_group.size();
  gathering->reply = std::move(reply);
  for (auto& [group, of_group] : by_group) {
    group->begin_claimed(std::move(of_group), request.terms, [gathering](Result<std::vector<ClaimedTask>> begun) {
      std::vector<ClaimedTask> all;
      {
        const telemetry::MutexLock lock(gathering->mutex);
        if (begun) std::move(begun->begin(), begun->end(), std::back_inserter(gathering->tasks));
        if (--gathering->missing > 0) return;
        all = std::move(gathering->tasks);
      }
      gathering->reply(std::move(all));
    });
  }
}

void Claims::watch_here(ClaimFilter filter, Duration patience, Reply<bool> reply) {
  WorkerPool& pool = node_.workers();
  if (pool.has_ready(filter)) {
    reply(true);
    return;
  }
  // Shared by the two that race: the task and the end of patience.
  auto waiting = std::make_shared<std::atomic<bool>>(true);
  const std::uint64_t ticket = pool.wait_for_task(filter, RemoteClaims::Waits::to_tell, [waiting, reply] {
    if (waiting->exchange(false)) reply(true);
  });
  node_.executor().post_after(patience, [&pool, ticket, waiting, reply] {
    if (!waiting->exchange(false)) return;
    pool.stop_waiting(ticket);
    reply(false);
  });
  if (pool.has_ready(filter) && waiting->exchange(false)) {
    pool.stop_waiting(ticket);
    reply(true);
  }
}

std::vector<WorkerReading> Claims::workers_of(const std::string& namespace_name) const {
  auto readings = workers_seen_.of_namespace(namespace_name, node_.clock().steady_now());
  for (auto& reading : readings)
    reading.in_hand = node_.workers().claimed_by({namespace_name, reading.queue}, reading.worker_id);
  return readings;
}

}  // namespace orchestrator::runtime
