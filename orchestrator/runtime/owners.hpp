#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/runtime/claims.hpp"
#include "orchestrator/runtime/messages.hpp"
#include "orchestrator/runtime/node.hpp"
#include "orchestrator/runtime/peers.hpp"
#include "orchestrator/runtime/queue_figures.hpp"
#include "orchestrator/runtime/requests.hpp"
#include "orchestrator/store/store.hpp"

namespace orchestrator::runtime {

/// Longest time that one node asks another to watch a run; longer waits ask again.
inline constexpr Duration kMaxPeerWatch = std::chrono::seconds{10};

/// The door to the owner of a shard, be it here or on another node. While no owner can be asked, a start, a signal or a
/// cancellation waits durably, as a message in the shard's inbox; anything else waits here. Every call is answered
/// within `Node::request_limit()`, or soon after. Thread-safe.
class Owners {
 public:
  /// @param peers null: this node cannot call others, and the inbox is the only way to them
  Owners(Node& node, store::Store& store, PeerLink* peers)
      : node_(node),
        store_(store),
        peers_(peers),
        claims_(node, peers, [this](const std::string& namespace_name, const std::vector<ClaimedTask>& tasks) {
          give_back(namespace_name, tasks);
        }) {}

  void start_run(StartRequest request, Reply<StartAnswer> reply);
  /// Many at once: one visit to each strand here, one call to each other node.
  void start_runs(std::vector<std::pair<StartRequest, Reply<StartAnswer>>> starts);
  void send_signal(ShardId shard, SignalRequest request, Reply<SignalAnswer> reply);
  /// Of the shard of the signal that is sent again.
  void redirect_signal(RedirectRequest request, Reply<SignalAnswer> reply);
  void cancel_run(CancelRequest request, Reply<CancelAnswer> reply);
  void retry_run(RetryRequest request, Reply<StartAnswer> reply);
  /// What a remote worker says about a task that it holds.
  void report_task(TaskReport report, Reply<TaskAnswer> reply);
  /// Tasks that were claimed and whose worker never learned of them: as if nobody had claimed them.
  void give_back(const std::string& namespace_name, const std::vector<ClaimedTask>& tasks);
  [[nodiscard]] Claims& claims() { return claims_; }
  void steer_run(SteerRequest request, Reply<SteerAnswer> reply);
  void open_gate(ShardId shard, GateRequest request, Reply<GateAnswer> reply);
  void close_gate(ShardId shard, GateClose request, Reply<void> reply);
  void change_schedule(ScheduleRequest request, Reply<ScheduleAnswer> reply);
  /// The run as its owner sees it; nothing when it is not in the owner's memory, or no owner answers.
  void read_run(RunId run_id, Reply<std::optional<store::RunView>> reply);
  /// Calls back when the run closes, with its final view; with nothing after `patience`, or at once when there is
  /// nothing to wait for.
  void watch_run(RunId run_id, Duration patience, Reply<std::optional<store::RunView>> reply);

  /// The namespace's queues, each node's figures added up; nodes that did not answer are named.
  void list_queues(const std::string& namespace_name, Reply<QueueList> reply);
  /// Other nodes read the settings of queues at once, instead of within a second.
  void tell_queues_changed();

  /// Performs what another node asks of this one, and never passes it on. The answer is text for `PeerLink`.
  void answer(const std::string& operation, const std::string& body, Reply<std::string> reply);

 private:
  struct Ask;
  using Starts = std::vector<std::pair<StartRequest, Reply<StartAnswer>>>;

  void ask_owner(const std::shared_ptr<Ask>& ask);
  void without_owner(const std::shared_ptr<Ask>& ask);
  void start_elsewhere(const std::string& url, Starts starts);
  void start_by_inbox(StartRequest request, Reply<StartAnswer> reply);
  void await_start(RunId run_id, Duration until, Reply<StartAnswer> reply);
  void signal_by_inbox(ShardId shard, SignalRequest request, Reply<SignalAnswer> reply);
  void await_signal(ShardId shard, SignalRequest request, Duration until, Reply<SignalAnswer> reply);
  void cancel_by_inbox(CancelRequest request, Reply<CancelAnswer> reply);
  void watch_here(RunId run_id, Duration patience, Reply<std::optional<store::RunView>> reply);

  // owners_answer.cpp
  static Error no_owner();
  ShardGroup* owned_group(ShardId shard, const Reply<std::string>& reply);
  void perform_wake(const Json& body, Reply<std::string> reply);
  void perform_start(const Json& body, Reply<std::string> reply);
  void perform_starts(const Json& body, Reply<std::string> reply);
  void perform_signal(const Json& body, Reply<std::string> reply);
  void perform_redirect(const Json& body, Reply<std::string> reply);
  void perform_cancel(const Json& body, Reply<std::string> reply);
  void perform_retry(const Json& body, Reply<std::string> reply);
  void perform_steer(const Json& body, Reply<std::string> reply);
  void perform_open_gate(const Json& body, Reply<std::string> reply);
  void perform_close_gate(const Json& body, Reply<std::string> reply);
  void perform_change_schedule(const Json& body, Reply<std::string> reply);
  void perform_read(const Json& body, Reply<std::string> reply);
  void perform_watch(const Json& body, Reply<std::string> reply);
  void perform_claim(const Json& body, Reply<std::string> reply);
  void perform_watch_ready(const Json& body, Reply<std::string> reply);
  void perform_report(const Json& body, Reply<std::string> reply);

  // owners_queues.cpp
  struct QueueGathering;
  [[nodiscard]] std::vector<QueueFigures> queues_here(const std::string& namespace_name) const;
  void perform_queues(const Json& body, Reply<std::string> reply);
  void perform_queues_changed(const Json& body, Reply<std::string> reply);

  [[nodiscard]] Duration now() const { return node_.clock().steady_now(); }
  [[nodiscard]] store::InboxRow inbox_row(ShardId shard, const Message& message);

  Node& node_;           // Fixed after construction.
  store::Store& store_;  // Fixed after construction.
  PeerLink* peers_;      // Fixed after construction.
  Claims claims_;
  std::atomic<std::uint64_t> next_watcher_{1};
};

}  // namespace orchestrator::runtime
