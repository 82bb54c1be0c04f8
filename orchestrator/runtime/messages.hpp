#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/model/run_state.hpp"
#include "orchestrator/runtime/requests.hpp"
#include "orchestrator/store/rows.hpp"

/// What shards tell each other through inbox rows. Each is deleted in the batch that has its effect.
namespace orchestrator::runtime {

/// To the child's shard: begin a child (or, without parent, a run or job that somebody asked for in a transaction).
/// Its body, kind `start`: {"request": {"namespace", "workflow", "version", "input", "key", "on_conflict", "on_closed",
/// "run_at_us", "priority", "attributes", "timeout_seconds", "traceparent", "id", "maybe_repeated", "job"}, "reply_to",
/// "step"}; absent means empty. `on_conflict` is 0 reject, 1 return_existing, 2 cancel_existing. Of a job `workflow` is
/// the handler, `key` the unique key, and `job` {"queue", "spec": {"max_attempts", "retry": {"kind", "initial_seconds",
/// "factor", "max_seconds", "jitter", "delays_seconds"}, "timeout_seconds", "order_key", "concurrency_key",
/// "rate_key"}, "unique_within_seconds", "delay_us"}: what is default is left out.
struct StartMessage {
  StartRequest request;
  ShardId reply_to{};  ///< the parent's shard
  EventId step = 0;    ///< the parent's step that is told that the child began; 0: nobody
  /// The id was acknowledged when the row was inserted (SQL): a start that cannot be is a closed run that says why.
  bool promised = false;
};

/// Many jobs that differ in their inputs only, promised like a StartMessage: {"promised": true, "request", "inputs"}.
/// Their ids are that of `first` with the place in the list in the last two bytes. None has a unique key.
struct StartJobsMessage {
  StartRequest first;
  std::vector<Payload> inputs;
};

/// To the parent's shard.
struct ChildStartedMessage {
  RunId parent;
  EventId step = 0;
  RunId child;
  std::string error;  ///< not empty: refused, with this error name
  std::string cause;
};
struct ChildEndedMessage {
  RunId parent;
  EventId step = 0;
  RunId child;
  RunState state = RunState::succeeded;
  Payload output;
  std::optional<std::string> error;
  std::optional<std::string> cause;
};

/// To the run's shard.
struct CancelMessage {
  RunId run_id;
  CancelMode mode = CancelMode::graceful;
  std::string reason;
  std::string actor{};                ///< empty: its parent
  std::string operation{};            ///< the bulk operation that asks; empty: none
  std::optional<AuditEntry> audit{};  ///< of a person's cancel, written with its effect
};

/// To the shard of the signal's key: a signal that was acknowledged when its row was inserted (webhooks, SQL).
struct SignalMessage {
  SignalRequest request;
};

/// To the shard of the wait's key: a run waits there, or no longer does.
struct WaitOpenedMessage {
  store::SignalWaitRow wait;
};
struct WaitEndedMessage {
  store::SignalWaitRef wait;
};

/// To the waiting run's shard: a signal is offered to one wait.
struct SignalOfferMessage {
  store::SignalRow signal;
};
/// Back to the signal's shard: accepted (consumed), declined (buffered again), or refused by an open decision
/// (rejected; the wait goes on).
struct SignalAnswerMessage {
  SignalId signal_id;
  std::string namespace_name;
  std::string key;
  RunId run_id;
  EventId step = 0;
  bool accepted = false;
  std::string refusal;  ///< why the decision does not take this answer; empty: it did not refuse
};

using Message =
    std::variant<StartMessage, ChildStartedMessage, ChildEndedMessage, CancelMessage, SignalMessage, WaitOpenedMessage,
                 WaitEndedMessage, SignalOfferMessage, SignalAnswerMessage, StartJobsMessage>;

/// The inbox row's `kind`, one stable word per alternative.
std::string message_kind(const Message& message);
std::string encode_message(const Message& message);
/// invalid_argument when kind or body are not ours.
Result<Message> decode_message(const std::string& kind, const std::string& body);

}  // namespace orchestrator::runtime
