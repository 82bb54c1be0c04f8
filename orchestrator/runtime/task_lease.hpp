#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/run_state.hpp"

namespace orchestrator::runtime {

/// What a remote worker is answered about a task that it holds.
struct TaskAnswer {
  RunId run_id;
  RunState state = RunState::running;
  bool cancel_requested = false;
  Timestamp lease_expires_at{};  ///< only of a heartbeat
};

/// A remote worker's time-limited hold of a task, from the claim until its end is committed. Only on the owner's
/// strand.
struct TaskLease {
  std::string worker;
  std::uint64_t hand_out = 0;  ///< what its token says; another one is stale
  Duration length{};           ///< each heartbeat renews by this
  Duration ends_at{};          ///< steady clock
  bool is_lost = false;        ///< it ended, and that is being written: nothing counts any more
  bool is_adopted = false;     ///< from the table, after a take-over: its time-out is not watched yet
  /// Who reported the outcome, answered once it is committed. More than one: the first answer was lost on its way.
  std::vector<std::function<void(Result<TaskAnswer>)>> reporters;
};

}  // namespace orchestrator::runtime
