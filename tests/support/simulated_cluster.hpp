#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/core/planner.hpp"
#include "orchestrator/handler/handler.hpp"
#include "orchestrator/model/queue_limits.hpp"
#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/engine_service.hpp"
#include "orchestrator/store/memory/memory_store.hpp"
#include "orchestrator/telemetry/log.hpp"
#include "orchestrator/telemetry/metrics.hpp"
#include "tests/support/virtual_world.hpp"

namespace orchestrator::testing {

/// Several nodes over one in-memory database, on one thread and one virtual clock. A seed decides every random number.
class SimulatedCluster {
 public:
  explicit SimulatedCluster(std::uint64_t seed, std::int32_t shards = 8);
  ~SimulatedCluster();

  /// Starts a node (again). Its id is its name.
  void start_node(const std::string& name);
  /// The process is gone in the middle of whatever it did: nothing that it had posted runs any more.
  void crash(const std::string& name);
  /// SIGSTOP: the process does nothing until it is thawed, while time goes on for everybody else.
  void freeze(const std::string& name);
  /// SIGCONT: everything that fell due meanwhile happens at once.
  void thaw(const std::string& name);
  /// SIGTERM: drains, hands over, leaves.
  void drain(const std::string& name);
  /// The same, while the caller goes on; the node is gone once it has left.
  void begin_drain(const std::string& name);
  [[nodiscard]] bool is_up(const std::string& name) const { return nodes_.contains(name); }
  [[nodiscard]] bool is_frozen(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> node_names() const;
  /// Whether a handler thread of this node is about to begin something.
  [[nodiscard]] bool is_beginning(const std::string& name) const;
  /// A client's call: reaches the node's process unless it is gone, or when it is thawed. False when it is not up.
  bool call(const std::string& name, std::function<void(service::Service&)> request);

  /// For handlers, during their call: the node that they run on, empty outside.
  [[nodiscard]] const std::string& running_on() const { return running_on_; }
  /// The process that it is, as long as it lives.
  [[nodiscard]] const void* running_process() const { return running_life_; }
  [[nodiscard]] bool is_alive(const void* process) const;
  /// For handlers: work that takes this long, while everything else goes on. False when its process died meanwhile.
  bool work_for(Duration takes);

  /// Asked before each store operation of every node.
  std::function<store::memory::Fault(std::string_view operation)> faults;
  /// A node has left and did not give every shard back: its last writes failed with work in hand.
  std::function<void()> left_uncleanly;

  /// How long a piece of a store operation takes; by default up to three milliseconds.
  std::function<Duration()> store_delay;
  /// Asked before each call between nodes: whether it, or its answer, is lost.
  std::function<bool(std::string_view operation)> peer_loss;
  /// Asked before each call between nodes: whether it arrives twice.
  std::function<bool(std::string_view operation)> peer_repeat;
  /// What a constraint of the database has against a batch, on every node.
  std::function<Status(const store::Batch& batch)> constraint;
  /// Told what a transactional handler's statements were, when they commit together with its step's batch.
  std::function<void(const store::Batch& batch, const std::vector<store::memory::Statement>& statements)>
      step_committed;
  /// What nodes are started with; id and url are their own.
  runtime::NodeOptions node_options;
  /// Whether nodes that are started from now on look for bulk operations.
  bool works_on_operations = false;
  /// Handlers of all nodes; complete before the first one starts.
  HandlerRegistry handlers;

  void deploy(const std::string& name, const std::string& definition);
  void limit_queue(const std::string& queue, const QueueLimits& limits);
  /// Shards of each node, as the database says.
  [[nodiscard]] std::map<std::string, int> shards_by_node();
  /// Starts a run through this node and no other. unavailable when it did not answer within `limit`.
  Result<RunId> start_through(const std::string& node, const std::string& workflow, const std::string& key,
                              Duration limit);
  /// Starts `count` runs without a key through this node, in as few commits as it makes of them; returns the moment
  /// that all are acknowledged.
  std::vector<RunId> start_together(const std::string& node, const std::string& workflow, int count);
  /// What an Idempotency-Key says to a request that this node has taken.
  Result<service::IdempotencyGate> open_gate(const std::string& node, const std::string& key);
  /// Starts a run through whichever node takes it; repeats the call until one does. Empty when none did in `limit`.
  std::optional<RunId> start_run(const std::string& workflow, const std::string& key, const std::string& input);
  /// The same, with the refusal when it is one that no repetition changes.
  Result<RunId> try_start(const std::string& workflow, const std::string& key, const std::string& input);
  /// Sends a signal until somebody accepted it; the fate it got, or empty.
  std::string send_signal(const std::string& name, const std::string& key, const std::string& id);
  /// Asks one node to start `count` runs that share a shard, all at once, after one that fails and sets the shard
  /// recovering. Answers how many were refused within a second, before any deadline.
  int flood_starts(const std::string& node, const std::string& workflow, int count);
  [[nodiscard]] std::optional<store::RunView> find_run(RunId id);
  [[nodiscard]] std::vector<store::RunView> list_runs();
  [[nodiscard]] std::vector<store::SignalRow> list_signals();
  /// The run's journal, checked: dense, decodable, and replaying to the state that the closed row tells.
  [[nodiscard]] std::string check_journal(RunId id);
  /// What is committed. Only one thread, so nobody writes while the caller looks.
  /// What a transaction of somebody else leaves for a shard.
  void commit_message(const store::InboxRow& message);
  /// What a sender on this node hands over in memory, after its commit.
  void deliver(const std::string& node, const store::InboxRow& message);
  [[nodiscard]] const store::memory::Tables& tables() const { return *tables_; }

  VirtualWorld world;
  /// How often a handler was performed, by idempotency key.
  std::map<std::string, int> performed;
  /// Log lines of level error: none is expected in a simulation.
  std::vector<std::string> errors;

 private:
  struct Life;
  struct Process;
  class ProcessExecutor;
  class ProcessThreads;
  class Peers;
  Process* node_at(const std::string& url);
  /// After a moment on the network.
  void later(std::function<void()> work);

  /// Runs `ask` on each living node in turn until an answer is not "unavailable".
  template <typename Answer>
  std::optional<Result<Answer>> ask_any(const std::function<void(service::Service&, service::Reply<Answer>)>& ask);
  store::Store& reader();

  SeededRandom random_;
  std::shared_ptr<store::memory::MemoryDatabase> database_;
  const store::memory::Tables* tables_ = nullptr;
  std::string running_on_;
  const Life* running_life_ = nullptr;
  int waiting_handlers_ = 0;
  std::unique_ptr<store::memory::MemoryStore> reader_;
  telemetry::Logger logger_;
  core::Planner planner_;
  std::map<std::string, std::unique_ptr<Process>> nodes_;
  std::vector<std::unique_ptr<Process>> graveyard_;
};

}  // namespace orchestrator::testing
