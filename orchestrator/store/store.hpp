#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/data_error.hpp"
#include "orchestrator/store/queries.hpp"

namespace orchestrator {
class StepTransaction;  // handler/sql.hpp
}

namespace orchestrator::store {

class AccessStore;           // access.hpp
class WebhookStore;          // webhooks.hpp
struct QueueSettingsChange;  // queue_settings.hpp
struct QueueSettingsRow;
struct CalendarRow;  // calendar_rows.hpp
struct CalendarUser;
struct CalendarUserFilter;
struct PutCalendar;
struct FeedPage;  // event_feed.hpp
struct FeedPlace;
struct FeedRead;
struct QueueShareAnswer;  // queue_ledger.hpp
struct QueueShareAsk;
struct QueueShareRow;

/// Called exactly once, on a thread of the store (or its executor, in memory); the callee hops to its own strand.
template <typename T>
using Done = std::function<void(Result<T>)>;

/// The one door to durable state. Thread-safe. Never throws, never blocks its caller (except begin_step).
///
/// Errors: `unavailable` (nothing was written; try again), `outcome_unknown` (the connection died during commit: settle
/// it, never guess), `invalid_argument` (a data error: nothing was written; the message names the SQLSTATE),
/// `internal` (a bug). Serialization failures and deadlocks are retried inside.
class Store {
 public:
  virtual ~Store() = default;

  /// Fixed at installation.
  [[nodiscard]] virtual std::int32_t shard_count() const = 0;

  /// What the nodes of this installation show each other. Fixed at installation; never shown to anybody else.
  [[nodiscard]] virtual std::string cluster_secret() const = 0;

  // ---- the hot path ----------------------------------------------------------------------------------------------

  /// Commits one batch under the fence. Batches of one lane are committed in the order given, one at a time.
  /// @param lane 0 to lane_count() - 1; each has a connection of its own.
  virtual void commit(std::int32_t lane, std::shared_ptr<const Batch> batch, Done<CommitAnswer> done) = 0;
  [[nodiscard]] virtual std::int32_t lane_count() const = 0;

  /// Which subject's rows made commit answer invalid_argument. Tries parts of the batch and takes each back; writes
  /// nothing. For the rare case: it costs some round trips.
  virtual void find_data_error(std::shared_ptr<const Batch> batch, Done<DataError> done) = 0;

  /// Answers many look-ups of an owner in one round trip. Sees everything committed before the call.
  virtual void load(LoadRequest request, Done<LoadAnswer> done) = 0;

  // ---- ownership -------------------------------------------------------------------------------------------------

  /// Renews the node's row and tells who owns what. The first call registers the node.
  virtual void heartbeat(NodeRow node, std::chrono::milliseconds lease, Done<HeartbeatAnswer> done) = 0;

  /// Takes the shards that are free, the node's own, or whose owner's lease is over (or proven gone, or started again
  /// without role worker): epoch + 1 each.
  /// Waits for batches in flight; answers what was taken, possibly nothing.
  virtual void take_over(NodeId node, std::vector<ShardId> shards, Done<std::vector<ShardLease>> done) = 0;

  /// Gives shards away at a graceful stop; those no longer held are left alone.
  virtual void hand_over(NodeId node, std::vector<ShardLease> shards, Done<void> done) = 0;

  /// Removes the node's row; its shards become free.
  virtual void leave(NodeId node, Done<void> done) = 0;

  /// What a new owner needs; called after its take-over committed.
  virtual void recover(ShardLease lease, Timestamp horizon, Done<Recovery> done) = 0;

  /// Whether a batch whose outcome was unknown did commit. Call only after a take-over of all its shards.
  /// ownership_lost when it did, but without some of its shards, whose fence it had lost: reload all of them.
  virtual void was_committed(std::shared_ptr<const Batch> batch, Done<bool> done) = 0;

  // ---- messages and timers ---------------------------------------------------------------------------------------

  /// Inserts messages to any shards; a repeated (shard, id) is ignored. One transaction.
  virtual void send(std::vector<InboxRow> messages, Done<void> done) = 0;

  /// Messages of these shards that the last reads did not show, and maybe some that they did.
  virtual void read_inbox(std::vector<ShardId> shards, std::int32_t limit, Done<InboxRead> done) = 0;

  /// Runs with wake_at before `until`, earliest first, at most `limit`.
  virtual void due_runs(std::vector<ShardId> shards, Timestamp until, std::int32_t limit,
                        Done<std::vector<DueRun>> done) = 0;

  /// Signals whose time ran out before `now` and that are still buffered, at most `limit`.
  virtual void expired_signals(std::vector<ShardId> shards, Timestamp now, std::int32_t limit,
                               Done<std::vector<SignalRow>> done) = 0;

  // ---- namespaces, definitions and webhooks ----------------------------------------------------------------------

  /// `default` is always there. None ever goes away.
  virtual void create_namespace(std::string name, std::optional<AuditEntry> audit, Done<CreatedNamespace> done) = 0;
  virtual void list_namespaces(Done<std::vector<NamespaceRow>> done) = 0;

  virtual void deploy(DeployRequest request, Done<DeployAnswer> done) = 0;
  /// @param version 0 means the newest. not_found ("unknown-workflow") when there is none.
  virtual void find_definition(std::string namespace_name, std::string name, std::int32_t version,
                               Done<DefinitionRow> done) = 0;
  virtual void list_workflows(std::string namespace_name, Done<std::vector<WorkflowSummary>> done) = 0;

  /// The webhook inbox. Lives as long as the store.
  [[nodiscard]] virtual WebhookStore& webhooks() = 0;

  /// Keys, policies and approvals. Lives as long as the store.
  [[nodiscard]] virtual AccessStore& access() = 0;

  // ---- queues ----------------------------------------------------------------------------------------------------

  /// Answers the settings as they are now. resource_exhausted when a queue without settings finds no room for any.
  virtual void change_queue_settings(QueueSettingsChange change, Done<QueueSettingsRow> done) = 0;
  /// What was changed after that revision, oldest change first; 0: everything.
  virtual void list_queue_settings(std::int64_t after_revision, Done<std::vector<QueueSettingsRow>> done) = 0;
  /// Settles a node's part in queue-wide limits: gives back what it does not need, takes what is free. Answers parallel
  /// to the question, which names each queue once and at most kMaxShareAsks.
  virtual void exchange_queue_shares(NodeId node, std::vector<QueueShareAsk> asks,
                                     Done<std::vector<QueueShareAnswer>> done) = 0;
  /// What a node holds as the database has it, its former life included.
  virtual void list_queue_shares(NodeId node, Done<std::vector<QueueShareRow>> done) = 0;

  // ---- calendars -------------------------------------------------------------------------------------------------

  /// Creates or replaces. resource_exhausted when the namespace has kMaxCalendars.
  virtual void put_calendar(CalendarRow row, std::optional<AuditEntry> audit, Done<PutCalendar> done) = 0;
  virtual void find_calendar(std::string namespace_name, std::string name, Done<CalendarRow> done) = 0;
  /// By name.
  virtual void list_calendars(std::string namespace_name, Done<std::vector<CalendarRow>> done) = 0;
  /// precondition_failed ("wrong-state") while a schedule uses it.
  virtual void delete_calendar(std::string namespace_name, std::string name, std::optional<AuditEntry> audit,
                               Done<void> done) = 0;
  virtual void list_calendar_users(CalendarUserFilter filter, Done<std::vector<CalendarUser>> done) = 0;

  // ---- event streams ---------------------------------------------------------------------------------------------

  /// Lets commits be noted in the feed for `length` from now.
  virtual void keep_feed_open(std::chrono::seconds length, Done<FeedPlace> done) = 0;
  /// precondition_failed ("feed-gap") when not everything behind the place is kept; invalid_argument when it is none.
  virtual void read_feed(FeedRead read, Done<FeedPage> done) = 0;

  // ---- reads for people ------------------------------------------------------------------------------------------

  virtual void find_run(RunId run_id, Done<RunView> done) = 0;
  virtual void list_runs(RunFilter filter, Done<RunPage> done) = 0;
  /// Journal rows with seq >= from, in order, at most `limit` rows.
  virtual void read_journal(RunId run_id, EventId from, std::int32_t limit, Done<std::vector<JournalRow>> done) = 0;
  virtual void find_signal(SignalId signal_id, Done<SignalRow> done) = 0;
  virtual void list_signals(SignalFilter filter, Done<SignalPage> done) = 0;
  virtual void find_schedule(ScheduleRef ref, Done<ScheduleRow> done) = 0;
  virtual void list_schedules(ScheduleFilter filter, Done<SchedulePage> done) = 0;
  virtual void list_schedule_slots(SlotFilter filter, Done<SlotPage> done) = 0;
  /// Those of these slots of a schedule's rule that have an outcome, in any order.
  virtual void find_schedule_slots(ShardId shard, ScheduleId schedule_id, std::vector<Timestamp> slots,
                                   Done<std::vector<ScheduleSlotRow>> done) = 0;

  /// The last journal rows of failed runs, at most `rows` of each. Answers parallel to the question.
  virtual void read_dead_letter_trails(std::vector<RunId> runs, std::int32_t rows,
                                       Done<std::vector<DeadLetterTrail>> done) = 0;
  /// The run stays failed and is no dead letter any more. precondition_failed ("wrong-state") when it is none, or none
  /// of that namespace. Any node may ask: it touches nothing that an owner keeps in memory.
  virtual void discard_dead_letter(DiscardRequest request, Done<void> done) = 0;

  /// Who did what. Latest first. Errors: invalid_argument (invalid-parameter) for a cursor that is none.
  virtual void list_audit(AuditFilter filter, Done<AuditPage> done) = 0;

  /// A round trip to the database, for readiness: `unavailable`, or precondition_failed when migrations are missing.
  virtual void check_ready(Done<void> done) = 0;

  /// Makes room for the coming days and forgets what nobody can ask for any more; call it at start and daily.
  virtual void keep_partitions(Done<void> done) = 0;

  // ---- transactional handlers ------------------------------------------------------------------------------------

  /// Opens a transaction under the handler role whose statements commit together with a step. Blocking: handler
  /// threads only.
  virtual Result<std::unique_ptr<StepTransaction>> begin_step() = 0;

  /// Ends every connection and thread; pending calls answer `unavailable`. Idempotent.
  virtual void stop() = 0;
};

}  // namespace orchestrator::store
