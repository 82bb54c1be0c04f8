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

/// RunPaused (pause.cpp).
void apply_pause(RunData& run, const HistoryEvent& event);

/// RunEdited (edit.cpp).
Status apply_edit(RunData& run, const HistoryEvent& event);

}  // namespace orchestrator::core
