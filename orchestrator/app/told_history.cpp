#include "orchestrator/app/told_history.hpp"

#include <algorithm>

namespace orchestrator::app {
namespace {

constexpr const char* kWorkerLost = "Orchestrator.WorkerLost";

/// One thread of control while its events are told.
struct Teller {
  std::string state;
  EventType last_of_task = EventType::ExecutionStarted;
  bool asks_after_crash = false;  ///< an inquiry is under way that a take-over began
  bool goes_out_again = false;    ///< the next TaskScheduled repeats the one before
  bool asks_again = false;        ///< the next InquiryScheduled does

  /// Whether the event is the run's own.
  bool takes(const HistoryEvent& event) {
    if (!event.state_name.empty()) state = event.state_name;
    switch (event.type) {
      case EventType::TaskStarted:
      case EventType::InquiryStarted: return false;
      case EventType::TaskLost: goes_out_again = true; return false;
      case EventType::InquiryScheduled:
        if (std::exchange(asks_again, false)) return false;
        asks_after_crash = asks_after_crash || goes_out_again || last_of_task == EventType::TaskScheduled;
        return !asks_after_crash;
      case EventType::InquiryAnswered:
      case EventType::InquiryFailed:
        if (is_lost_inquiry(event)) {
          asks_again = true;
          return false;
        }
        if (!asks_after_crash) return true;
        asks_after_crash = false;
        goes_out_again = true;
        return false;
      case EventType::TaskScheduled: last_of_task = event.type; return !std::exchange(goes_out_again, false);
      default:
        last_of_task = event.type;
        goes_out_again = false;
        return true;
    }
  }
};

std::string text_of(const std::vector<ToldEvent>& events, std::size_t at) {
  if (at >= events.size()) return "nothing more";
  return std::string(to_string(events[at].type)) + (events[at].state.empty() ? "" : " in " + events[at].state);
}

std::optional<EngineDifference> compare(const std::vector<ToldEvent>& expected, const std::vector<ToldEvent>& found) {
  if (expected == found) return std::nullopt;
  const auto [here, there] = std::ranges::mismatch(expected, found);
  const auto at = static_cast<std::size_t>(here - expected.begin());
  EngineDifference difference;
  if (at < expected.size()) {
    difference.state = expected[at].state;
  } else {
    difference.state = found[at].state;
  }
  difference.expected = text_of(expected, at);
  difference.found = text_of(found, at);
  return difference;
}

std::vector<std::vector<ToldEvent>> beside_the_run(const ToldHistory& history) {
  std::vector<std::vector<ToldEvent>> threads;
  for (const auto& [scope, events] : history) {
    if (scope != 0) threads.push_back(events);
  }
  std::ranges::sort(threads);
  return threads;
}

}  // namespace

bool is_lost_inquiry(const HistoryEvent& event) {
  return event.type == EventType::InquiryFailed && event.error == kWorkerLost;
}

ToldHistory tell(const std::vector<HistoryEvent>& events) {
  std::map<ScopeId, Teller> tellers;
  ToldHistory history;
  for (const HistoryEvent& event : events) {
    Teller& teller = tellers[event.scope];
    if (teller.takes(event)) history[event.scope].push_back({event.type, teller.state});
  }
  return history;
}

std::size_t count_of(const ToldHistory& history) {
  std::size_t count = 0;
  for (const auto& [scope, events] : history) count += events.size();
  return count;
}

std::optional<EngineDifference> first_difference(const ToldHistory& expected, const ToldHistory& found) {
  const auto own = [](const ToldHistory& history) {
    const auto events = history.find(0);
    return events == history.end() ? std::vector<ToldEvent>{} : events->second;
  };
  if (auto difference = compare(own(expected), own(found))) return difference;
  const auto wanted = beside_the_run(expected);
  const auto had = beside_the_run(found);
  const std::vector<ToldEvent> nothing;
  for (std::size_t i = 0; i < std::max(wanted.size(), had.size()); ++i) {
    auto difference = compare(i < wanted.size() ? wanted[i] : nothing, i < had.size() ? had[i] : nothing);
    if (difference) return difference;
  }
  return std::nullopt;
}

}  // namespace orchestrator::app
