#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/core/dead_letter.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/model/job_spec.hpp"
#include "orchestrator/model/run_state.hpp"
#include "orchestrator/service/calendars.hpp"
#include "orchestrator/service/schedules.hpp"
#include "orchestrator/store/queries.hpp"

/// The use cases: the only door of the API, the command line and the flows into the engine.
namespace orchestrator::service {

/// Called exactly once, on an engine thread; the callee hops to where it belongs. A reply comes within the request's
/// deadline at the latest, as `unavailable` or `deadline_exceeded`.
template <typename T>
using Reply = std::function<void(Result<T>)>;

/// A caller's Idempotency-Key. Scope is method and path; the namespace comes beside it.
struct IdempotencyRef {
  std::string scope;  ///< "POST /v1/runs"
  std::string key;
  std::string body_hash;  ///< SHA-256 hex over the body as parsed JSON
};

/// The answer that is kept under an Idempotency-Key and repeated.
struct KeptAnswer {
  std::int32_t status = 0;
  std::string body;
};

/// What an Idempotency-Key says before the work is done. Errors: idempotency-mismatch (422, another body),
/// idempotency-in-flight (409, the first is still working).
struct IdempotencyGate {
  std::optional<KeptAnswer> replay;  ///< set: repeat it, do nothing
  RunId reserved_id;                 ///< else: do the work under this id (a run's id, or a batch's seed)
};

enum class OnConflict : std::uint8_t { reject, return_existing, cancel_existing };
enum class OnClosed : std::uint8_t { allow, return_existing, reject };

/// A run of a workflow, or a job when `job` is set: then `workflow` is the handler's name and `key` the unique key,
/// where on_conflict cancel_existing replaces a job that waits.
struct StartRun {
  std::string namespace_name;
  std::string workflow;
  std::optional<std::int32_t> version;  ///< nothing: the newest
  Payload input;
  std::optional<std::string> key;
  OnConflict on_conflict = OnConflict::reject;
  OnClosed on_closed = OnClosed::allow;
  std::optional<Timestamp> run_at;
  std::int32_t priority = 0;
  Payload attributes;  ///< object or null pointer
  std::optional<std::int64_t> timeout_seconds;
  std::string traceparent;
  std::optional<RunId> id;  ///< from an IdempotencyGate: starting the same id again answers the same
  std::optional<JobStart> job;
};
struct StartedRun {
  RunId run_id;
  std::string workflow;
  std::int32_t version = 0;
  std::optional<std::string> key;
  RunState state = RunState::ready;
  bool existing = false;  ///< on_conflict or on_closed return_existing found one
};

struct Deploy {
  std::string namespace_name;
  std::string name;
  Payload definition;
  Caller caller;
};
struct Deployed {
  std::string workflow;
  std::int32_t version = 0;
  std::string checksum;
  bool created = false;
  std::vector<std::string> warnings;
};

struct SendSignal {
  std::string namespace_name;
  std::string name;
  std::optional<std::string> key;  ///< exactly one of key and run_id
  std::optional<RunId> run_id;
  Payload payload;
  std::string id;                           ///< empty: made here
  std::optional<std::int64_t> ttl_seconds;  ///< default 7 days
  /// Signal with start: the run that begins when no open run of that workflow holds the key.
  struct Start {
    std::string workflow;
    Payload input;  ///< null pointer: the payload
  };
  std::optional<Start> start;
  Role sender = Role::operator_;  ///< decisions may ask for more; refused with `decision-role`
  std::string actor;              ///< for the audit of a decision that it answers
  /// A copy of its own for each run that waits for it at that moment; only by key, and without start.
  bool broadcast = false;
};
struct SentSignal {
  SignalId signal_id;
  std::string fate;  ///< delivered | buffered | started | duplicate | consumed | ...
  std::optional<RunId> run_id;
  bool final_fate = false;
};

/// An operator sends a signal again, or elsewhere: a new one in its place. What is not given stays as it was.
struct RedirectSignal {
  std::string namespace_name;
  SignalId signal_id;
  store::SignalLinkKind kind = store::SignalLinkKind::replay;  ///< replay or retarget
  std::string name;
  std::optional<std::string> key;  ///< at most one of key and run_id; a retarget names at least one thing
  std::optional<RunId> run_id;
  std::string id;  ///< of a replay: given, it may repeat what was consumed, or sent on before; counts once
  Role sender = Role::operator_;
  std::string reason;
  std::string actor;
};

struct CancelRun {
  std::string namespace_name;
  RunId run_id;
  CancelMode mode = CancelMode::graceful;
  std::string reason;
  std::string actor;
  Role role = Role::operator_;  ///< of the actor
  bool rehearse = false;        ///< only answer as if: nothing happens
  std::string operation{};      ///< the bulk operation that asks; it cancels a run once
};
struct CancelReceipt {
  RunId run_id;
  RunState state = RunState::cancelled;    ///< after the decision
  std::string will;                        ///< one sentence: what will happen
  CancelMode mode = CancelMode::graceful;  ///< that counts: the stronger one when it was being cancelled already
  Payload waited_on;  ///< what it waited on before: the items of its `waiting_on`; null when nobody could say
};

struct RetryRun {
  std::string namespace_name;
  RunId run_id;
  std::optional<std::string> from_state;
  Payload input;
  std::string reason;
  std::string actor;
  bool new_idempotency_key = false;
  bool only_dead_letter = false;  ///< wrong-state unless the run waits for somebody to deal with it
  Role role = Role::operator_;    ///< of the actor
  std::string operation{};        ///< the bulk operation that asks; it retries a run once
  bool rehearse = false;          ///< only answer as if: nothing happens
};
struct RetriedRun {
  RunId run_id;
  RunState state = RunState::ready;
};

/// An operator's edit, pause, resume or skip of an open run.
struct SteerRun {
  std::string namespace_name;
  RunId run_id;
  core::Steering asked;
  Role role = Role::operator_;  ///< of the actor
  bool rehearse = false;        ///< only answer as if: nothing happens
};
struct SteeredRun {
  RunId run_id;
  RunState state = RunState::waiting;  ///< after the decision
};

/// A failed run that waits for a person, with what its last events tell.
struct DeadLetterReading {
  store::RunView view;
  core::DeadLetterReason reason = core::DeadLetterReason::permanent;
  std::vector<core::DeadLetterAttempt> attempts;  ///< that failed, the last ones, oldest first
};
struct DeadLetterPage {
  std::vector<DeadLetterReading> items;
  std::optional<std::string> next_cursor;
};

/// One run as of now; `as_of` is set when it was read from the database because its owner did not answer in time.
struct RunReading {
  store::RunView view;
  std::optional<Timestamp> as_of;
};

struct HistoryPage {
  std::vector<Json> items;  ///< history items in order (core/history_items.hpp)
  std::optional<std::string> next_cursor;
  HistoryPage();
  ~HistoryPage();
  HistoryPage(HistoryPage&&) noexcept;
  HistoryPage& operator=(HistoryPage&&) noexcept;
};

struct ChangeQueue;  // queues.hpp
struct QueuePage;
struct QueueSettings;

struct NodeReading {
  std::string node_id;
  std::string url;
  Timestamp lease_until{};
  std::vector<std::int32_t> shards;
};

class Access;         // access.hpp
class Operations;     // operations.hpp
class RemoteWorkers;  // remote_workers.hpp
class RunEvents;      // run_events.hpp
class Webhooks;       // webhooks.hpp

/// Every method is thread-safe, returns at once and never throws.
class Service {
 public:
  virtual ~Service() = default;

  virtual void open_gate(std::string namespace_name, IdempotencyRef ref, Reply<IdempotencyGate> reply) = 0;
  /// Keeps a 2xx answer; for any other status the reservation is dropped so that the key may be tried again.
  virtual void close_gate(std::string namespace_name, IdempotencyRef ref, KeptAnswer answer, Reply<void> reply) = 0;

  /// Success when the namespace exists, at once when that is known here; forbidden when it does not.
  virtual void check_namespace(std::string name, Reply<void> reply) = 0;
  virtual void create_namespace(std::string name, Caller caller, Reply<store::CreatedNamespace> reply) = 0;
  virtual void list_namespaces(Reply<std::vector<store::NamespaceRow>> reply) = 0;

  virtual void deploy(Deploy request, Reply<Deployed> reply) = 0;
  virtual void find_definition(std::string namespace_name, std::string name, std::int32_t version,
                               Reply<store::DefinitionRow> reply) = 0;
  virtual void list_workflows(std::string namespace_name, Reply<std::vector<store::WorkflowSummary>> reply) = 0;

  virtual void start_run(StartRun request, Reply<StartedRun> reply) = 0;
  /// Answers parallel to the requests; one failed item fails none of the others. With `seed` (from a gate) the ids are
  /// derived from it, so that a repeat after a crash runs only what is missing.
  virtual void start_runs(std::vector<StartRun> requests, std::optional<RunId> seed,
                          Reply<std::vector<Result<StartedRun>>> reply) = 0;
  virtual void read_run(std::string namespace_name, RunId run_id, Reply<RunReading> reply) = 0;
  /// Answers when the run closed or after `wait`, with whatever it is then.
  virtual void wait_for_run(std::string namespace_name, RunId run_id, std::chrono::seconds wait,
                            Reply<RunReading> reply) = 0;
  virtual void list_runs(store::RunFilter filter, Reply<store::RunPage> reply) = 0;
  virtual void read_history(std::string namespace_name, RunId run_id, std::int32_t limit, std::string cursor,
                            Reply<HistoryPage> reply) = 0;

  /// Answers with the first fate, once it is durable.
  virtual void send_signal(SendSignal request, Reply<SentSignal> reply) = 0;
  /// Answers when the fate is final or after `wait`, with whatever it is then.
  virtual void wait_for_fate(SentSignal sent, std::chrono::seconds wait, Reply<SentSignal> reply) = 0;
  virtual void find_signal(std::string namespace_name, SignalId id, Reply<store::SignalView> reply) = 0;
  virtual void list_signals(store::SignalFilter filter, Reply<store::SignalPage> reply) = 0;
  /// Answers with the new signal, once it is durable. Errors: not_found; wrong-state when the old one was consumed, is
  /// being offered, or was sent on before; run-closed when its receiver is a run that is over.
  virtual void redirect_signal(RedirectSignal request, Reply<SentSignal> reply) = 0;

  /// `filter` as of list_runs. With a reason a page may be shorter than its limit, or empty, and still have a next one.
  virtual void list_dead_letters(store::RunFilter filter, std::optional<core::DeadLetterReason> reason,
                                 Reply<DeadLetterPage> reply) = 0;
  /// Answers with the run as it is then. Errors: not_found; wrong-state when it is no dead letter (any more).
  virtual void discard_dead_letter(store::DiscardRequest request, Reply<RunReading> reply) = 0;
  virtual void cancel_run(CancelRun request, Reply<CancelReceipt> reply) = 0;
  virtual void retry_run(RetryRun request, Reply<RetriedRun> reply) = 0;

  /// Errors: resource_exhausted when too many queues have settings.
  virtual void change_queue(ChangeQueue request, Reply<QueueSettings> reply) = 0;
  virtual void list_queues(std::string namespace_name, Reply<QueuePage> reply) = 0;
  /// Claims, and what remote workers say about their tasks.
  [[nodiscard]] virtual RemoteWorkers& remote_workers() = 0;
  virtual Schedules& schedules() = 0;
  virtual Calendars& calendars() = 0;
  /// Errors: not_found, run-closed, wrong-state, invalid-body (core/planner.hpp says when).
  virtual void steer_run(SteerRun request, Reply<SteeredRun> reply) = 0;

  /// Bulk operations.
  [[nodiscard]] virtual Operations& operations() = 0;

  /// Keys, policies and approvals.
  [[nodiscard]] virtual Access& access() = 0;
  /// Who did what, latest first.
  virtual void list_audit(store::AuditFilter filter, Reply<store::AuditPage> reply) = 0;

  /// The webhook inbox.
  [[nodiscard]] virtual Webhooks& webhooks() = 0;

  /// What happens to runs, for event streams.
  [[nodiscard]] virtual RunEvents& run_events() = 0;

  /// Performs what another node of this installation asks (runtime/owners.hpp); the answer is text for its caller.
  virtual void answer_peer(std::string operation, std::string body, Reply<std::string> reply) = 0;
  virtual void list_nodes(Reply<std::vector<NodeReading>> reply) = 0;
  /// Ready: owns or reaches shards, migrated, database answers, not draining.
  virtual void check_ready(Reply<void> reply) = 0;
};

}  // namespace orchestrator::service
