#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/store/store.hpp"
#include "orchestrator/tools/simulate.hpp"

namespace orchestrator::app {

/// `simulate --store`: the run once more through the real engine, which must come to the same end.
struct EngineSimulation {
  /// Its `context` is the engine's own: that of the mocks file is left out on both sides.
  tools::SimulateRequest what;
  /// Opens the store for one life of the node. Called again, over the same data, after each kill.
  std::function<Result<std::unique_ptr<store::Store>>(std::function<Timestamp()> now)> open_store;
  /// Sets the run's id apart from those of earlier simulations on the same data. Nothing: always the same id.
  std::optional<std::uint64_t> seed;
  /// Kills the node after every commit that wrote journal rows; the next life takes over.
  bool crash_at_every_event = false;
  /// Told one line for each kill. Empty: nobody asks.
  std::function<void(const std::string& line)> tell;
};

/// Where the engine first came to something else than the planner alone.
struct EngineDifference {
  std::string state;  ///< empty: not in a state
  std::string expected;
  std::string found;
};

struct EngineReport {
  Json expected;  ///< what tools::simulate() answers
  std::int32_t crashes = 0;
  std::optional<EngineDifference> difference;
};

/// Compares state, output and error, and what happened in each thread of control: the types of its history events with
/// the state that each belongs to. Left out is what only a take-over adds: TaskStarted and InquiryStarted, TaskLost, an
/// inquiry about an attempt that had not failed, the TaskScheduled after either, and an inquiry whose node died. Ids in
/// outputs count as equal.
/// Errors: those of simulate(), of the store, and of the deployment (a resource that the engine does not have).
Result<EngineReport> simulate_in_engine(const EngineSimulation& simulation);

}  // namespace orchestrator::app
