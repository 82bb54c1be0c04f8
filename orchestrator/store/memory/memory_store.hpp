#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/handler/sql.hpp"
#include "orchestrator/store/memory/memory_database.hpp"
#include "orchestrator/store/operations.hpp"
#include "orchestrator/store/store.hpp"
#include "orchestrator/store/webhooks.hpp"

namespace orchestrator::store::memory {

/// What goes wrong with one operation.
enum class Fault : std::uint8_t {
  none,
  unavailable,     ///< nothing is done, the caller is told so
  unknown_undone,  ///< nothing is done, and the caller cannot know
  unknown_done,    ///< it is done, and the caller cannot know
};

/// One statement of a transactional handler.
struct Statement {
  std::string text;
  SqlParameters parameters;
};

struct MemoryOptions {
  int lanes = 2;
  /// Runs a piece of work later (or at once). Every operation is two pieces: doing it, and answering; work of one lane
  /// keeps its order whatever this function does. Required.
  std::function<void(std::function<void()>)> post;
  /// Database time. Required.
  std::function<Timestamp()> now;
  /// Asked before each operation, by the name of the Store method. Faults of reads are all `unavailable` to the caller.
  std::function<Fault(std::string_view operation)> faults;
  /// Asked about each batch before it is written, for what a constraint of the database might have against it:
  /// invalid_argument with the member `sqlstate`.
  std::function<Status(const Batch&)> constraint;
  /// What statements of transactional handlers answer; without it they answer no rows.
  std::function<Result<SqlRows>(std::string_view statement, const SqlParameters& parameters)> sql;
  /// Told the statements that commit together with a step's batch, in that very moment.
  std::function<void(const Batch&, const std::vector<Statement>&)> step_committed;
};

/// Store in memory, with faults on command: for simulation and for tests of what stands above it. Several stores over
/// one database are several nodes; destroying one is the death of its process.
class MemoryStore final : public Store {
 public:
  MemoryStore(std::shared_ptr<MemoryDatabase> database, MemoryOptions options);
  ~MemoryStore() override;

  [[nodiscard]] std::int32_t shard_count() const override;
  [[nodiscard]] std::string cluster_secret() const override { return "in memory"; }
  [[nodiscard]] std::int32_t lane_count() const override;
  void commit(std::int32_t lane, std::shared_ptr<const Batch> batch, Done<CommitAnswer> done) override;
  void find_data_error(std::shared_ptr<const Batch> batch, Done<DataError> done) override;
  void load(LoadRequest request, Done<LoadAnswer> done) override;

  void heartbeat(NodeRow node, std::chrono::milliseconds lease, Done<HeartbeatAnswer> done) override;
  void take_over(NodeId node, std::vector<ShardId> shards, Done<std::vector<ShardLease>> done) override;
  void hand_over(NodeId node, std::vector<ShardLease> shards, Done<void> done) override;
  void leave(NodeId node, Done<void> done) override;
  void recover(ShardLease lease, Timestamp horizon, Done<Recovery> done) override;
  void was_committed(std::shared_ptr<const Batch> batch, Done<bool> done) override;

  void send(std::vector<InboxRow> messages, Done<void> done) override;
  void read_inbox(std::vector<ShardId> shards, std::int32_t limit, Done<InboxRead> done) override;
  void due_runs(std::vector<ShardId> shards, Timestamp until, std::int32_t limit,
                Done<std::vector<DueRun>> done) override;
  void expired_signals(std::vector<ShardId> shards, Timestamp now, std::int32_t limit,
                       Done<std::vector<SignalRow>> done) override;

  void deploy(DeployRequest request, Done<DeployAnswer> done) override;
  void find_definition(std::string namespace_name, std::string name, std::int32_t version,
                       Done<DefinitionRow> done) override;
  void list_workflows(std::string namespace_name, Done<std::vector<WorkflowSummary>> done) override;
  void create_namespace(std::string name, std::optional<AuditEntry> audit, Done<CreatedNamespace> done) override;
  void list_namespaces(Done<std::vector<NamespaceRow>> done) override;
  void change_queue_settings(QueueSettingsChange change, Done<QueueSettingsRow> done) override;
  void list_queue_settings(std::int64_t after_revision, Done<std::vector<QueueSettingsRow>> done) override;
  void put_calendar(CalendarRow row, std::optional<AuditEntry> audit, Done<PutCalendar> done) override;
  void find_calendar(std::string namespace_name, std::string name, Done<CalendarRow> done) override;
  void list_calendars(std::string namespace_name, Done<std::vector<CalendarRow>> done) override;
  void delete_calendar(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                       Done<void> done) override;
  void list_calendar_users(CalendarUserFilter filter, Done<std::vector<CalendarUser>> done) override;
  void exchange_queue_shares(NodeId node, std::vector<QueueShareAsk> asks,
                             Done<std::vector<QueueShareAnswer>> done) override;
  void list_queue_shares(NodeId node, Done<std::vector<QueueShareRow>> done) override;
  void keep_feed_open(std::chrono::seconds length, Done<FeedPlace> done) override;
  void read_feed(FeedRead read, Done<FeedPage> done) override;
  [[nodiscard]] WebhookStore& webhooks() override;
  [[nodiscard]] AccessStore& access() override;
  [[nodiscard]] OperationStore& operations() override;

  void find_run(RunId run_id, Done<RunView> done) override;
  void list_runs(RunFilter filter, Done<RunPage> done) override;
  void read_journal(RunId run_id, EventId from, std::int32_t limit, Done<std::vector<JournalRow>> done) override;
  void find_signal(SignalId signal_id, Done<SignalView> done) override;
  void list_signals(SignalFilter filter, Done<SignalPage> done) override;
  void find_schedule(ScheduleRef ref, Done<ScheduleRow> done) override;
  void list_schedules(ScheduleFilter filter, Done<SchedulePage> done) override;
  void list_schedule_slots(SlotFilter filter, Done<SlotPage> done) override;
  void find_schedule_slots(ShardId shard, ScheduleId schedule_id, std::vector<Timestamp> slots,
                           Done<std::vector<ScheduleSlotRow>> done) override;
  void read_dead_letter_trails(std::vector<RunId> runs, std::int32_t rows,
                               Done<std::vector<DeadLetterTrail>> done) override;
  void discard_dead_letter(DiscardRequest request, Done<void> done) override;
  void list_audit(AuditFilter filter, Done<AuditPage> done) override;
  void check_ready(Done<void> done) override;
  void keep_partitions(Done<void> done) override;

  Result<std::unique_ptr<StepTransaction>> begin_step() override;
  void stop() override;

  struct Core;  ///< memory_core.hpp, for the files of this room

 private:
  std::unique_ptr<WebhookStore> webhooks_;
  std::unique_ptr<AccessStore> access_;
  std::unique_ptr<OperationStore> operations_;
  std::shared_ptr<Core> core_;  // Shared with work that was posted and may run after this object's end.
};

}  // namespace orchestrator::store::memory
