#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator {

/// History event types, spelled as in the Amazon States Language service, plus ours in the same shape.
/// `docs/history-events.md` lists them with their members.
// clang-format off: its continuation lines never come to rest.
#define ORC_EVENT_TYPES(X) \
  X(ExecutionStarted) X(ExecutionSucceeded) X(ExecutionFailed) X(ExecutionTimedOut) X(ExecutionAborted) \
  X(TaskStateEntered) X(TaskStateExited) X(PassStateEntered) X(PassStateExited) X(ChoiceStateEntered) \
  X(ChoiceStateExited) X(WaitStateEntered) X(WaitStateExited) X(SucceedStateEntered) X(SucceedStateExited) \
  X(FailStateEntered) X(ParallelStateEntered) X(ParallelStateExited) X(MapStateEntered) X(MapStateExited) \
  X(TaskScheduled) X(TaskStarted) X(TaskSubmitted) X(TaskSucceeded) X(TaskFailed) X(TaskTimedOut) \
  X(ParallelStateStarted) X(ParallelStateSucceeded) X(ParallelStateFailed) X(MapStateStarted) \
  X(MapStateSucceeded) X(MapStateFailed) X(MapIterationStarted) X(MapIterationSucceeded) X(MapIterationFailed) \
  X(MapIterationAborted) X(EvaluationFailed) X(TaskLost) X(TaskSnoozed) X(TaskCancelled) X(InquiryScheduled) \
  X(InquiryStarted) X(InquiryAnswered) X(InquiryFailed) X(RetryDue) X(SignalAwaited) X(SignalConsumed) \
  X(SignalWaitEnded) X(ChildRequested) X(ChildStarted) X(ChildEnded) X(CancelRequested) X(RunRetried) \
  X(RunPaused) X(RunResumed) X(StepSkipped) X(RunEdited) X(CompensationStarted) X(CompensationSucceeded) \
  X(CompensationFailed)
// clang-format on

enum class EventType : std::uint8_t {
#define ORC_ENUMERATOR(name) name,
  ORC_EVENT_TYPES(ORC_ENUMERATOR)
#undef ORC_ENUMERATOR
};

std::string_view to_string(EventType type);
std::optional<EventType> parse_event_type(std::string_view text);

/// One thread of control inside a run: 0 is the run itself, others are Parallel branches and Map iterations, numbered
/// in the order in which they began.
using ScopeId = std::int32_t;

/// One appended fact about a run. Members that a type does not use stay empty and are not written.
struct HistoryEvent {
  EventId id = 0;        ///< dense from 1
  EventId previous = 0;  ///< causal link; usually id - 1, another one after branches
  Timestamp at{};
  EventType type = EventType::ExecutionStarted;
  ScopeId scope = 0;
  std::string state_name;  ///< written only where replay cannot know it (entered events)
  /// The input, output, parameters or result that the event carries; null: the value that the scope had before it
  /// (a state's input is its predecessor's output), which is how a plain step costs a hundred bytes.
  Payload value;
  std::optional<std::string> error;
  std::optional<std::string> cause;
  Payload details;  ///< an object with what only this type has; null when there is nothing
};

/// The text of one journal row: a JSON array with one compact object per event of one decision.
std::string encode_events(const std::vector<HistoryEvent>& events);

/// The reverse; `first` is the row's seq and `at` its time: that of its first event.
/// internal ("broken-history") when it is not the text of a row.
Result<std::vector<HistoryEvent>> decode_events(std::string_view text, EventId first, Timestamp at);

}  // namespace orchestrator
