#pragma once

#include <memory>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/run_events.hpp"
#include "orchestrator/store/store.hpp"

namespace orchestrator::service {

/// Follows the feed while somebody follows it here: one look for all, every kFeedInterval. The nodes need not know of
/// each other for that; what each of them commits is in the same feed.
class EngineRunEvents final : public RunEvents {
 public:
  EngineRunEvents(runtime::Node& node, store::Store& store, const core::Planner& planner);
  ~EngineRunEvents() override;

  Result<std::uint64_t> follow(EventInterest interest, Told told) override;
  void leave(std::uint64_t ticket) override;

 private:
  struct Core;
  // Shared with looks that are under way.
  std::shared_ptr<Core> core_;
};

}  // namespace orchestrator::service
