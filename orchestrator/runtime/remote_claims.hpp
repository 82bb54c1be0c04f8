#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "orchestrator/runtime/ready_queues.hpp"

namespace orchestrator::runtime {

/// Which ready tasks a remote worker asks for, in the namespace of its credential.
struct ClaimFilter {
  std::string namespace_name;
  std::string queue;
  std::vector<std::string> handlers;  ///< empty: any

  [[nodiscard]] bool fits(const std::string& handler) const;
  auto operator<=>(const ClaimFilter&) const = default;
};

/// Remote workers on this node, as /metrics shows them.
struct RemoteReading {
  std::int64_t claimed = 0;  ///< tasks that they have
  std::int64_t waiting = 0;  ///< claims and watches that wait for work
};

/// What remote workers have claimed, and who waits for work. An idle claim costs its entry here and nothing else. Not
/// thread-safe: the worker pool guards it.
class RemoteClaims {
 public:
  /// What a waiter does when it is called: a claim takes the task, so one is called for each task; a watch only passes
  /// the news on, so all are called when no claim waits here.
  enum class Waits : std::uint8_t { to_claim, to_tell };
  using Wake = std::function<void()>;

  struct Claimed {
    ReadyQueues::Begun begun;  ///< without a task: adopted with its shard
    QueueName queue;
    std::string worker_id;
  };

  void add(const TaskHold* hold, Claimed claimed);
  /// Nothing for a hold that is not claimed.
  std::optional<Claimed> take(const TaskHold& hold);
  [[nodiscard]] std::int64_t count_of(QueueNameView queue, const std::string& worker_id) const;

  /// Calls `wake` once when a task that fits may be claimed.
  std::uint64_t wait(ClaimFilter filter, Waits waits, Wake wake);
  /// False when it has been called already, or is about to be.
  bool stop_waiting(std::uint64_t ticket);
  [[nodiscard]] bool anybody_waits() const { return !tickets_.empty(); }
  /// Whom to call for one task that became ready, outside of any lock, goes to `wakes`.
  void call_for(QueueNameView queue, const std::string& handler, std::vector<Wake>& wakes);
  /// The same for all that may be claimed now: somebody who was called did not take it, or a limit let it go.
  /// @param most how many claims are called at most
  void call_whoever(const std::function<bool(const ClaimFilter&)>& gets_something, std::size_t most,
                    std::vector<Wake>& wakes);

  [[nodiscard]] RemoteReading reading() const {
    return {static_cast<std::int64_t>(claimed_.size()), static_cast<std::int64_t>(tickets_.size())};
  }

 private:
  struct Waiter {
    ClaimFilter filter;
    Waits waits = Waits::to_claim;
    Wake wake;
  };
  using Waiters = std::map<std::uint64_t, Waiter>;  ///< by ticket: oldest first

  Waiters::iterator call(Waiters& waiters, Waiters::iterator waiter, std::vector<Wake>& wakes);

  std::unordered_map<const TaskHold*, Claimed> claimed_;
  std::map<std::pair<QueueName, std::string>, std::int64_t> counts_;  ///< of claimed_, by queue and worker; none is 0
  std::map<QueueName, Waiters, ByQueueName> waiters_;                 ///< none is empty
  std::unordered_map<std::uint64_t, QueueName> tickets_;
  std::uint64_t next_ticket_ = 1;
};

}  // namespace orchestrator::runtime
