#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/model/job_spec.hpp"
#include "orchestrator/model/role.hpp"
#include "orchestrator/store/queries.hpp"

/// What the owner of a shard can be asked to do.
namespace orchestrator::runtime {

/// Called exactly once, on the owner's strand.
template <typename T>
using Reply = std::function<void(Result<T>)>;

enum class KeyConflict : std::uint8_t { reject, return_existing, cancel_existing };
enum class ClosedKey : std::uint8_t { allow, return_existing, reject };

struct StartRequest {
  std::string namespace_name;
  std::string workflow;      ///< of a job: its handler
  std::int32_t version = 0;  ///< 0: the newest
  Payload input;
  std::optional<std::string> key;  ///< of a job: its unique key
  KeyConflict on_conflict = KeyConflict::reject;
  ClosedKey on_closed = ClosedKey::allow;
  std::optional<Timestamp> run_at;
  std::int32_t priority = 0;
  Payload attributes;
  std::optional<std::int64_t> timeout_seconds;
  std::string traceparent;
  RunId id;                     ///< nil: made by the owner
  bool maybe_repeated = false;  ///< the id may exist already: look before starting
  std::optional<RunId> parent;
  EventId parent_step = 0;           ///< 0: detached
  std::optional<RunId> predecessor;  ///< continues this run as new
  std::optional<RunId> replaces;     ///< kill this one in the same batch; set by the owner
  /// Answer as soon as the start is in the pending batch, so that more can join it: only for callers on the strand,
  /// who answer nobody before the commit.
  bool answer_when_appended = false;
  /// Set: a job. Its `id` is on the shard of its unique, order, concurrency or rate key, which are one text.
  std::optional<JobStart> job;
};
struct StartAnswer {
  RunId run_id;
  std::string workflow;
  std::int32_t version = 0;
  std::optional<std::string> key;
  RunState state = RunState::ready;
  bool existing = false;
};

struct SignalRequest {
  std::string namespace_name;
  std::string name;
  std::optional<std::string> key;  ///< exactly one of key and run_id
  std::optional<RunId> run_id;
  SignalId signal_id;  ///< made by whoever accepted it
  std::string id;      ///< the sender's; never empty
  Payload payload;
  std::int64_t ttl_seconds = 7 * 24 * 3600;
  Role sender = Role::operator_;  ///< for decisions that ask who answers; a webhook counts as an operator
  std::string actor;              ///< who sent it, for the audit of a decision that it answers; may be empty
  struct Start {
    std::string workflow;
    Payload input;
  };
  std::optional<Start> start;
  bool broadcast = false;  ///< one copy for each run that waits for it now; only by key, and without start
};
struct SignalAnswer {
  SignalId signal_id;
  std::string fate;
  std::optional<RunId> run_id;
};

/// An operator sends a signal again, or elsewhere: a new one in its place.
struct RedirectRequest {
  std::string namespace_name;
  SignalId origin;
  store::SignalLinkKind kind = store::SignalLinkKind::replay;  ///< replay or retarget
  bool even_consumed = false;                                  ///< whatever became of it, and however often
  SignalId signal_id;                                          ///< of the new one, on the shard of its receiver
  std::string id;                                              ///< the new one's, as if a sender had chosen it
  std::string name;
  std::optional<std::string> key;  ///< exactly one of key and run_id
  std::optional<RunId> run_id;
  Role sender = Role::operator_;
  std::string reason;
  std::string actor;
  std::optional<AuditEntry> audit;
};

struct CancelRequest {
  std::string namespace_name;  ///< empty: from a message, already checked
  RunId run_id;
  CancelMode mode = CancelMode::graceful;
  std::string reason;
  std::string actor;
  std::optional<AuditEntry> audit;
  bool rehearse = false;    ///< only answer as if: nothing happens
  std::string operation{};  ///< the bulk operation that asks; empty: a person
};
struct CancelAnswer {
  RunState state = RunState::cancelled;
  CancelMode mode = CancelMode::graceful;  ///< that counts from now on: the stronger one of two
  Payload waited_on;                       ///< what the run waited on before: JSON items as in its `waiting_on`
};

struct RetryRequest {
  std::string namespace_name;
  RunId run_id;
  core::RetryAsked asked;
  bool only_dead_letter = false;  ///< refuse it when nobody need deal with the run any more
  std::optional<AuditEntry> audit;
  bool rehearse = false;  ///< only answer as if: nothing happens
};

/// An operator's edit, pause, resume or skip of an open run.
struct SteerRequest {
  std::string namespace_name;
  RunId run_id;
  core::Steering asked;
  std::optional<AuditEntry> audit;
  bool rehearse = false;  ///< only answer as if: nothing happens
};
struct SteerAnswer {
  RunState state = RunState::waiting;  ///< after the decision
};

struct GateRequest {
  std::string namespace_name;
  std::string scope;
  std::string key;
  std::string body_hash;
};
struct GateAnswer {
  std::optional<std::int32_t> status;  ///< set: replay
  std::string body;
  RunId reserved_id;
};
struct GateClose {
  std::string namespace_name;
  std::string scope;
  std::string key;
  std::int32_t status = 0;
  std::string body;
};

}  // namespace orchestrator::runtime
