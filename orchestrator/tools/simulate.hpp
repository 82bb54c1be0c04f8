#pragma once

#include <optional>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/result.hpp"

/// What `orchestrator simulate` answers: a definition run by the real planner on a virtual clock, without a database.
namespace orchestrator::tools {

struct SimulateRequest {
  Json definition;
  std::optional<Json> input;  ///< nothing: {}
  /// {"version": 1, "now", "context", "tasks", "signals"}: what the outside would answer. docs/authoring.md tells it.
  /// An inquiry of state X takes its answers from the task entries named "X/Inquire".
  std::optional<Json> mocks;
  int max_steps = 10'000;  ///< decisions, and transitions within one, before the run is given up as ABORTED
};

/// {"status": "SUCCEEDED"|"FAILED"|"TIMED_OUT"|"ABORTED", "output" | "error", "cause", "states_entered", "task_inputs",
/// "events", "virtual_seconds"}. ABORTED is also a run that waits for what the mocks never bring.
/// invalid_argument ("invalid-definition", with faults, or "invalid-mocks") when there is nothing to run.
Result<Json> simulate(const SimulateRequest& request);

}  // namespace orchestrator::tools
