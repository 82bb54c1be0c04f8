#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/service/queues.hpp"
#include "orchestrator/service/service.hpp"
#include "tests/support/fake_access.hpp"
#include "tests/support/fake_calendars.hpp"
#include "tests/support/fake_operations.hpp"
#include "tests/support/fake_remote_workers.hpp"
#include "tests/support/fake_run_events.hpp"
#include "tests/support/fake_schedules.hpp"
#include "tests/support/fake_webhooks.hpp"

namespace orchestrator::testing_support {

/// A small engine in memory for tests of the HTTP contract: definitions are names, runs never advance unless the test
/// closes them, replies come on the caller's thread. Everything it was asked is kept for the test to look at.
class FakeService final : public service::Service {
 public:
  // What tests arrange.
  void add_workflow(const std::string& name,
                    const std::string& source = R"({"StartAt":"A","States":{"A":{"Type":"Succeed"}}})");
  RunId add_run(store::RunView view);
  /// Instead of one ExecutionStarted.
  void set_history(const RunId& id, std::vector<Json> items);
  /// Ends a run and wakes who waits for it.
  void close_run(const RunId& id, RunState state);
  /// The next call of any method answers this instead.
  void fail_next(Error error);
  /// What list_audit finds.
  void set_audit(std::vector<store::AuditRow> rows);
  /// Withholds the replies of start_run and wait_for_fate until release_held.
  void hold_starts();
  void release_held();

  // What tests look at. Copies, because the server's threads go on.
  [[nodiscard]] std::vector<service::StartRun> started() const;
  [[nodiscard]] std::vector<service::SendSignal> signals() const;
  [[nodiscard]] std::vector<service::RedirectSignal> redirected() const;
  [[nodiscard]] std::vector<service::CancelRun> cancels() const;
  [[nodiscard]] std::vector<service::RetryRun> retries() const;
  [[nodiscard]] std::vector<service::SteerRun> steerings() const;
  [[nodiscard]] store::RunFilter last_filter() const;
  [[nodiscard]] std::vector<service::ChangeQueue> queue_changes() const;
  [[nodiscard]] std::size_t held_count() const;
  [[nodiscard]] std::size_t waiting_count() const;

  void open_gate(std::string namespace_name, service::IdempotencyRef ref,
                 service::Reply<service::IdempotencyGate> reply) override;
  void close_gate(std::string namespace_name, service::IdempotencyRef ref, service::KeptAnswer answer,
                  service::Reply<void> reply) override;
  void check_namespace(std::string name, service::Reply<void> reply) override;
  void create_namespace(std::string name, Caller caller, service::Reply<store::CreatedNamespace> reply) override;
  void list_namespaces(service::Reply<std::vector<store::NamespaceRow>> reply) override;
  void deploy(service::Deploy request, service::Reply<service::Deployed> reply) override;
  void find_definition(std::string namespace_name, std::string name, std::int32_t version,
                       service::Reply<store::DefinitionRow> reply) override;
  void list_workflows(std::string namespace_name, service::Reply<std::vector<store::WorkflowSummary>> reply) override;
  void start_run(service::StartRun request, service::Reply<service::StartedRun> reply) override;
  void start_runs(std::vector<service::StartRun> requests, std::optional<RunId> seed,
                  service::Reply<std::vector<Result<service::StartedRun>>> reply) override;
  void read_run(std::string namespace_name, RunId run_id, service::Reply<service::RunReading> reply) override;
  void wait_for_run(std::string namespace_name, RunId run_id, std::chrono::seconds wait,
                    service::Reply<service::RunReading> reply) override;
  void list_runs(store::RunFilter filter, service::Reply<store::RunPage> reply) override;
  void read_history(std::string namespace_name, RunId run_id, std::int32_t limit, std::string cursor,
                    service::Reply<service::HistoryPage> reply) override;
  void send_signal(service::SendSignal request, service::Reply<service::SentSignal> reply) override;
  void wait_for_fate(service::SentSignal sent, std::chrono::seconds wait,
                     service::Reply<service::SentSignal> reply) override;
  void find_signal(std::string namespace_name, SignalId id, service::Reply<store::SignalView> reply) override;
  void list_signals(store::SignalFilter filter, service::Reply<store::SignalPage> reply) override;
  void redirect_signal(service::RedirectSignal request, service::Reply<service::SentSignal> reply) override;
  void list_dead_letters(store::RunFilter filter, std::optional<core::DeadLetterReason> reason,
                         service::Reply<service::DeadLetterPage> reply) override;
  void discard_dead_letter(store::DiscardRequest request, service::Reply<service::RunReading> reply) override;
  void cancel_run(service::CancelRun request, service::Reply<service::CancelReceipt> reply) override;
  void retry_run(service::RetryRun request, service::Reply<service::RetriedRun> reply) override;
  void change_queue(service::ChangeQueue request, service::Reply<service::QueueSettings> reply) override;
  void list_queues(std::string namespace_name, service::Reply<service::QueuePage> reply) override;
  [[nodiscard]] service::RemoteWorkers& remote_workers() override { return workers; }
  FakeSchedules& schedules() override { return schedules_; }
  FakeCalendars& calendars() override { return calendars_; }
  FakeAccess& access() override { return access_; }
  void list_audit(store::AuditFilter filter, service::Reply<store::AuditPage> reply) override;
  void steer_run(service::SteerRun request, service::Reply<service::SteeredRun> reply) override;
  FakeOperations& operations() override { return operations_; }
  FakeWebhooks& webhooks() override { return webhooks_; }
  FakeRunEvents& run_events() override { return run_events_; }
  void answer_peer(std::string operation, std::string body, service::Reply<std::string> reply) override;
  void list_nodes(service::Reply<std::vector<service::NodeReading>> reply) override;
  void check_ready(service::Reply<void> reply) override;

  FakeRemoteWorkers workers;

 private:
  FakeSchedules schedules_;
  FakeCalendars calendars_;
  FakeOperations operations_;
  FakeWebhooks webhooks_;
  FakeAccess access_;
  FakeRunEvents run_events_;
  struct KeptGate {
    std::string body_hash;
    RunId reserved_id;
    std::optional<service::KeptAnswer> answer;
  };
  struct Waiter {
    RunId run_id;
    service::Reply<service::RunReading> reply;
  };

  std::optional<Error> take_failure();
  RunId fresh_id();
  Result<service::StartedRun> start_locked(const service::StartRun& request);
  Result<service::RunReading> reading_locked(const std::string& namespace_name, const RunId& id) const;
  /// What the engine says to an action on a run that must be open.
  template <typename Answer>
  void rehearse_open(const std::string& namespace_name, const RunId& id, Answer answer,
                     const service::Reply<Answer>& reply) const {
    std::unique_lock lock(mutex_);
    auto reading = reading_locked(namespace_name, id);
    lock.unlock();
    if (!reading) return reply(reading.error());
    if (is_closed(reading->view.state))
      return reply(fail(ErrorCode::precondition_failed, "run-closed", "the run is already closed"));
    reply(std::move(answer));
  }

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<Error> failures_;
  std::uint64_t next_id_ = 1;
  bool holding_ = false;
  std::vector<std::function<void()>> held_;
  std::vector<Waiter> waiters_;
  std::map<std::string, KeptGate> gates_;
  std::set<std::string> namespaces_{"default", "other", "shop"};
  std::map<std::string, std::vector<store::DefinitionRow>> definitions_;
  std::map<RunId, store::RunView> runs_;
  std::map<RunId, std::vector<Json>> histories_;
  std::map<SignalId, store::SignalRow> signal_rows_;
  std::vector<service::StartRun> started_;
  std::vector<service::SendSignal> signals_;
  std::vector<service::RedirectSignal> redirected_;
  std::vector<service::CancelRun> cancels_;
  std::vector<service::RetryRun> retries_;
  std::vector<service::ChangeQueue> queue_changes_;
  std::vector<service::SteerRun> steerings_;
  store::RunFilter last_filter_;
  std::vector<store::AuditRow> audit_;
};

}  // namespace orchestrator::testing_support
