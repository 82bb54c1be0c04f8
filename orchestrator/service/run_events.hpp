#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/model/history_event.hpp"
#include "orchestrator/model/run_state.hpp"

namespace orchestrator::service {

/// One history event as streams show it, made once for all who follow.
struct RunEvent {
  std::string id;  ///< follow(after) with it goes on behind this event
  std::string namespace_name;
  std::string workflow;
  EventType type = EventType::ExecutionStarted;
  std::optional<RunState> state;  ///< of the run, where the event tells
  /// JSON text: the history item, and in `run` whose it is. A value longer than kMaxStreamedValueBytes is left out, and
  /// its member named in `left_out`.
  std::string data;
};
using RunEventPtr = std::shared_ptr<const RunEvent>;

/// What a follower is told at once, in order.
struct EventNews {
  bool is_gap = false;              ///< before these, events were lost
  std::vector<RunEventPtr> events;  ///< of the namespace; none for a follower of one run
  std::string place;                ///< follow(after) with it goes on behind all of this
};

/// What somebody wants to hear of.
struct EventInterest {
  std::string namespace_name;
  /// Only this run, and only that something happened: its history says what.
  std::optional<RunId> run_id;
  /// Told about every second as well: a job's failures are in its row and not in the feed.
  bool is_job = false;
  std::string after;  ///< an event's id or a place; empty: from now on
};

/// Longest value of a member of a streamed event, as compact text.
inline constexpr std::size_t kMaxStreamedValueBytes = 16 * 1024;
/// What may have been written while one look at the feed was worked off; beyond it those who follow are told of a gap.
inline constexpr std::size_t kMaxEventsBehind = 5'000;
/// What one who comes back is told of at most.
inline constexpr std::size_t kMaxEventsCaughtUp = 50'000;

/// Committed events of all nodes, for as many as want to hear of them. Costs nothing while nobody does. Thread-safe.
class RunEvents {
 public:
  using Told = std::function<void(EventNews)>;
  virtual ~RunEvents() = default;

  /// First `told` of the place from which on it follows; on engine threads, never two calls at once.
  /// invalid_argument ("invalid-parameter") when `after` is no id of ours; one that is too old begins with a gap.
  virtual Result<std::uint64_t> follow(EventInterest interest, Told told) = 0;
  /// A call to `told` that is under way may still end.
  virtual void leave(std::uint64_t ticket) = 0;
};

/// The state in which an event leaves its run, where it tells.
std::optional<RunState> state_told_by(EventType type);

}  // namespace orchestrator::service
