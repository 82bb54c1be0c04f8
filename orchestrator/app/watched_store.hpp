#pragma once

#include <functional>
#include <future>
#include <memory>

#include "orchestrator/app/virtual_engine.hpp"
#include "orchestrator/handler/sql.hpp"
#include "orchestrator/store/calendar_rows.hpp"
#include "orchestrator/store/store.hpp"

namespace orchestrator::app {

/// What a simulation sees of, and does to, what a node writes.
struct StoreWatch {
  /// Before a batch is committed; may take messages out of it.
  std::function<void(store::Batch&)> committing;
  /// After it was. May end the life of the node, which then is not told.
  std::function<void()> committed;
  /// Whether the node may know this definition. Who asks for another one is never answered.
  std::function<bool(const std::string& workflow)> knows;
};

/// A store on a virtual clock: each call is done before it returns, its answer is work of the world, and database time
/// is the world's. A dead node's calls do nothing.
class WatchedStore final : public store::Store {
 public:
  WatchedStore(std::unique_ptr<store::Store> inner, VirtualWorld& world, Life life, StoreWatch watch)
      : inner_(std::move(inner)), world_(world), life_(std::move(life)), watch_(std::move(watch)) {}

  [[nodiscard]] std::int32_t shard_count() const override { return inner_->shard_count(); }
  [[nodiscard]] std::string cluster_secret() const override { return inner_->cluster_secret(); }
  void commit(std::int32_t lane, std::shared_ptr<const store::Batch> batch,
              store::Done<store::CommitAnswer> done) override;
  [[nodiscard]] std::int32_t lane_count() const override { return inner_->lane_count(); }
  void find_data_error(std::shared_ptr<const store::Batch> batch, store::Done<store::DataError> done) override;
  void load(store::LoadRequest request, store::Done<store::LoadAnswer> done) override;

  void heartbeat(store::NodeRow node, std::chrono::milliseconds lease,
                 store::Done<store::HeartbeatAnswer> done) override;
  void take_over(NodeId node, std::vector<ShardId> shards, store::Done<std::vector<store::ShardLease>> done) override;
  void hand_over(NodeId node, std::vector<store::ShardLease> shards, store::Done<void> done) override;
  void leave(NodeId node, store::Done<void> done) override;
  void recover(store::ShardLease lease, Timestamp horizon, store::Done<store::Recovery> done) override;
  void was_committed(std::shared_ptr<const store::Batch> batch, store::Done<bool> done) override;

  void send(std::vector<store::InboxRow> messages, store::Done<void> done) override;
  void read_inbox(std::vector<ShardId> shards, std::int32_t limit, store::Done<store::InboxRead> done) override;
  void due_runs(std::vector<ShardId> shards, Timestamp until, std::int32_t limit,
                store::Done<std::vector<store::DueRun>> done) override;
  void expired_signals(std::vector<ShardId> shards, Timestamp now, std::int32_t limit,
                       store::Done<std::vector<store::SignalRow>> done) override;
  void create_namespace(std::string name, std::optional<AuditEntry> audit,
                        store::Done<store::CreatedNamespace> done) override;
  void list_namespaces(store::Done<std::vector<store::NamespaceRow>> done) override;
  void change_queue_settings(store::QueueSettingsChange change, store::Done<store::QueueSettingsRow> done) override;
  void exchange_queue_shares(NodeId node, std::vector<store::QueueShareAsk> asks,
                             store::Done<std::vector<store::QueueShareAnswer>> done) override;
  void list_queue_shares(NodeId node, store::Done<std::vector<store::QueueShareRow>> done) override;
  void list_queue_settings(std::int64_t after_revision,
                           store::Done<std::vector<store::QueueSettingsRow>> done) override;
  void put_calendar(store::CalendarRow row, std::optional<AuditEntry> audit,
                    store::Done<store::PutCalendar> done) override;
  void find_calendar(std::string namespace_name, std::string name, store::Done<store::CalendarRow> done) override;
  void list_calendars(std::string namespace_name, store::Done<std::vector<store::CalendarRow>> done) override;
  void delete_calendar(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                       store::Done<void> done) override;
  void list_calendar_users(store::CalendarUserFilter filter,
                           store::Done<std::vector<store::CalendarUser>> done) override;
  void deploy(store::DeployRequest request, store::Done<store::DeployAnswer> done) override;
  void find_definition(std::string namespace_name, std::string name, std::int32_t version,
                       store::Done<store::DefinitionRow> done) override;
  void list_workflows(std::string namespace_name, store::Done<std::vector<store::WorkflowSummary>> done) override;
  void keep_feed_open(std::chrono::seconds length, store::Done<store::FeedPlace> done) override;
  void read_feed(store::FeedRead read, store::Done<store::FeedPage> done) override;
  /// Past the watch and on threads of the inner store: no simulation sends webhooks.
  [[nodiscard]] store::WebhookStore& webhooks() override { return inner_->webhooks(); }
  [[nodiscard]] store::AccessStore& access() override { return inner_->access(); }

  void find_run(RunId run_id, store::Done<store::RunView> done) override;
  void list_runs(store::RunFilter filter, store::Done<store::RunPage> done) override;
  void read_journal(RunId run_id, EventId from, std::int32_t limit,
                    store::Done<std::vector<store::JournalRow>> done) override;
  void find_signal(SignalId signal_id, store::Done<store::SignalRow> done) override;
  void list_signals(store::SignalFilter filter, store::Done<store::SignalPage> done) override;
  void find_schedule(store::ScheduleRef ref, store::Done<store::ScheduleRow> done) override;
  void list_schedules(store::ScheduleFilter filter, store::Done<store::SchedulePage> done) override;
  void list_schedule_slots(store::SlotFilter filter, store::Done<store::SlotPage> done) override;
  void find_schedule_slots(ShardId shard, store::ScheduleId schedule_id, std::vector<Timestamp> slots,
                           store::Done<std::vector<store::ScheduleSlotRow>> done) override;
  void read_dead_letter_trails(std::vector<RunId> runs, std::int32_t rows,
                               store::Done<std::vector<store::DeadLetterTrail>> done) override;
  void discard_dead_letter(store::DiscardRequest request, store::Done<void> done) override;
  void list_audit(store::AuditFilter filter, store::Done<store::AuditPage> done) override;
  void check_ready(store::Done<void> done) override;
  void keep_partitions(store::Done<void> done) override;

  Result<std::unique_ptr<StepTransaction>> begin_step() override { return inner_->begin_step(); }
  void stop() override { inner_->stop(); }

  /// For the simulation itself: past the watch, done on return.
  [[nodiscard]] store::Store& inner() { return *inner_; }

 private:
  template <typename T>
  void pass(const std::function<void(store::Store&, store::Done<T>)>& call, store::Done<T> done);

  const std::unique_ptr<store::Store> inner_;  // Fixed after construction.
  VirtualWorld& world_;                        // Fixed after construction.
  const Life life_;                            // Fixed after construction.
  const StoreWatch watch_;                     // Fixed after construction.
};

/// Waits for the answer to a call of a store that answers on threads of its own.
template <typename T>
Result<T> await_answer(const std::function<void(store::Done<T>)>& call) {
  // Shared: the store's thread may still be inside set_value when this one has the answer.
  auto told = std::make_shared<std::promise<Result<T>>>();
  auto answer = told->get_future();
  call([told](Result<T> result) { told->set_value(std::move(result)); });
  return answer.get();
}

}  // namespace orchestrator::app
