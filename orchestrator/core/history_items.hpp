#pragma once

#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/core/planner.hpp"

namespace orchestrator::core {

/// Turns journal events into history items for people and programs: fills in what the journal leaves out (inputs equal
/// to the predecessor's output, resource, idempotency key) by replaying. Feed all events of a run in order.
/// Each item: {seq, previous_seq, at, type, state_name?, input?, output?, error?, cause?, attempt?, ...}.
class HistoryItems {
 public:
  HistoryItems(const Planner& planner, RunHeader header, language::DefinitionPtr definition);
  ~HistoryItems();

  Result<std::vector<Json>> add(const std::vector<HistoryEvent>& events);

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace orchestrator::core
