#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/runtime/peers.hpp"
#include "orchestrator/runtime/task_report.hpp"
#include "orchestrator/runtime/workers_seen.hpp"

namespace orchestrator::runtime {

/// Claims of remote workers on this node. What is ready here is given at once; else the claim waits, here and through a
/// watch on each other node, and whoever has work first gives it. Nobody polls. Thread-safe.
class Claims {
 public:
  /// Gives tasks back that no worker learned of; called with tokens of any node.
  using GiveBack = std::function<void(const std::string& namespace_name, const std::vector<ClaimedTask>& tasks)>;

  /// @param peers null: only what is ready on this node can be claimed here
  Claims(Node& node, PeerLink* peers, GiveBack give_back)
      : node_(node), peers_(peers), give_back_(std::move(give_back)) {}

  /// Answers with tasks as soon as there are some, or with none when the request's wait is over. Answers a number that
  /// names the claim. `worker-id-in-use` when a younger process claims under the same worker id.
  std::uint64_t claim(ClaimRequest request, Reply<std::vector<ClaimedTask>> reply);
  /// Answers a claim that still waits, with nothing.
  void stop(std::uint64_t number);

  /// Only what is ready on this node, and without waiting.
  void claim_here(ClaimRequest request, Reply<std::vector<ClaimedTask>> reply);
  /// Answers true when something that fits is ready here and no claim of this node takes it; false after `patience`.
  void watch_here(ClaimFilter filter, Duration patience, Reply<bool> reply);

  /// Who claimed through this node lately, with what they hold of it.
  [[nodiscard]] std::vector<WorkerReading> workers_of(const std::string& namespace_name) const;

 private:
  struct Waiting {
    ClaimRequest request;
    Reply<std::vector<ClaimedTask>> reply;
    Duration until{};
    std::optional<std::uint64_t> ticket;  ///< while the pool knows that it waits
    bool is_asking = false;               ///< another node has said that it has work, and is asked for it
  };
  using Watch = std::pair<std::string, ClaimFilter>;  ///< url of the node, what is asked for

  void attempt(std::uint64_t number);
  void attempted(std::uint64_t number, std::vector<ClaimedTask> tasks);
  void wait_on(std::uint64_t number);
  void finish(std::uint64_t number, std::vector<ClaimedTask> tasks);
  void ask_in_turn(std::uint64_t number, std::vector<std::string> urls);
  void ask(std::uint64_t number, const std::string& url, std::function<void(std::vector<ClaimedTask>)> answered);
  void watch_others(const ClaimFilter& filter);
  void watched(const Watch& watch, const Result<std::string>& answer);
  void look_again();

  Node& node_;                // Fixed after construction.
  PeerLink* const peers_;     // Fixed after construction.
  const GiveBack give_back_;  // Fixed after construction.
  WorkersSeen workers_seen_;
  std::atomic<std::uint64_t> next_number_{1};
  // Only on the node's executor.
  std::map<std::uint64_t, Waiting> waiting_;  ///< oldest first
  std::set<Watch> watches_;
  bool looking_ = false;
};

}  // namespace orchestrator::runtime
