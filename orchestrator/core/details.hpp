#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/core/scope.hpp"

/// Members of `HistoryEvent::details`, shared by whoever writes and reads them. docs/history-events.md lists them.
namespace orchestrator::core::detail {

inline constexpr const char* kRetryAt = "retry_at";        ///< microseconds: a failure that will be retried then
inline constexpr const char* kRetrier = "retrier";         ///< index of the retrier that allowed it
inline constexpr const char* kUntil = "until";             ///< microseconds: a time-out or a wait's end
inline constexpr const char* kNext = "next";               ///< a caught failure goes to this state
inline constexpr const char* kKeepsInput = "keeps_input";  ///< true: the output is the state's input, not written again
inline constexpr const char* kAssigned = "assigned";       ///< variables assigned
inline constexpr const char* kInquire = "inquire";         ///< true: unknown outcome, an inquiry follows
inline constexpr const char* kNonRetryable = "non_retryable";
inline constexpr const char* kDelay = "delay_us";  ///< least delay of a retry that an inquiry may allow
inline constexpr const char* kWorker = "worker";
inline constexpr const char* kNames = "names";
inline constexpr const char* kKey = "key";
inline constexpr const char* kRunId = "run_id";
inline constexpr const char* kState = "state";
inline constexpr const char* kIndex = "index";
inline constexpr const char* kParent = "parent";  ///< scope of the Map that an iteration belongs to
inline constexpr const char* kOutcome = "outcome";
inline constexpr const char* kTimeoutSeconds = "timeout_seconds";
inline constexpr const char* kHeartbeatSeconds = "heartbeat_seconds";
inline constexpr const char* kMaxConcurrency = "max_concurrency";
inline constexpr const char* kToleratedCount = "tolerated_failure_count";
inline constexpr const char* kToleratedPercentage = "tolerated_failure_percentage";
inline constexpr const char* kLength = "length";
inline constexpr const char* kMode = "mode";
inline constexpr const char* kReason = "reason";
inline constexpr const char* kActor = "actor";
inline constexpr const char* kRunAt = "run_at";  ///< microseconds: what waited for its moment waits for this one
inline constexpr const char* kPriority = "priority";
inline constexpr const char* kAttributes = "attributes";
inline constexpr const char* kSteps = "steps";  ///< by state name: what an operator set for its later attempts
inline constexpr const char* kRetry = "retry";
inline constexpr const char* kOperation = "operation_id";
inline constexpr const char* kFromState = "from_state";
inline constexpr const char* kNewIdempotencyKey = "new_idempotency_key";

/// The member, or null. The readers below answer nothing when the member is absent or of another type.
const Json* find(const HistoryEvent& event, const char* name);
std::optional<std::int64_t> number(const HistoryEvent& event, const char* name);
std::optional<double> real(const HistoryEvent& event, const char* name);
std::optional<Timestamp> time(const HistoryEvent& event, const char* name);
std::optional<std::string> text(const HistoryEvent& event, const char* name);
std::vector<std::string> texts(const HistoryEvent& event, const char* name);
bool flag(const HistoryEvent& event, const char* name);

}  // namespace orchestrator::core::detail

namespace orchestrator::core {

/// `{"Error": ..., "Cause": ...}` as Catch sees it: null for what was not said, and an empty cause for a time-out.
Payload error_output(const std::optional<std::string>& error, const std::optional<std::string>& cause);

/// A value as cause texts show it: a string without quotes, anything else as compact JSON.
std::string shown(const Json& value);

/// Path of what runs inside a scope's present state, without the index: "Outer" or, on later visits, "Outer#2".
std::string inner_path(const Scope& scope);

}  // namespace orchestrator::core
