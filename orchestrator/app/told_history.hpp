#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/app/engine_simulation.hpp"
#include "orchestrator/model/history_event.hpp"

namespace orchestrator::app {

/// One event as two histories of the same run share it, whatever crashed in between.
struct ToldEvent {
  EventType type = EventType::ExecutionStarted;
  std::string state;  ///< that its thread of control is in
  auto operator<=>(const ToldEvent&) const = default;
};

/// The node died while it asked: the inquiry is repeated.
bool is_lost_inquiry(const HistoryEvent& event);

/// By thread of control; without what only a take-over adds (engine_simulation.hpp).
using ToldHistory = std::map<ScopeId, std::vector<ToldEvent>>;
ToldHistory tell(const std::vector<HistoryEvent>& events);
std::size_t count_of(const ToldHistory& history);

/// The first event that one has and the other has not. Threads beside the run's own are compared whatever their number
/// is: which of two branches begins first is nobody's promise.
std::optional<EngineDifference> first_difference(const ToldHistory& expected, const ToldHistory& found);

}  // namespace orchestrator::app
