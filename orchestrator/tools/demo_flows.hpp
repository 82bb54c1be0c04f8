#pragma once

#include <string>
#include <vector>

#include "orchestrator/tools/demo_stage.hpp"

namespace orchestrator::tools {

/// A flow's script: plays one copy to its expected end.
using DemoScript = void (*)(DemoStage& stage);

struct NamedScript {
  const char* flow;
  DemoScript play;
};

/// wallet, dispute, marketplace, journey.
const std::vector<NamedScript>& demo_scripts();

/// Stock and agents that the marketplace copies need: input of the workflow sample-seed.
Json demo_seed(const std::string& tag);

}  // namespace orchestrator::tools
