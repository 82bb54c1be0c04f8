#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/core/planner.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/language/evaluate.hpp"

namespace orchestrator::core {

/// Where a step is in its life. `docs/state-machine.md` prints the table of what may follow what.
enum class Phase : std::uint8_t {
  idle,       ///< the scope has not entered its first state
  entered,    ///< in a state that has asked for nothing outside yet
  scheduled,  ///< a task is ready or in a worker's hands
  awaiting,   ///< waits for a signal
  child,      ///< waits for a child run, or for news that it started
  sleeping,   ///< a Wait state
  retrying,   ///< waits for the moment of its next attempt
  inquiring,  ///< an inquiry is ready or in a worker's hands
  unsure,     ///< waits for the moment of its next inquiry
  branching,  ///< Parallel or Map: its inner scopes run
  succeeded,  ///< has a result, not yet exited
  failed,     ///< failed, neither retried nor caught yet (for good when the run is closed)
  exited,     ///< left its state, has not entered the next
  finished,   ///< the scope reached its end
  stopped,    ///< cut short by a sibling's failure or by the end of the run
};

std::string_view to_string(Phase phase);
std::optional<Phase> parse_phase(std::string_view text);

/// Who has a task right now; known in memory only, except where TaskStarted was recorded.
struct InHand {
  Timestamp since{};
  std::string worker;
};

/// A failure on its way through Retry and Catch.
struct Failure {
  std::optional<std::string> error;
  std::optional<std::string> cause;
  bool retryable = true;
  Duration delay{};  ///< at least this long before a retry
};

/// What a Map state knows about its iterations.
struct MapProgress {
  Payload items;
  std::int64_t started = 0;
  std::int64_t settled = 0;  ///< succeeded or failed
  std::int64_t failed = 0;
  std::int64_t max_concurrency = 0;  ///< effective, at least 1
  std::optional<std::int64_t> tolerated_count;
  std::optional<double> tolerated_percentage;
  std::vector<Payload> results;  ///< by item index; null while open
};

/// What a signal, decision or child step asked for.
struct Request {
  std::vector<std::string> names;  ///< signals; a child's workflow is the first
  std::optional<std::string> key;
  std::optional<RunId> child;  ///< once it has started
};

/// One entry of a state.
struct Step {
  StepId id = 0;
  std::int32_t visit = 0;             ///< counts entries of this state in its scope, from 1
  std::int32_t attempt = 0;           ///< highest attempt so far
  std::int32_t inquiry = 0;           ///< highest inquiry so far
  std::int32_t inquiry_failures = 0;  ///< failed or unanswered inquiries in a row; sets their delay
  std::int32_t losses = 0;            ///< workers that vanished with it, since the last retry
  std::int32_t retry_count = 0;       ///< retries by any retrier
  std::vector<std::int32_t> retries;  ///< by index of the retrier
  Timestamp entered_at{};
  Timestamp since{};             ///< when the present phase began
  std::optional<Timestamp> due;  ///< the phase's timer
  Payload input;                 ///< the state's raw input
  Payload task_input;            ///< of the task, wait or child
  Payload inquiry_input;
  std::optional<std::int64_t> timeout_seconds;
  std::optional<std::int64_t> heartbeat_seconds;
  bool start_recorded = false;  ///< TaskStarted is in the journal for the open attempt
  bool lost = false;            ///< the failure is a lost worker: handing out again does not use up Retry
  bool cut_off = false;         ///< stopped with an attempt out that can be inquired about: nobody knows what it did
  std::optional<InHand> in_hand;
  std::optional<Failure> failure;  ///< what the inquiry is about, or why the step failed
  std::unique_ptr<Request> request;
  std::unique_ptr<MapProgress> map;
  std::vector<ScopeId> inner;  ///< Parallel: by branch; Map: iterations that are open or failed
};

/// How often a state was entered in a scope, and with what, for idempotency keys and operator's retries.
struct Visited {
  const language::State* state = nullptr;
  std::int32_t count = 0;
  Payload input;  ///< of the latest entry; kept for the outermost scope only
};

/// A thread of control: the run itself, a Parallel branch, or a Map iteration; and the step it is in.
struct Scope {
  ScopeId id = 0;
  ScopeId parent = -1;
  std::int32_t index = 0;  ///< of the branch or item within the parent's state
  const language::StateMachine* machine = nullptr;
  Payload value;                  ///< what the newest event of the scope carried or left standing
  language::Variables variables;  ///< assigned in this scope; outer ones are found through `parent`
  EventId last = 0;               ///< newest event, the causal link of the next
  Phase phase = Phase::idle;
  const language::State* state = nullptr;      ///< entered last
  const language::State* resume_at = nullptr;  ///< exited: the state to enter next
  bool keeps_visit = false;                    ///< revived by an operator: the next entry is the same visit
  Step step;
  std::vector<Visited> visited;
  std::string path;  ///< "Outer[3]/" before the names of its states; empty for the run itself
  // Within one decision: how many states it entered, to stop loops that never rest.
  std::uint64_t burst_of = 0;
  std::int32_t burst = 0;

  [[nodiscard]] bool holds_task() const { return phase == Phase::scheduled || phase == Phase::inquiring; }
  /// Whether the timer of this phase ends a wait for somebody else: such a timer fires in a paused run, too.
  [[nodiscard]] bool may_time_out() const { return phase == Phase::awaiting || phase == Phase::child; }
};

}  // namespace orchestrator::core
