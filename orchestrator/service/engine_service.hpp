#pragma once

#include <memory>
#include <set>

#include "orchestrator/core/planner.hpp"
#include "orchestrator/runtime/node.hpp"
#include "orchestrator/runtime/owners.hpp"
#include "orchestrator/service/deadlines.hpp"
#include "orchestrator/service/engine_access.hpp"
#include "orchestrator/service/engine_calendars.hpp"
#include "orchestrator/service/engine_remote_workers.hpp"
#include "orchestrator/service/engine_run_events.hpp"
#include "orchestrator/service/engine_schedules.hpp"
#include "orchestrator/service/engine_webhooks.hpp"
#include "orchestrator/service/service.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::service {

/// The use cases on a node: find the owner's group, ask, translate. Replies come on engine threads.
class EngineService final : public Service {
 public:
  /// @param peers null: other nodes are reached through the inbox only
  EngineService(runtime::Node& node, store::Store& store, const core::Planner& planner, const HandlerRegistry& handlers,
                runtime::PeerLink* peers);
  ~EngineService() override;

  void open_gate(std::string namespace_name, IdempotencyRef ref, Reply<IdempotencyGate> reply) override;
  void close_gate(std::string namespace_name, IdempotencyRef ref, KeptAnswer answer, Reply<void> reply) override;

  void check_namespace(std::string name, Reply<void> reply) override;
  void create_namespace(std::string name, Caller caller, Reply<store::CreatedNamespace> reply) override;
  void list_namespaces(Reply<std::vector<store::NamespaceRow>> reply) override;

  void deploy(Deploy request, Reply<Deployed> reply) override;
  void find_definition(std::string namespace_name, std::string name, std::int32_t version,
                       Reply<store::DefinitionRow> reply) override;
  void list_workflows(std::string namespace_name, Reply<std::vector<store::WorkflowSummary>> reply) override;

  void start_run(StartRun request, Reply<StartedRun> reply) override;
  void start_runs(std::vector<StartRun> requests, std::optional<RunId> seed,
                  Reply<std::vector<Result<StartedRun>>> reply) override;
  void read_run(std::string namespace_name, RunId run_id, Reply<RunReading> reply) override;
  void wait_for_run(std::string namespace_name, RunId run_id, std::chrono::seconds wait,
                    Reply<RunReading> reply) override;
  void list_runs(store::RunFilter filter, Reply<store::RunPage> reply) override;
  void read_history(std::string namespace_name, RunId run_id, std::int32_t limit, std::string cursor,
                    Reply<HistoryPage> reply) override;

  void send_signal(SendSignal request, Reply<SentSignal> reply) override;
  void wait_for_fate(SentSignal sent, std::chrono::seconds wait, Reply<SentSignal> reply) override;
  void find_signal(std::string namespace_name, SignalId id, Reply<store::SignalRow> reply) override;
  void list_signals(store::SignalFilter filter, Reply<store::SignalPage> reply) override;

  void list_dead_letters(store::RunFilter filter, std::optional<core::DeadLetterReason> reason,
                         Reply<DeadLetterPage> reply) override;
  void discard_dead_letter(store::DiscardRequest request, Reply<RunReading> reply) override;
  void cancel_run(CancelRun request, Reply<CancelReceipt> reply) override;
  void retry_run(RetryRun request, Reply<RetriedRun> reply) override;

  void change_queue(ChangeQueue request, Reply<QueueSettings> reply) override;
  void list_queues(std::string namespace_name, Reply<QueuePage> reply) override;
  [[nodiscard]] RemoteWorkers& remote_workers() override { return remote_workers_; }
  Schedules& schedules() override { return schedules_; }
  Calendars& calendars() override { return calendars_; }
  void edit_run(EditRun request, Reply<EditedRun> reply) override;

  [[nodiscard]] EngineAccess& access() override { return access_; }
  void list_audit(store::AuditFilter filter, Reply<store::AuditPage> reply) override;

  [[nodiscard]] Webhooks& webhooks() override { return webhooks_; }
  [[nodiscard]] RunEvents& run_events() override { return run_events_; }

  void answer_peer(std::string operation, std::string body, Reply<std::string> reply) override;
  void list_nodes(Reply<std::vector<NodeReading>> reply) override;
  void check_ready(Reply<void> reply) override;

 private:
  telemetry::Mutex namespaces_mutex_;
  // Seen in the database. None goes away, so what is here needs no second look.
  std::set<std::string, std::less<>> namespaces_ ORC_GUARDED_BY(namespaces_mutex_){"default"};

  struct HistoryWalk;

  Result<runtime::StartRequest> routed(const StartRun& request, std::optional<RunId> seeded);
  [[nodiscard]] bool is_ours(RunId run_id) const;
  void read_from_store(std::string namespace_name, RunId run_id, bool owner_silent, Reply<RunReading> reply);
  void await_fate(SentSignal sent, Timestamp until, Reply<SentSignal> reply);
  static void show_job(HistoryWalk& walk, const store::RunView& view);
  void walk_history(std::shared_ptr<HistoryWalk> walk);

  runtime::Node& node_;  // Fixed after construction.
  runtime::Owners owners_;
  store::Store& store_;                   // Fixed after construction.
  const core::Planner& planner_;          // Fixed after construction.
  const HandlerRegistry& handlers_;       // Fixed after construction.
  runtime::Executor& executor_;           // Fixed after construction.
  std::shared_ptr<Deadlines> deadlines_;  // Fixed after construction; shared with its own next look.
  EngineRemoteWorkers remote_workers_;
  EngineSchedules schedules_;
  EngineCalendars calendars_;
  EngineWebhooks webhooks_;
  EngineRunEvents run_events_;
  EngineAccess access_;
};

}  // namespace orchestrator::service
