#pragma once

#include <chrono>
#include <compare>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/access.hpp"
#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/calendar_rows.hpp"
#include "orchestrator/store/event_feed.hpp"
#include "orchestrator/store/operations.hpp"
#include "orchestrator/store/queries.hpp"
#include "orchestrator/store/queue_ledger.hpp"
#include "orchestrator/store/queue_settings.hpp"
#include "orchestrator/store/webhooks.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::store::memory {

/// The tables that every MemoryStore of one simulated cluster shares: what PostgreSQL is to PostgresStore. It outlives
/// the stores, so a node that dies and comes back finds what it had committed.
///
/// The functions that take `Tables` expect the caller to hold the lock.
struct Tables {
  struct Node {
    NodeRow row;
    const void* process = nullptr;  ///< the store that heartbeats for it; null once that store ended
  };
  struct Message {
    InboxRow row;
    std::uint64_t arrival = 0;
  };
  /// What event streams follow, while it is open.
  struct Feed {
    Timestamp open_until{};
    std::uint64_t first = 1;  ///< number of the first batch kept
    std::deque<std::pair<Timestamp, FeedBatch>> batches;
  };
  using InboxKey = std::pair<ShardId, MessageId>;
  using RunKey = std::tuple<std::string, std::string, std::string>;  ///< namespace, workflow, key
  using WaitKey = std::tuple<ShardId, std::string, std::string, RunId, EventId>;
  /// Shard, namespace, key or addressed run, name, sender's id.
  using SenderKey = std::tuple<ShardId, std::string, std::string, std::string, std::string>;
  using IdempotencyKey = std::tuple<ShardId, std::string, std::string, std::string>;
  using NamePair = std::pair<std::string, std::string>;  ///< namespace, name

  std::vector<ShardOwnerRow> owners;
  std::map<NodeId, Node> nodes;
  std::map<RunId, OpenRunRow> open;
  std::map<RunKey, RunId> open_keys;
  std::map<RunId, ClosedRunRow> closed;
  std::map<RunId, std::map<EventId, JournalRow>> journal;
  std::map<RunId, CheckpointRow> checkpoints;
  std::map<SignalId, SignalRow> signals;
  std::map<SenderKey, SignalId> senders;
  std::map<SignalId, SignalLinkRow> signal_links;  ///< by the new signal
  std::map<SignalId, SignalId> signal_successors;  ///< by the origin: the last one that an operator made of it
  std::map<WaitKey, SignalWaitRow> waits;
  std::map<InboxKey, Message> inbox;
  std::uint64_t next_arrival = 1;
  std::map<IdempotencyKey, IdempotencyRow> idempotency;
  std::map<std::pair<RunId, EventId>, TaskLeaseRow> task_leases;
  std::map<BatchId, std::set<ShardId>> proofs;
  std::map<std::string, NamespaceRow> namespaces{{"default", {.name = "default", .created_at = {}}}};
  std::map<NamePair, std::vector<DefinitionRow>> definitions;
  std::map<NamePair, WebhookEndpointRow> endpoints;
  std::map<NamePair, QueueSettingsRow> queue_settings;
  std::map<NamePair, CalendarRow> calendars;
  std::map<std::int32_t, std::vector<AuditRow>> audit;  ///< by chain
  std::int64_t access_revision = 0;
  std::map<KeyId, ApiKeyRow> api_keys;
  std::map<std::string, PolicyRow> policies;
  std::map<ApprovalId, ApprovalRow> approvals;
  std::map<ApprovalId, Timestamp> approvals_held_until;  ///< of those that are approved
  struct Operation {
    OperationView view;
    std::vector<RunId> runs;
    std::int32_t next_item = 0;
    OperationHolder holder;
    Timestamp lease_until{};
  };
  std::map<OperationId, Operation> operations;
  std::map<RunId, std::string> discarded;  ///< RunView::discarded
  Feed feed;
  std::int64_t queue_revision = 0;
  std::map<NamePair, QueueLedger> queue_ledgers;
  std::int64_t queue_exchanges = 0;
  /// Shard, namespace, endpoint, dedupe key.
  std::map<std::tuple<ShardId, std::string, std::string, std::string>, WebhookDeliveryView> deliveries;
  std::map<std::tuple<ShardId, std::string, std::string>, ScheduleRow> schedules;  ///< shard, namespace, name
  std::map<std::tuple<ShardId, ScheduleId, Timestamp, SlotOrigin>, ScheduleSlotRow> schedule_slots;
};

class MemoryDatabase {
 public:
  /// @param shard_count 1 to 65536
  explicit MemoryDatabase(std::int32_t shard_count);

  [[nodiscard]] std::int32_t shard_count() const { return shard_count_; }

  telemetry::Mutex mutex;
  Tables tables ORC_GUARDED_BY(mutex);

 private:
  const std::int32_t shard_count_;
};

/// Writes a batch under the fence, or nothing at all. Errors: invalid_argument with the SQLSTATE that PostgreSQL gives.
Result<CommitAnswer> commit(Tables& tables, const Batch& batch, Timestamp now);

/// The shards of a batch whose epoch no longer holds, sorted.
std::vector<ShardId> lost_shards(const Tables& tables, const Batch& batch);

/// Whether a batch was written; ownership_lost when only some of its shards were.
Result<bool> was_committed(const Tables& tables, const Batch& batch);

LoadAnswer load(const Tables& tables, const LoadRequest& request);
Result<Recovery> recover(const Tables& tables, ShardLease lease, Timestamp horizon);
std::vector<DueRun> due_runs(const Tables& tables, const std::vector<ShardId>& shards, Timestamp until,
                             std::int32_t limit);
std::vector<SignalRow> expired_signals(const Tables& tables, const std::vector<ShardId>& shards, Timestamp now,
                                       std::int32_t limit);

Result<RunView> find_run(const Tables& tables, RunId run_id);
Result<RunPage> list_runs(const Tables& tables, const RunFilter& filter);
/// Also one that was accepted and waits in the inbox.
Result<SignalView> find_signal(const Tables& tables, SignalId signal_id);
/// A run whose start was promised and waits in the inbox (memory_promised.cpp).
std::optional<RunView> find_promised_run(const Tables& tables, RunId run_id);
std::vector<RunView> promised_runs(const Tables& tables);
std::optional<SignalRow> find_promised_signal(const Tables& tables, SignalId signal_id);
std::vector<SignalRow> promised_signals(const Tables& tables);
std::vector<JournalRow> read_journal(const Tables& tables, RunId run_id, EventId from, std::int32_t limit);
std::vector<DeadLetterTrail> read_dead_letter_trails(const Tables& tables, const std::vector<RunId>& runs,
                                                     std::int32_t rows);
Status discard_dead_letter(Tables& tables, const DiscardRequest& request, Timestamp now);
/// memory_signals.cpp
Result<SignalPage> list_signals(const Tables& tables, const SignalFilter& filter);
void write_signal_links(Tables& tables, const Batch& batch);

/// Notes a batch in the feed, when that is open.
void note_batch(Tables& tables, const Batch& batch, Timestamp now);
FeedPlace keep_feed_open(Tables& tables, std::chrono::seconds length, Timestamp now);
Result<FeedPage> read_feed(const Tables& tables, const FeedRead& read);

void write_schedules(Tables& tables, const Batch& batch);
std::vector<LoadedSchedule> load_schedules(const Tables& tables, ShardId shard);
Result<ScheduleRow> find_schedule(const Tables& tables, const ScheduleRef& ref);
Result<SchedulePage> list_schedules(const Tables& tables, const ScheduleFilter& filter);
Result<SlotPage> list_schedule_slots(const Tables& tables, const SlotFilter& filter);
std::vector<ScheduleSlotRow> find_schedule_slots(const Tables& tables, ShardId shard, ScheduleId schedule_id,
                                                 const std::vector<Timestamp>& slots);

Result<ApiKeyRow> create_api_key(Tables& tables, ApiKeyRow key, const std::optional<AuditEntry>& audit, Timestamp now);
Result<ApiKeyRow> revoke_api_key(Tables& tables, const KeyId& key_id, const std::optional<AuditEntry>& audit,
                                 Timestamp now);
Result<PolicyRow> put_policy(Tables& tables, PolicyRow policy, const std::optional<AuditEntry>& audit, Timestamp now);
AccessChanges read_access_changes(const Tables& tables, std::int64_t after_revision);
Result<ApprovalRow> add_approval(Tables& tables, ApprovalRow approval, const std::optional<AuditEntry>& audit,
                                 Timestamp now);
Result<ApprovalRow> find_approval(const Tables& tables, const std::string& namespace_name,
                                  const ApprovalId& approval_id);
Result<ApprovalPage> list_approvals(const Tables& tables, const ApprovalFilter& filter);
Result<ApprovalRow> decide_approval(Tables& tables, const ApprovalDecision& decision,
                                    const std::optional<AuditEntry>& audit, Timestamp now);
std::int64_t expire_approvals(Tables& tables, Timestamp now);
std::vector<ApprovalRow> take_approved(Tables& tables, std::chrono::milliseconds hold, Timestamp now);
Result<ApprovalRow> finish_approval(Tables& tables, const std::string& namespace_name, const ApprovalId& approval_id,
                                    std::int32_t status, const std::string& answer);

/// Appends to a chain, if there is anything to append.
void append_audit(Tables& tables, std::int32_t chain, const std::optional<AuditEntry>& entry, Timestamp now);
Result<AuditPage> list_audit(const Tables& tables, const AuditFilter& filter);

Result<PutCalendar> put_calendar(Tables& tables, const CalendarRow& row, const std::optional<AuditEntry>& audit,
                                 Timestamp now);
Result<CalendarRow> find_calendar(const Tables& tables, const std::string& namespace_name, const std::string& name);
std::vector<CalendarRow> list_calendars(const Tables& tables, const std::string& namespace_name);
Status delete_calendar(Tables& tables, const std::string& namespace_name, const std::string& name,
                       const std::optional<AuditEntry>& audit, Timestamp now);
std::vector<CalendarUser> list_calendar_users(const Tables& tables, const CalendarUserFilter& filter);
std::vector<QueueShareAnswer> exchange_queue_shares(Tables& tables, const NodeId& node,
                                                    const std::vector<QueueShareAsk>& asks, Timestamp now);
std::vector<QueueShareRow> list_queue_shares(const Tables& tables, const NodeId& node);

std::vector<WebhookReceiptAnswer> record_webhooks(Tables& tables, const std::vector<WebhookReceipt>& receipts);
Result<WrittenEndpoint> write_webhook_endpoint(Tables& tables, const WebhookEndpointRow& endpoint, EndpointWrite how,
                                               const std::optional<AuditEntry>& audit, Timestamp now);
Result<WebhookDeliveryView> find_webhook_delivery(const Tables& tables, const std::string& namespace_name,
                                                  const DeliveryId& delivery_id);
Result<WebhookDeliveryPage> list_webhook_deliveries(const Tables& tables, const WebhookDeliveryFilter& filter);
Result<std::int32_t> count_webhook_replay(Tables& tables, const std::string& namespace_name,
                                          const DeliveryId& delivery_id, std::optional<AuditEntry> audit,
                                          Timestamp now);

/// Inserts a message unless one with its id is there.
void insert_message(Tables& tables, const InboxRow& message);

Tables::SenderKey sender_key(const SignalRow& signal);

}  // namespace orchestrator::store::memory
