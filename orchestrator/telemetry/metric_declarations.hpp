#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace orchestrator::telemetry {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

/// A metric as operators see it. Base units, named at the end of the name; labels are bounded sets (queue, handler,
/// outcome), never ids.
struct MetricDeclaration {
  std::string_view name;
  MetricKind kind = MetricKind::counter;
  std::string_view unit;  ///< "1" for plain counts, "seconds", "bytes"
  std::string_view help;
  std::array<std::string_view, 3> labels{};  ///< unused ones are empty
};

// Every metric of the project. Dashboards and alerts may name these only.

inline constexpr MetricDeclaration kRunsStartedTotal{
    "orchestrator_runs_started_total", MetricKind::counter, "1", "Runs accepted.", {"kind"}};
inline constexpr MetricDeclaration kRunsClosedTotal{
    "orchestrator_runs_closed_total", MetricKind::counter, "1", "Runs that reached a final state.", {"kind", "state"}};
inline constexpr MetricDeclaration kStepsTotal{
    "orchestrator_steps_total", MetricKind::counter, "1", "Attempts of steps whose outcome was recorded.", {"outcome"}};
inline constexpr MetricDeclaration kSignalsTotal{
    "orchestrator_signals_total", MetricKind::counter, "1", "Signals by the fate that they reached.", {"fate"}};
inline constexpr MetricDeclaration kSignalsUnmatched{"orchestrator_signals_unmatched", MetricKind::gauge, "1",
                                                     "Buffered signals that no run waits for."};
inline constexpr MetricDeclaration kSignalsUnmatchedOldestAgeSeconds{
    "orchestrator_signals_unmatched_oldest_age_seconds", MetricKind::gauge, "seconds",
    "Age of the oldest buffered signal that no run waits for; 0 when there is none."};
inline constexpr MetricDeclaration kRunsStuck{
    "orchestrator_runs_stuck", MetricKind::gauge, "1",
    "Open runs for which the last sweep found no next event; anything above 0 is a defect."};
inline constexpr MetricDeclaration kJobsParked{
    "orchestrator_jobs_parked", MetricKind::gauge, "1",
    "Ready jobs that are not in memory until their turn comes; part of their queues' depth."};
inline constexpr MetricDeclaration kDeadLetters{"orchestrator_dead_letters", MetricKind::gauge, "1",
                                                "Failed runs that nobody has dealt with, counted up to 10 000."};
inline constexpr MetricDeclaration kDeadLettersOldestAgeSeconds{
    "orchestrator_dead_letters_oldest_age_seconds", MetricKind::gauge, "seconds",
    "How long ago the oldest dead letter failed; 0 when there is none."};
inline constexpr MetricDeclaration kRunsStuckAtRest{"orchestrator_runs_stuck_at_rest", MetricKind::gauge, "1",
                                                    "Open runs at rest for which the last hourly sweep proved that "
                                                    "nothing will wake them; anything above 0 is a defect."};
inline constexpr MetricDeclaration kRetentionRemovedTotal{
    "orchestrator_retention_removed_total",
    MetricKind::counter,
    "1",
    "What the retention sweeps of this node removed: whole partitions, or rows of signals, deliveries, kept answers, "
    "leftovers.",
    {"what"}};
inline constexpr MetricDeclaration kOpenRuns{
    "orchestrator_runs_open", MetricKind::gauge, "1", "Runs in this node's memory.", {"state"}};

inline constexpr MetricDeclaration kQueueDepth{
    "orchestrator_queue_depth", MetricKind::gauge, "1", "Steps and jobs that are ready and not in flight.", {"queue"}};
inline constexpr MetricDeclaration kQueueInFlight{
    "orchestrator_queue_in_flight", MetricKind::gauge, "1", "Steps and jobs that a handler or worker has.", {"queue"}};
inline constexpr MetricDeclaration kQueueOldestReadyAgeSeconds{
    "orchestrator_queue_oldest_ready_age_seconds",
    MetricKind::gauge,
    "seconds",
    "How long the oldest ready step or job of the queue has waited.",
    {"queue"}};
inline constexpr MetricDeclaration kQueuePaused{
    "orchestrator_queue_paused", MetricKind::gauge, "1", "Namespaces in which the queue is paused.", {"queue"}};
inline constexpr MetricDeclaration kQueueLimitWaits{
    "orchestrator_queue_limit_waits",
    MetricKind::gauge,
    "1",
    "Ready steps and jobs that wait for a limit or for the end of a pause.",
    {"queue", "limit"}};
inline constexpr MetricDeclaration kStepsWithoutHandler{
    "orchestrator_steps_without_handler",
    MetricKind::gauge,
    "1",
    "Ready steps whose handler is not compiled in and that no remote worker has asked for.",
    {"handler"}};
inline constexpr MetricDeclaration kTaskClaimsTotal{"orchestrator_task_claims_total",
                                                    MetricKind::counter,
                                                    "1",
                                                    "Claims of remote workers answered, with tasks or empty.",
                                                    {"outcome"}};
inline constexpr MetricDeclaration kTasksClaimedTotal{"orchestrator_tasks_claimed_total", MetricKind::counter, "1",
                                                      "Tasks handed to remote workers."};
inline constexpr MetricDeclaration kTaskLeasesLostTotal{"orchestrator_task_leases_lost_total", MetricKind::counter, "1",
                                                        "Leases of remote workers that ended without a word."};
inline constexpr MetricDeclaration kTasksInRemoteHands{"orchestrator_tasks_in_remote_hands", MetricKind::gauge, "1",
                                                       "Tasks that remote workers have, claimed on this node."};
inline constexpr MetricDeclaration kClaimsWaiting{"orchestrator_task_claims_waiting", MetricKind::gauge, "1",
                                                  "Claims, here or of other nodes, that wait for work on this node."};
inline constexpr MetricDeclaration kHandlerSlots{"orchestrator_handler_slots", MetricKind::gauge, "1",
                                                 "Handlers that this node runs at once."};
inline constexpr MetricDeclaration kHandlerSlotsBusy{"orchestrator_handler_slots_busy", MetricKind::gauge, "1",
                                                     "Handlers that this node runs now."};
inline constexpr MetricDeclaration kHandlerSeconds{"orchestrator_handler_seconds",
                                                   MetricKind::histogram,
                                                   "seconds",
                                                   "How long one attempt took in its handler.",
                                                   {"handler", "outcome"}};
inline constexpr MetricDeclaration kStepPickupSeconds{"orchestrator_step_pickup_seconds",
                                                      MetricKind::histogram,
                                                      "seconds",
                                                      "From a step being ready to its handler starting.",
                                                      {"queue"}};
inline constexpr MetricDeclaration kTimerLagSeconds{"orchestrator_timer_lag_seconds", MetricKind::histogram, "seconds",
                                                    "How late timers fired."};
inline constexpr MetricDeclaration kScheduleSlotsTotal{"orchestrator_schedule_slots_total",
                                                       MetricKind::counter,
                                                       "1",
                                                       "Slots of schedules by what became of them.",
                                                       {"outcome"}};
inline constexpr MetricDeclaration kScheduleLatenessSeconds{
    "orchestrator_schedule_lateness_seconds", MetricKind::histogram, "seconds",
    "How long after its time the run of a slot was started; without slots that waited, were missed or filled in."};
inline constexpr MetricDeclaration kScheduleOverdueSeconds{
    "orchestrator_schedule_overdue_seconds", MetricKind::gauge, "seconds",
    "How long ago the next slot of some schedule was due that nobody has decided about; 0 when there is none."};
inline constexpr MetricDeclaration kPoisonedTotal{
    "orchestrator_poisoned_total", MetricKind::counter, "1", "Runs set aside as poison.", {"reason"}};

inline constexpr MetricDeclaration kShardsOwned{"orchestrator_shards_owned", MetricKind::gauge, "1",
                                                "Shards that this node owns."};
inline constexpr MetricDeclaration kTakeOversTotal{"orchestrator_shard_take_overs_total", MetricKind::counter, "1",
                                                   "Shards taken over by this node."};
inline constexpr MetricDeclaration kOwnershipLostTotal{"orchestrator_shard_ownership_lost_total", MetricKind::counter,
                                                       "1", "Batches whose shard was lost to another node."};
inline constexpr MetricDeclaration kShardReloadsTotal{"orchestrator_shard_reloads_total",
                                                      MetricKind::counter,
                                                      "1",
                                                      "Shards that dropped their memory after a failed batch.",
                                                      {"reason"}};
inline constexpr MetricDeclaration kHeartbeatAgeSeconds{"orchestrator_node_heartbeat_age_seconds", MetricKind::gauge,
                                                        "seconds", "Since this node's last confirmed heartbeat."};

inline constexpr MetricDeclaration kStoreCommitsTotal{"orchestrator_store_commits_total",
                                                      MetricKind::counter,
                                                      "1",
                                                      "Batches committed or refused by the store.",
                                                      {"outcome"}};
inline constexpr MetricDeclaration kStoreCommitSeconds{"orchestrator_store_commit_seconds", MetricKind::histogram,
                                                       "seconds", "Round trip of one batch commit."};
inline constexpr MetricDeclaration kOperationStartedTotal{
    "orchestrator_operation_started_total", MetricKind::counter, "1", "Bulk operations begun.", {"action"}};
inline constexpr MetricDeclaration kOperationItemsTotal{"orchestrator_operation_items_total",
                                                        MetricKind::counter,
                                                        "1",
                                                        "Runs that bulk operations are done with on this node.",
                                                        {"action", "outcome"}};
inline constexpr MetricDeclaration kOperationOpen{"orchestrator_operation_open", MetricKind::gauge, "1",
                                                  "Bulk operations that are neither done nor stopped."};
inline constexpr MetricDeclaration kOperationOldestAgeSeconds{
    "orchestrator_operation_oldest_age_seconds", MetricKind::gauge, "seconds",
    "How long ago the oldest open bulk operation began; 0 when there is none."};
inline constexpr MetricDeclaration kApprovalsWaiting{"orchestrator_approvals_waiting", MetricKind::gauge, "1",
                                                     "Requests that wait for a second person."};
inline constexpr MetricDeclaration kAuditRows{"orchestrator_audit_rows", MetricKind::gauge, "1",
                                              "Rows of the audit, over all chains."};
inline constexpr MetricDeclaration kStoreRowsTotal{
    "orchestrator_store_rows_total", MetricKind::counter, "1", "Rows written by batches.", {"table"}};
inline constexpr MetricDeclaration kStoreConnectionsLostTotal{
    "orchestrator_store_connections_lost_total", MetricKind::counter, "1", "Database connections that broke.", {"use"}};
inline constexpr MetricDeclaration kStoreOldestSnapshotAgeSeconds{
    "orchestrator_store_oldest_snapshot_age_seconds", MetricKind::gauge, "seconds",
    "Age of the oldest transaction that holds vacuum back; doctor names its backend."};
inline constexpr MetricDeclaration kStoreRows{
    "orchestrator_store_rows", MetricKind::gauge, "1", "Rows of a hot table, as PostgreSQL counts them.", {"table"}};
inline constexpr MetricDeclaration kStoreDeadRows{"orchestrator_store_dead_rows",
                                                  MetricKind::gauge,
                                                  "1",
                                                  "Dead rows of a hot table that vacuum has not removed yet.",
                                                  {"table"}};
inline constexpr MetricDeclaration kStoreDatabaseBytes{"orchestrator_store_database_bytes", MetricKind::gauge, "bytes",
                                                       "Size of the database's files."};
inline constexpr MetricDeclaration kStoreSessions{"orchestrator_store_sessions", MetricKind::gauge, "1",
                                                  "Sessions of clients that the database server has, of anybody."};
inline constexpr MetricDeclaration kStoreSessionsLimit{"orchestrator_store_sessions_limit", MetricKind::gauge, "1",
                                                       "Sessions that the database server allows (max_connections)."};
inline constexpr MetricDeclaration kStoreTransactionIdAge{
    "orchestrator_store_transaction_id_age", MetricKind::gauge, "1",
    "Transactions since the oldest one that is not frozen; PostgreSQL refuses writes near 2 000 000 000."};
inline constexpr MetricDeclaration kStoreClockAheadSeconds{"orchestrator_store_clock_ahead_seconds", MetricKind::gauge,
                                                           "seconds", "The database's clock minus this node's."};
inline constexpr MetricDeclaration kStoreLookAgeSeconds{
    "orchestrator_store_look_age_seconds", MetricKind::gauge, "seconds",
    "Since this node last read from the database what its gauges about it show."};
inline constexpr MetricDeclaration kInboxWaiting{
    "orchestrator_inbox_waiting", MetricKind::gauge, "1",
    "Messages to shards that their owner has not dealt with, counted up to 10 000."};
inline constexpr MetricDeclaration kInboxOldestAgeSeconds{
    "orchestrator_inbox_oldest_age_seconds", MetricKind::gauge, "seconds",
    "Age of the oldest message to a shard that its owner has not dealt with; 0 when there is none."};
inline constexpr MetricDeclaration kInboxRowsTotal{"orchestrator_inbox_rows_total", MetricKind::counter, "1",
                                                   "Messages between shards taken from the inbox."};

inline constexpr MetricDeclaration kHttpRequestsTotal{"orchestrator_http_requests_total",
                                                      MetricKind::counter,
                                                      "1",
                                                      "HTTP requests answered.",
                                                      {"method", "route", "status"}};
inline constexpr MetricDeclaration kHttpRequestSeconds{"orchestrator_http_request_seconds",
                                                       MetricKind::histogram,
                                                       "seconds",
                                                       "From the last byte of a request to its answer.",
                                                       {"route"}};
inline constexpr MetricDeclaration kHttpConnections{"orchestrator_http_connections", MetricKind::gauge, "1",
                                                    "Open HTTP connections."};
inline constexpr MetricDeclaration kEventStreams{"orchestrator_event_streams", MetricKind::gauge, "1",
                                                 "Open streams of server-sent events."};
inline constexpr MetricDeclaration kEventStreamsOpenedTotal{
    "orchestrator_event_streams_opened_total", MetricKind::counter, "1", "Streams of server-sent events begun."};
inline constexpr MetricDeclaration kStreamEventsLeftOutTotal{
    "orchestrator_stream_events_left_out_total", MetricKind::counter, "1",
    "Events that streams left out because their readers were too slow."};
inline constexpr MetricDeclaration kWebhooksTotal{"orchestrator_webhooks_total",
                                                  MetricKind::counter,
                                                  "1",
                                                  "Genuine webhooks stored, by provider and verdict.",
                                                  {"provider", "verdict"}};
inline constexpr MetricDeclaration kWebhookRejectedTotal{"orchestrator_webhook_rejected_total",
                                                         MetricKind::counter,
                                                         "1",
                                                         "Webhooks whose signature, token or source check failed.",
                                                         {"provider"}};
inline constexpr MetricDeclaration kWebhooksAlteredTotal{
    "orchestrator_webhooks_altered_total",
    MetricKind::counter,
    "1",
    "Repeats of a webhook whose bytes differ from the first one's; for payments a reason to look.",
    {"provider"}};
inline constexpr MetricDeclaration kWebhookSeconds{"orchestrator_webhook_seconds",
                                                   MetricKind::histogram,
                                                   "seconds",
                                                   "From a genuine webhook's last byte to its commit.",
                                                   {"provider"}};

inline constexpr MetricDeclaration kBuildInfo{
    "orchestrator_build_info", MetricKind::gauge, "1", "Always 1; says which version this node runs.", {"version"}};
inline constexpr MetricDeclaration kProcessId{"orchestrator_process_id", MetricKind::gauge, "1",
                                              "Process id of this node, for measurements on the same machine."};
inline constexpr MetricDeclaration kProcessCpuSeconds{"orchestrator_process_cpu_seconds", MetricKind::gauge, "seconds",
                                                      "User and system time of this process since its start."};
inline constexpr MetricDeclaration kProcessResidentBytes{"orchestrator_process_resident_bytes", MetricKind::gauge,
                                                         "bytes", "Resident memory of this process."};
inline constexpr MetricDeclaration kProcessStartTimeSeconds{"orchestrator_process_start_time_seconds",
                                                            MetricKind::gauge, "seconds",
                                                            "Unix time at which this process started."};

/// All of the above, for the test that compares dashboards and documents with what exists.
inline constexpr std::array kMetricDeclarations{
    kRunsStartedTotal,
    kRunsClosedTotal,
    kStepsTotal,
    kSignalsTotal,
    kSignalsUnmatched,
    kSignalsUnmatchedOldestAgeSeconds,
    kJobsParked,
    kRunsStuck,
    kDeadLetters,
    kDeadLettersOldestAgeSeconds,
    kRunsStuckAtRest,
    kRetentionRemovedTotal,
    kOpenRuns,
    kQueueDepth,
    kQueueInFlight,
    kQueueOldestReadyAgeSeconds,
    kQueuePaused,
    kQueueLimitWaits,
    kStepsWithoutHandler,
    kTaskClaimsTotal,
    kTasksClaimedTotal,
    kTaskLeasesLostTotal,
    kTasksInRemoteHands,
    kClaimsWaiting,
    kHandlerSlots,
    kHandlerSlotsBusy,
    kHandlerSeconds,
    kStepPickupSeconds,
    kTimerLagSeconds,
    kScheduleSlotsTotal,
    kScheduleLatenessSeconds,
    kScheduleOverdueSeconds,
    kPoisonedTotal,
    kShardsOwned,
    kTakeOversTotal,
    kOwnershipLostTotal,
    kShardReloadsTotal,
    kHeartbeatAgeSeconds,
    kStoreCommitsTotal,
    kStoreCommitSeconds,
    kOperationStartedTotal,
    kOperationItemsTotal,
    kOperationOpen,
    kOperationOldestAgeSeconds,
    kApprovalsWaiting,
    kAuditRows,
    kStoreRowsTotal,
    kStoreConnectionsLostTotal,
    kStoreOldestSnapshotAgeSeconds,
    kStoreRows,
    kStoreDeadRows,
    kStoreDatabaseBytes,
    kStoreSessions,
    kStoreSessionsLimit,
    kStoreTransactionIdAge,
    kStoreClockAheadSeconds,
    kStoreLookAgeSeconds,
    kInboxWaiting,
    kInboxOldestAgeSeconds,
    kInboxRowsTotal,
    kHttpRequestsTotal,
    kHttpRequestSeconds,
    kHttpConnections,
    kEventStreams,
    kEventStreamsOpenedTotal,
    kStreamEventsLeftOutTotal,
    kWebhooksTotal,
    kWebhookRejectedTotal,
    kWebhooksAlteredTotal,
    kWebhookSeconds,
    kBuildInfo,
    kProcessId,
    kProcessCpuSeconds,
    kProcessResidentBytes,
    kProcessStartTimeSeconds,
};

}  // namespace orchestrator::telemetry
