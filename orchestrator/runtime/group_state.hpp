#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "orchestrator/core/planner.hpp"
#include "orchestrator/core/run.hpp"
#include "orchestrator/model/job_record.hpp"
#include "orchestrator/runtime/group_schedules.hpp"
#include "orchestrator/runtime/parked_jobs.hpp"
#include "orchestrator/runtime/requests.hpp"
#include "orchestrator/runtime/task.hpp"
#include "orchestrator/store/batch.hpp"
#include "orchestrator/store/data_error.hpp"
#include "orchestrator/store/queries.hpp"

/// What a shard group keeps in memory. Everything here is only touched on the group's strand.
namespace orchestrator::runtime {

/// What a job that did not go well all the way keeps beside its run. It has no journal that would tell.
struct JobNotes {
  std::string worker;  ///< who had the last attempt; empty when nobody is known to have begun
  std::vector<FailedAttempt> failures;
};

/// A run whose row differs from it for longer than this is written, so that pages tell the truth.
inline constexpr Duration kStaleRow = std::chrono::seconds{1};

/// A run that is doing something, or came to rest a short while ago. Runs at rest are written down, and forgotten when
/// kMaxResting others have come to rest after them.
struct RunEntry {
  explicit RunEntry(core::Run run_) : run(std::move(run_)) {}

  core::Run run;
  store::RunProgress row;                            ///< what the open_runs row says, pending writes included
  int uncommitted = 0;                               ///< decisions whose batch has not returned
  std::optional<RunId> successor;                    ///< continues as new
  bool committing = false;                           ///< a step's own transaction decides right now: events wait
  std::deque<std::function<void()>> waiting_events;  ///< what arrived while committing
  std::set<core::StepId> unmatched_waits;   ///< signal waits not yet compared with what is buffered: not at rest
  std::vector<store::SignalRow> addressed;  ///< buffered signals addressed to this run, oldest first
  bool addressed_loaded = true;             ///< false after a recovery, until the first wait asks
  /// (name, id) of what was accepted for this run while it is in memory: the table may not show it yet.
  std::map<std::pair<std::string, std::string>, SignalId> signal_ids;
  int rows_since_checkpoint = 0;
  std::size_t checkpoint_bytes = 0;
  std::optional<Timestamp> stale_since;   ///< since when the row differs from the run
  std::optional<Timestamp> explained_at;  ///< when it was last asked why it does not begin
  std::unique_ptr<JobNotes> job_notes;    ///< null for workflows, and for jobs that went well so far

  [[nodiscard]] bool is_job() const { return run.header().kind == RunKind::job; }
  /// A job with an order key: it stays in memory until it closes, since its place in the line is there.
  [[nodiscard]] bool is_ordered() const { return run.header().job != nullptr && !run.header().job->order_key.empty(); }
  /// Nothing is ready, in hand or half done: it may be written down and forgotten.
  [[nodiscard]] bool may_rest() const { return run.at_rest() && unmatched_waits.empty() && !is_ordered(); }
};

using MailboxKey = std::pair<std::string, std::string>;  ///< namespace, key

/// Signals that wait for one key, or for one run that they were sent to by its id. All of them are in memory while
/// something happens there. Over it a sender is told to try again, and what was promised before is rejected.
inline constexpr std::size_t kMaxPendingSignals = 10'000;
/// Runs that one broadcast reaches, each with a copy of its own; all copies are one batch.
inline constexpr std::size_t kMaxBroadcastRuns = 10'000;
/// Bytes of the payload times the runs that it reaches.
inline constexpr std::size_t kMaxBroadcastBytes = 64U << 20U;

/// Reasons of broadcasts that reached somebody, and nobody; a replay of one is a broadcast again.
inline constexpr const char* kBroadcastReason = "broadcast";
inline constexpr const char* kNoWaitReason = "no-wait";

/// Everything about one signal key while something happens to it. Operations run one at a time.
struct Mailbox {
  bool loaded = false;
  bool busy = false;
  int uncommitted = 0;
  std::deque<std::function<void(Mailbox&, std::function<void()> next)>> operations;
  std::deque<std::function<void()>> abandoned;  ///< run instead of the operations when the shard is dropped
  std::vector<store::SignalWaitRow> waits;      ///< oldest first
  std::deque<store::SignalRow> pending;         ///< buffered and delivered, oldest first
  /// (name, id) of what was accepted while this mailbox is in memory: the table may not show it yet.
  std::map<std::pair<std::string, std::string>, SignalAnswer> ids;
  /// (name, id) of every signal of the key that the table has, but for those in `ids`; nothing when they are too many
  /// to be remembered. Whoever comes with another one need not be looked for.
  std::optional<std::set<std::pair<std::string, std::string>>> stored_ids;
  std::uint64_t asked = 0;     ///< operations ever
  std::uint64_t finished = 0;  ///< of them
  /// Committed ids, each with the operations that were asked until then: those may have looked at the table too early.
  std::deque<std::pair<std::uint64_t, std::pair<std::string, std::string>>> forgettable;

  [[nodiscard]] std::deque<store::SignalRow>::iterator find_pending(SignalId id) {
    return std::find_if(pending.begin(), pending.end(), [&](const auto& row) { return row.signal_id == id; });
  }
  void forget_finished() {
    while (!forgettable.empty() && forgettable.front().first <= finished) {
      ids.erase(forgettable.front().second);
      if (stored_ids) stored_ids->insert(std::move(forgettable.front().second));
      if (stored_ids && stored_ids->size() > store::kMaxSenderIds) stored_ids.reset();
      forgettable.pop_front();
    }
  }
  /// Whether a look at the table would find nothing.
  [[nodiscard]] bool is_new(const std::pair<std::string, std::string>& sender) const {
    return loaded && stored_ids && !stored_ids->contains(sender);
  }
  [[nodiscard]] bool is_at_rest() const { return uncommitted <= 0 && !busy && operations.empty(); }
};

/// Runs, and mailboxes, that stay in the memory of a group while they rest; some kilobytes each.
inline constexpr std::size_t kMaxResting = 1'000;

/// One started or suspected task that waits until fewer suspects are in hand.
struct SuspectTask {
  RunId run_id;
  core::ScheduleTask command;
  std::shared_ptr<void> lane;  ///< of a job that may be parked: it counts as ready there until this is gone
};

struct HoldKey {
  RunId run_id;
  core::TaskRef task;
  auto operator<=>(const HoldKey&) const = default;
};

/// A gate that is open: the first request with that Idempotency-Key is at work.
struct OpenGate {
  store::IdempotencyRow row;
  Duration since{};  ///< steady clock
};

/// Requests that wait for one shard's recovery; further ones are told to try again. During a long outage of the
/// database callers come back every few seconds, and each would leave another one here.
inline constexpr std::size_t kMaxWaitingRequests = 10'000;

inline Unexpected crowded() {
  return fail(ErrorCode::unavailable, "too many requests wait for this shard's recovery; try again");
}

/// Too many signals wait for one key or run; another try may find room.
inline Error mailbox_full() {
  return {ErrorCode::resource_exhausted, "mailbox-full",
          "too many signals wait for this receiver; let some be consumed or expire first"};
}

/// Whether a message that met this error is tried again; any other error is its effect.
inline bool is_passing(const Error& error) {
  return error_traits(error.code).retryable || error.code == ErrorCode::internal;
}

/// What the database refuses to store for one subject, remembered so that it is not tried for ever.
struct Refusal {
  enum class Phase : std::uint8_t {
    doubted,     ///< a row that is there already: our memory may be at fault, reading again decides
    refused,     ///< the subject is set aside
    unwritable,  ///< not even the note about that can be written: it is left alone
  };
  std::string sqlstate;
  std::string message;
  Phase phase = Phase::doubted;
  Duration since{};  ///< steady clock

  [[nodiscard]] Error error() const {
    return Error(ErrorCode::invalid_argument, "unstorable-data", "the database refuses this data: " + message)
        .with("sqlstate", sqlstate);
  }
};

/// Refusals remembered per shard; the oldest id goes first. Each was a bug in the checks at the border.
inline constexpr std::size_t kMaxRefusals = 1'000;

/// What a step's remote attempts leave behind while it goes on: as the task_leases row says, pending writes included.
struct RemoteStep {
  std::optional<core::TaskRef> leased;  ///< the task whose lease the row keeps
  Payload heartbeat_details;            ///< for the next attempt; null pointer: none
};

struct Shard {
  enum class Phase : std::uint8_t { recovering, active };

  Shard(std::size_t max_ready_per_lane, ParkedJobs::Refill refill) : parked(max_ready_per_lane, std::move(refill)) {}

  store::ShardLease lease;
  Phase phase = Phase::recovering;
  Timestamp adopted_at{};        ///< when it came to this node
  std::uint64_t generation = 0;  ///< changes when memory is dropped: late answers find another one
  bool unclean = false;          ///< the last owner did not hand over: ready work is suspect
  bool leaving = false;          ///< on its way to another node: nothing new begins

  std::unordered_map<RunId, std::unique_ptr<RunEntry>> runs;
  ParkedJobs parked;            ///< ready jobs beyond those
  std::uint64_t forgotten = 0;  ///< runs that left memory: what was read before may be older than what they wrote
  std::unordered_map<RunId, std::vector<std::function<void(Result<RunEntry*>)>>> loading;
  /// (name, id) of signals sent to runs by id, where the run is not in memory to remember them: until every look-up
  /// that may have missed them is answered.
  std::map<RunId, std::map<std::pair<std::string, std::string>, SignalId>> recent_signal_ids;
  std::map<MailboxKey, std::unique_ptr<Mailbox>> mailboxes;
  std::set<SignalId> redirecting;  ///< an operator sends them on right now
  std::map<std::tuple<std::string, std::string, std::string>, RunId>
      open_keys;  ///< namespace, workflow, key of runs in memory
  std::map<std::tuple<std::string, std::string, std::string>, std::deque<std::function<void()>>> starting_keys;
  /// Open jobs with an order key, by namespace and key, and by their place: the first one is handed out.
  std::map<std::pair<std::string, std::string>, std::map<std::int64_t, RunId>> order_lines;
  std::map<std::tuple<std::string, std::string, std::string>, OpenGate> gates;  ///< namespace, scope, key
  ShardSchedules schedules;
  struct SeenMessage {
    Duration since{};      ///< steady clock
    bool is_done = false;  ///< its effect is committed, whatever becomes of our memory
  };
  std::map<MessageId, SeenMessage> seen_messages;  ///< handled or in hand: a reader may show them again

  /// Steps with a row in task_leases; read again by a recovery.
  std::map<std::pair<RunId, core::StepId>, RemoteStep> remote_steps;

  /// Survive a drop of memory: the workers are still at it.
  std::map<HoldKey, std::shared_ptr<TaskHold>> holds;

  /// Survive a drop of memory: tasks that nobody here has handed out, and that may have been in hand when the last
  /// owner died. Each until what follows from that is committed.
  std::set<HoldKey> suspected;

  /// Survive a drop of memory too: the recovery that follows sets these runs aside.
  std::map<store::Subject, Refusal> refused;

  /// Requests that came during recovery.
  std::deque<std::function<void()>> waiting_requests;
};

/// A message in hand. It counts only for the generation of memory that took it up: after a drop the recovery reads it
/// again, and a late continuation must not work a second time.
struct IncomingMessage : store::InboxRow {
  std::uint64_t generation = 0;
  Duration since{};  ///< steady clock: when it was taken up
};

/// Messages whose effect a piece of work is.
struct MessageRef {
  ShardId shard{};
  MessageId id;
  std::uint64_t generation = 0;
};

/// What the next flush writes, and what follows its commit.
struct Pending {
  struct After {
    ShardId shard;
    std::function<void(const Status&)> run;
    std::optional<store::Subject> subject;  ///< whose refusal this caller is told; others are told to try again
  };
  struct Ready {
    RunId run_id;
    core::ScheduleTask command;
  };

  store::Batch batch;
  std::set<ShardId> shards;
  /// Of each shard, when the batch was sent: memory may have been dropped by the time that its answer comes.
  std::map<ShardId, std::uint64_t> generations;
  std::vector<RunId> touched;  ///< one entry per decision
  std::vector<std::pair<ShardId, MailboxKey>> touched_mailboxes;
  std::vector<Ready> ready;
  std::vector<store::Batch::Outgoing> messages;  ///< copies of the batch's outgoing rows, to hand over in memory
  std::vector<After> after;
  std::unordered_map<RunId, std::size_t> opened_at;   ///< index into batch.opened
  std::unordered_map<RunId, std::size_t> updated_at;  ///< index into batch.updated

  [[nodiscard]] bool empty() const { return shards.empty() && after.empty(); }
};

}  // namespace orchestrator::runtime
