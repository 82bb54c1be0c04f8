#include "orchestrator/runtime/remote_claims.hpp"

#include <algorithm>

namespace orchestrator::runtime {

bool ClaimFilter::fits(const std::string& handler) const {
  return handlers.empty() || std::find(handlers.begin(), handlers.end(), handler) != handlers.end();
}

// ---- what is claimed ---------------------------------------------------------------------------------------------

void RemoteClaims::add(const TaskHold* hold, Claimed claimed) {
  ++counts_[{claimed.queue, claimed.worker_id}];
  claimed_.emplace(hold, std::move(claimed));
}

std::optional<RemoteClaims::Claimed> RemoteClaims::take(const TaskHold& hold) {
  const auto found = claimed_.find(&hold);
  if (found == claimed_.end()) return std::nullopt;
  Claimed claimed = std::move(found->second);
  claimed_.erase(found);
  const auto count = counts_.find({claimed.queue, claimed.worker_id});
  if (--count->second == 0) counts_.erase(count);
  return claimed;
}

std::int64_t RemoteClaims::count_of(QueueNameView queue, const std::string& worker_id) const {
  const auto found = counts_.find({{std::string(queue.namespace_name), std::string(queue.name)}, worker_id});
  return found == counts_.end() ? 0 : found->second;
}

// ---- who waits ---------------------------------------------------------------------------------------------------

std::uint64_t RemoteClaims::wait(ClaimFilter filter, Waits waits, Wake wake) {
  const std::uint64_t ticket = next_ticket_++;
  const QueueName queue{filter.namespace_name, filter.queue};
  waiters_[queue].emplace(ticket, Waiter{std::move(filter), waits, std::move(wake)});
  tickets_.emplace(ticket, queue);
  return ticket;
}

bool RemoteClaims::stop_waiting(std::uint64_t ticket) {
  const auto found = tickets_.find(ticket);
  if (found == tickets_.end()) return false;
  const auto of_queue = waiters_.find(found->second);
  of_queue->second.erase(ticket);
  if (of_queue->second.empty()) waiters_.erase(of_queue);
  tickets_.erase(found);
  return true;
}

RemoteClaims::Waiters::iterator RemoteClaims::call(Waiters& waiters, Waiters::iterator waiter,
                                                   std::vector<Wake>& wakes) {
  wakes.push_back(std::move(waiter->second.wake));
  tickets_.erase(waiter->first);
  return waiters.erase(waiter);
}

void RemoteClaims::call_for(QueueNameView queue, const std::string& handler, std::vector<Wake>& wakes) {
  const auto of_queue = waiters_.find(queue);
  if (of_queue == waiters_.end()) return;
  Waiters& waiters = of_queue->second;
  const auto claim = std::find_if(waiters.begin(), waiters.end(), [&](const auto& waiter) {
    return waiter.second.waits == Waits::to_claim && waiter.second.filter.fits(handler);
  });
  if (claim != waiters.end()) {
    call(waiters, claim, wakes);
  } else {
    for (auto waiter = waiters.begin(); waiter != waiters.end();)
      waiter = waiter->second.filter.fits(handler) ? call(waiters, waiter, wakes) : std::next(waiter);
  }
  if (waiters.empty()) waiters_.erase(of_queue);
}

void RemoteClaims::call_whoever(const std::function<bool(const ClaimFilter&)>& gets_something, std::size_t most,
                                std::vector<Wake>& wakes) {
  for (auto of_queue = waiters_.begin(); of_queue != waiters_.end();) {
    Waiters& waiters = of_queue->second;
    bool is_claimed = false;
    for (auto waiter = waiters.begin(); waiter != waiters.end() && most > 0;) {
      if (waiter->second.waits != Waits::to_claim || !gets_something(waiter->second.filter)) {
        ++waiter;
        continue;
      }
      waiter = call(waiters, waiter, wakes);
      is_claimed = true;
      --most;
    }
    for (auto waiter = waiters.begin(); waiter != waiters.end() && !is_claimed;) {
      const bool is_told = waiter->second.waits == Waits::to_tell && gets_something(waiter->second.filter);
      waiter = is_told ? call(waiters, waiter, wakes) : std::next(waiter);
    }
    of_queue = waiters.empty() ? waiters_.erase(of_queue) : std::next(of_queue);
  }
}

}  // namespace orchestrator::runtime
