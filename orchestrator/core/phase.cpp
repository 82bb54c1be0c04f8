#include <array>

#include "orchestrator/core/scope.hpp"

namespace orchestrator::core {
namespace {

constexpr std::array<std::string_view, 15> kPhases{"idle",      "entered",  "scheduled", "awaiting", "child",
                                                   "sleeping",  "retrying", "inquiring", "unsure",   "branching",
                                                   "succeeded", "failed",   "exited",    "finished", "stopped"};

}  // namespace

std::string_view to_string(Phase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

std::optional<Phase> parse_phase(std::string_view text) {
  for (std::size_t i = 0; i < kPhases.size(); ++i) {
    if (kPhases[i] == text) return static_cast<Phase>(i);
  }
  return std::nullopt;
}

}  // namespace orchestrator::core
