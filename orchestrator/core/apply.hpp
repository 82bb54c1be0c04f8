#pragma once

#include "orchestrator/core/run_data.hpp"

namespace orchestrator::core {

/// Changes a run by one history event: the only way a run changes, live and in replay. Evaluates nothing: events carry
/// the values. internal ("broken-history") when the event cannot follow; the run is then unusable.
Status apply(RunData& run, const HistoryEvent& event);

/// The Entered, Exited, Failed event types of a state type. Failed: TaskFailed for types that have none of their own.
EventType entered_event(language::StateType type);
EventType exited_event(language::StateType type);
EventType failed_event(language::StateType type);

/// Members of `HistoryEvent::details`, shared by whoever writes and reads them.
namespace detail {
inline constexpr const char* kRetryAt = "retry_at";    ///< microseconds: a failure that will be retried then
inline constexpr const char* kRetrier = "retrier";     ///< index of the retrier used
inline constexpr const char* kUntil = "until";         ///< microseconds: a time-out or a wait's end
inline constexpr const char* kNext = "next";           ///< a caught failure goes to this state
inline constexpr const char* kAssigned = "assigned";   ///< variables assigned
inline constexpr const char* kInquire = "inquire";     ///< true: unknown outcome, an inquiry follows
inline constexpr const char* kNonRetryable = "non_retryable";
inline constexpr const char* kDelay = "delay_us";      ///< least delay before a retry that an inquiry may allow
inline constexpr const char* kWorker = "worker";
inline constexpr const char* kNames = "names";
inline constexpr const char* kKey = "key";
inline constexpr const char* kRunId = "run_id";
inline constexpr const char* kState = "state";
inline constexpr const char* kIndex = "index";
inline constexpr const char* kParent = "parent";
inline constexpr const char* kOutcome = "outcome";
inline constexpr const char* kTimeoutSeconds = "timeout_seconds";
inline constexpr const char* kHeartbeatSeconds = "heartbeat_seconds";
}  // namespace detail

}  // namespace orchestrator::core
