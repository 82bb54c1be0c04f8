#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/model/role.hpp"
#include "orchestrator/model/run_header.hpp"
#include "orchestrator/model/run_state.hpp"

/// The rows of durable state, as plain values. Column for column what migrations/ say; no behaviour.
namespace orchestrator::store {

/// A shard together with the epoch under which it may be written.
struct ShardLease {
  ShardId shard{};
  Epoch epoch{};
  auto operator<=>(const ShardLease&) const = default;
};

/// All history events of one decision. Insert only; `seq` is the id of the first event.
struct JournalRow {
  ShardId shard{};
  RunId run_id;
  EventId seq = 0;
  Timestamp at{};
  std::string events;  ///< encode_events text
};

/// What changes about an open run while it lives.
struct RunProgress {
  RunState state = RunState::ready;
  std::optional<Timestamp> wake_at;  ///< its earliest timer; nothing when none
  std::string waiting_on = "[]";     ///< JSON array text, never empty while open
  bool at_rest = false;              ///< nothing ready or in hand: recovery need not load it
  std::int32_t attempts = 0;
  /// First work; of a job without job_state, which nobody has begun, when its only state was entered.
  std::optional<Timestamp> started_at;
  /// A job's encode_job_record; nothing for workflows, and for jobs that went well so far.
  std::optional<std::string> job_state;
};

/// `waiting_on` of a job that waits for its first worker, in its row: what else there is to say stands in its columns,
/// and hundreds of thousands of such rows come and go each second.
inline constexpr std::string_view kWaitsForWorker = R"([{"kind":"worker"}])";

/// What readers are shown: kWaitsForWorker of a job with all its members, anything else as it is.
std::string shown_waiting_on(const RunHeader& header, std::string waiting_on);

struct OpenRunRow {
  ShardId shard{};
  RunHeader header;
  RunProgress progress;
};

struct OpenRunUpdate {
  ShardId shard{};
  RunId run_id;
  RunProgress progress;
};

/// What an operator changed in an open run.
struct OpenRunEdit {
  ShardId shard{};
  RunId run_id;
  std::optional<Timestamp> run_at;
  std::int32_t priority = 0;
  Payload attributes{};  ///< null means {}
  std::optional<std::int64_t> timeout_seconds{};
};

/// What became of a failed run. `none`: not failed. `open`: a dead letter that waits for a person.
enum class DeadLetter : std::uint8_t { none, open, discarded };
std::string_view to_string(DeadLetter dead_letter);
std::optional<DeadLetter> parse_dead_letter(std::string_view text);

struct ClosedRunRow {
  ShardId shard{};
  RunHeader header;
  RunState state = RunState::succeeded;
  Payload output;
  std::optional<std::string> error;
  std::optional<std::string> cause;
  std::int32_t attempts = 0;
  std::optional<Timestamp> started_at;
  Timestamp closed_at{};
  DeadLetter dead_letter = DeadLetter::none;
  std::optional<RunId> successor_run_id;
  std::optional<std::string> job_state;  ///< as in RunProgress
};

/// State of a run when its journal since the last one passed about 20 rows.
struct CheckpointRow {
  ShardId shard{};
  RunId run_id;
  EventId next_event_id = 0;  ///< events below this are inside
  std::string state;          ///< Run::checkpoint as text
};

/// A remote worker's hold of a task, so that it outlives its owner; or what the last attempt's heartbeats said, for the
/// next one. One row per step.
struct TaskLeaseRow {
  ShardId shard{};
  RunId run_id;
  EventId step = 0;
  std::int32_t attempt = 1;
  bool inquiry = false;
  std::string worker;          ///< empty: nobody has it, the details wait for the next attempt
  std::uint64_t hand_out = 0;  ///< as in the worker's token
  Duration length{};           ///< each heartbeat renews by this
  Timestamp begun_at{};
  Timestamp expires_at{};
  Payload heartbeat_details;  ///< null pointer: none
  bool is_over = false;       ///< no column: the row is deleted
};

/// The fates of a signal, spelled as in the HTTP contract.
enum class SignalFate : std::uint8_t { delivered, buffered, consumed, expired, unmatched, rejected };
std::string_view to_string(SignalFate fate);
std::optional<SignalFate> parse_signal_fate(std::string_view text);

/// Every accepted signal, on the shard of its key (or of the run it is addressed to).
struct SignalRow {
  ShardId shard{};
  SignalId signal_id;
  std::string namespace_name;
  std::string name;
  std::optional<std::string> key;  ///< exactly one of key and addressed_run_id
  std::optional<RunId> addressed_run_id;
  std::string id;  ///< the sender's id, unique per namespace, name and key (or run)
  Payload payload;
  SignalFate fate = SignalFate::buffered;
  std::string reason;           ///< e.g. wait-ended, run-closed; empty when there is none
  bool was_expected = false;    ///< a wait or run for the key had existed (expired, not unmatched)
  std::optional<RunId> run_id;  ///< the run that it was offered to or consumed by
  EventId step = 0;             ///< the wait that it met
  std::string state_name;
  Timestamp received_at{};
  std::optional<Timestamp> settled_at;
  Timestamp expires_at{};
  /// What its sender may do, for decisions that ask. No column: it counts while the sender is being answered, and who
  /// sent what was buffered is an operator, the least that may send.
  Role sender = Role::operator_;
  std::string actor;  ///< who sent it, as `sender`; no column either
};

/// Why a signal was made from another one: a copy for one of many waiting runs, or sent again or elsewhere by an
/// operator.
enum class SignalLinkKind : std::uint8_t { broadcast, replay, retarget };
std::string_view to_string(SignalLinkKind kind);
std::optional<SignalLinkKind> parse_signal_link_kind(std::string_view text);

/// That a signal was made from another one. On the shard of its origin, written once.
struct SignalLinkRow {
  ShardId shard{};
  SignalId origin;
  SignalId signal_id;  ///< the new one
  SignalLinkKind kind = SignalLinkKind::replay;
  std::string reason;  ///< an operator's; empty for a broadcast
  std::string actor;
  Timestamp created_at{};
};

/// A run's open wait, registered on the shard of the wait's key.
struct SignalWaitRow {
  ShardId shard{};
  std::string namespace_name;
  std::string key;
  RunId run_id;
  EventId step = 0;
  std::vector<std::string> names;
  std::string state_name;
  Timestamp since{};
};

/// Names a wait to be removed.
struct SignalWaitRef {
  ShardId shard{};
  std::string namespace_name;
  std::string key;
  RunId run_id;
  EventId step = 0;
};

/// A message to a shard. Anybody may insert; only the owner deletes, in the batch that has its effect.
struct InboxRow {
  ShardId shard{};
  MessageId id;
  std::string kind;  ///< one of runtime/messages.hpp
  std::string body;  ///< JSON text
  Timestamp created_at{};
};

struct InboxRef {
  ShardId shard{};
  MessageId id;
};

/// A caller's Idempotency-Key: first a reservation (no answer yet), later the answer to repeat.
struct IdempotencyRow {
  ShardId shard{};
  std::string namespace_name;
  std::string scope;  ///< "POST /v1/runs"
  std::string key;
  std::string body_hash;    ///< SHA-256 hex over the canonical body
  std::string reserved_id;  ///< run id chosen at the reservation, or a batch's seed; may be empty
  std::int32_t status = 0;  ///< HTTP status of the kept answer; 0: still in flight
  std::string answer;       ///< body of the kept answer
  Timestamp created_at{};
};

struct DefinitionRow {
  std::string namespace_name;
  std::string name;
  std::int32_t version = 0;
  std::string checksum;  ///< SHA-256 hex over the canonical text
  std::string source;    ///< JSON text
  Timestamp created_at{};
};

}  // namespace orchestrator::store
