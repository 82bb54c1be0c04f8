#pragma once

#include <string>
#include <vector>

namespace orchestrator::testing {

/// A small definition of the simulation.
struct SimulatedFlow {
  std::string name;
  std::string definition;
};

/// All of them. A run's input is `{"key": its key}`; signals go to that key.
///
/// | flow | shows | ends |
/// |---|---|---|
/// | `order` | steps, a wait, the signal `paid`, a child, a transactional step | by itself, once paid |
/// | `shipment` | the child of others | by itself |
/// | `sleeper` | a wait longer than every lease | by itself |
/// | `race` | the signal `go` against a time-out, then a loop over `go` and `stop` | on `stop` |
/// | `loop` | more journal rows than a checkpoint needs | by itself |
/// | `flaky` | Retry, Catch, time-outs | by itself |
/// | `stubborn` | attempts on both sides of a checkpoint, a dead letter | fails; succeeds after an operator's retry |
/// | `payment` | unknown outcomes and inquiries | by itself |
/// | `family` | Parallel with a child, Map | by itself |
/// | `guardian` | a child that waits for ever | cancelled |
/// | `ward` | that child | cancelled with its parent |
/// | `greeted` | started by its signal `hello` | by itself |
/// | `narrow` | steps of a queue that has a limit | by itself |
/// | `poison` | a step that kills its process | set aside |
const std::vector<SimulatedFlow>& simulated_flows();

}  // namespace orchestrator::testing
