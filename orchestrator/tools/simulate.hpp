#pragma once

#include <optional>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/language/evaluate.hpp"
#include "orchestrator/model/history_event.hpp"

/// What `orchestrator simulate` answers: a definition run by the real planner on a virtual clock, without a database.
namespace orchestrator::tools {

struct SimulateRequest {
  Json definition;
  std::optional<Json> input;  ///< nothing: {}
  /// {"version": 1, "now", "context", "tasks", "signals"}: what the outside would answer. docs/authoring.md tells it.
  /// An inquiry of state X takes its answers from the task entries named "X/Inquire".
  std::optional<Json> mocks;
  int max_steps = 10'000;       ///< decisions, and transitions within one, before the run is given up as ABORTED
  std::optional<RunId> run_id;  ///< nothing: kSimulatedRunId
};

/// What a simulated run is called, whatever its definition's file is.
inline constexpr const char* kSimulatedNamespace = "default";
inline constexpr const char* kSimulatedWorkflow = "simulated";
/// A run's id unless its request says another: a UUIDv7 of shard 0.
inline constexpr RunId kSimulatedRunId{{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1}};

/// Digests for the language's functions, as the server brings them.
language::Functions simulated_functions();

/// {"status": "SUCCEEDED"|"FAILED"|"TIMED_OUT"|"ABORTED", "output" | "error", "cause", "states_entered", "task_inputs",
/// "events", "virtual_seconds"}. ABORTED is also a run that waits for what the mocks never bring.
/// invalid_argument ("invalid-definition", with faults, or "invalid-mocks") when there is nothing to run.
Result<Json> simulate(const SimulateRequest& request);

/// The same with the run's history as the planner decided it.
struct SimulatedRun {
  Json report;  ///< what simulate() answers
  std::vector<HistoryEvent> events;
  language::DefinitionPtr definition;
};
Result<SimulatedRun> simulate_run(const SimulateRequest& request);

}  // namespace orchestrator::tools
