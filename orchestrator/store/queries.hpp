#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/store/audit.hpp"
#include "orchestrator/store/rows.hpp"
#include "orchestrator/store/schedule_rows.hpp"

namespace orchestrator::store {

// ---- what owners load --------------------------------------------------------------------------------------------

/// An open run with what rebuilds it: the checkpoint if there is one, then the journal rows after it, in order.
struct LoadedRun {
  OpenRunRow row;
  std::optional<CheckpointRow> checkpoint;
  std::vector<JournalRow> journal;
};

/// A closed run with all that reviving it needs.
struct LoadedClosedRun {
  ClosedRunRow row;
  std::optional<CheckpointRow> checkpoint;
  std::vector<JournalRow> journal;
};

struct RunKeyQuery {
  ShardId shard{};
  std::string namespace_name;
  std::string workflow;
  std::string key;
  bool with_closed = false;               ///< also the newest closed run with that key
  std::optional<Timestamp> closed_since;  ///< with_closed: only one that closed at this moment or later
};
struct RunKeyAnswer {
  std::optional<RunId> open;
  std::optional<RunId> closed;
  /// Of the open run if there is one, else of the closed one.
  RunState state = RunState::ready;
};

/// Everything about one signal key: open waits (oldest first) and signals that are buffered or delivered (oldest
/// first).
struct MailboxQuery {
  ShardId shard{};
  std::string namespace_name;
  std::string key;
};
/// Senders' ids that come along with a mailbox.
inline constexpr std::size_t kMaxSenderIds = 32;

struct MailboxAnswer {
  std::vector<SignalWaitRow> waits;
  std::vector<SignalRow> pending;
  /// (name, id) of every signal of the key, settled ones too; nothing when there are more than kMaxSenderIds.
  std::optional<std::vector<std::pair<std::string, std::string>>> sender_ids;
  /// The run of the oldest wait, as in `LoadRequest::runs`: the next signal will ask for it. Nothing when it is on
  /// another shard, is not open, or signals wait that were sent to it by id.
  std::optional<LoadedRun> next_run;
};

/// The signal that already used this id, if any.
struct SignalIdQuery {
  ShardId shard{};
  std::string namespace_name;
  std::string name;
  std::optional<std::string> key;
  std::optional<RunId> addressed_run_id;
  std::string id;
};

struct IdempotencyQuery {
  ShardId shard{};
  std::string namespace_name;
  std::string scope;
  std::string key;
};

/// Many look-ups in one call; each answer vector is parallel to its question vector.
struct LoadRequest {
  std::vector<RunId> runs;         ///< open runs by id
  std::vector<RunId> closed_runs;  ///< closed runs by id, with journal (retry)
  std::vector<RunKeyQuery> run_keys;
  std::vector<MailboxQuery> mailboxes;
  std::vector<RunId> addressed_signals;  ///< buffered signals addressed to these runs, oldest first
  std::vector<SignalIdQuery> signal_ids;
  std::vector<SignalId> signals;
  std::vector<IdempotencyQuery> idempotency;
};
struct LoadAnswer {
  std::vector<std::optional<LoadedRun>> runs;
  std::vector<std::optional<LoadedClosedRun>> closed_runs;
  std::vector<RunKeyAnswer> run_keys;
  std::vector<MailboxAnswer> mailboxes;
  std::vector<std::vector<SignalRow>> addressed_signals;
  std::vector<std::optional<SignalRow>> signal_ids;
  std::vector<std::optional<SignalRow>> signals;
  std::vector<std::optional<IdempotencyRow>> idempotency;
};

struct DueRun {
  RunId run_id;
  Timestamp wake_at{};
};

/// What a new owner needs to go on: rows not at rest with their journals, timers due before the horizon, the inbox.
struct Recovery {
  std::vector<LoadedRun> running;
  std::vector<DueRun> due;
  std::vector<InboxRow> inbox;
  std::vector<TaskLeaseRow> task_leases;
  std::vector<LoadedSchedule> schedules;
};

struct InboxRead {
  std::vector<InboxRow> rows;  ///< at most the limit; ids that the reader knows may come again
};

// ---- ownership ---------------------------------------------------------------------------------------------------

struct NodeRow {
  NodeId id;
  std::string url;
  std::string roles;  ///< "api,worker,scheduler"
  Timestamp lease_until{};

  /// Role worker: owns shards and runs handlers. What a node without it still holds, from an earlier life, is takeable.
  [[nodiscard]] bool performs_steps() const { return roles.find("worker") != std::string::npos; }
  /// Role scheduler: while such a node lives, the owners of shards fire their schedules.
  [[nodiscard]] bool wants_schedules() const { return roles.find("scheduler") != std::string::npos; }
};

struct ShardOwnerRow {
  ShardId shard{};
  std::optional<NodeId> node;
  Epoch epoch{};
};

struct HeartbeatAnswer {
  Timestamp database_now{};
  std::vector<NodeRow> nodes;  ///< all, ended leases too
  std::vector<ShardOwnerRow> shards;
  std::vector<NodeId> gone;  ///< whose process is proven gone although the lease runs (advisory-lock hint)
};

/// What the last rows of a failed run tell.
struct DeadLetterTrail {
  std::vector<JournalRow> journal;       ///< in order
  std::optional<std::string> job_state;  ///< of a job, which has no journal
};

/// A person gives a dead letter up.
struct DiscardRequest {
  std::string namespace_name;
  RunId run_id;
  std::string reason;
  std::string actor;
  std::optional<AuditEntry> audit;
};

// ---- what pages and the API read ---------------------------------------------------------------------------------

/// One run as reads see it: open or closed.
struct RunView {
  RunHeader header;
  RunState state = RunState::ready;
  std::string waiting_on = "[]";
  Payload output;
  std::optional<std::string> error;
  std::optional<std::string> cause;
  std::int32_t attempts = 0;
  std::optional<Timestamp> started_at;  ///< first work; nothing for a job that no worker has begun
  std::optional<Timestamp> closed_at;
  std::optional<Timestamp> wake_at;
  DeadLetter dead_letter = DeadLetter::none;
  std::optional<RunId> successor_run_id;
  std::optional<std::string> job_state;  ///< of a job; left out of lists
  std::optional<std::string> discarded;  ///< of a dead letter that was given up: JSON {"reason", "actor", "at"}
};

/// Filters of GET /v1/runs; empty members do not filter.
struct RunFilter {
  std::string namespace_name;
  std::vector<RunState> states;
  std::string workflow;
  std::optional<std::int32_t> version;
  std::string key;
  std::string error;
  std::string waiting_on;  ///< a kind of waiting_on
  std::string queue;       ///< of a job, or of a step that an open run waits for
  std::string handler;     ///< likewise
  std::optional<RunId> parent_run_id;
  std::map<std::string, std::string> attributes;  ///< name -> JSON text of the value
  std::optional<Timestamp> started_after;
  std::optional<Timestamp> started_before;
  std::string text;                ///< q: run id, key or workflow begins with it
  bool only_dead_letters = false;  ///< failed runs that nobody has dealt with
  std::int32_t limit = 50;
  std::string cursor;  ///< opaque, from the page before
};
struct RunPage {
  std::vector<RunView> items;
  std::optional<std::string> next_cursor;
};

/// One signal as reads see it, also one that was promised and waits in the inbox.
struct SignalView : SignalRow {
  std::optional<SignalLinkRow> link;  ///< what it was made from, and why
  /// What an operator sent in its place, the last of several; the copies of a broadcast are found by their origin.
  std::optional<SignalId> successor;
};

/// Filters of GET /v1/signals; empty members do not filter.
struct SignalFilter {
  std::string namespace_name;
  std::string name;
  std::string key;
  std::optional<SignalFate> fate;
  std::optional<RunId> run_id;     ///< that it was sent to or that met it
  std::optional<SignalId> origin;  ///< made from this one
  std::optional<Timestamp> received_after;
  std::optional<Timestamp> received_before;
  std::int32_t limit = 50;
  std::string cursor;
};
struct SignalPage {
  std::vector<SignalView> items;
  std::optional<std::string> next_cursor;
};

struct NamespaceRow {
  std::string name;
  Timestamp created_at{};
};
struct CreatedNamespace {
  NamespaceRow row;
  bool created = false;  ///< false: it existed
};

struct DeployRequest {
  std::string namespace_name;
  std::string name;
  std::string source;               ///< JSON text
  std::string checksum;             ///< equal checksums are the same definition
  std::optional<AuditEntry> audit;  ///< written when a version is created
};
struct DeployAnswer {
  std::int32_t version = 0;
  bool created = false;  ///< false: the newest version already is this text
};

struct WorkflowSummary {
  std::string name;
  std::vector<std::int32_t> versions;
};

}  // namespace orchestrator::store
