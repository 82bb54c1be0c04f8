#include "orchestrator/store/access.hpp"

#include <array>

namespace orchestrator::store {
namespace {

constexpr std::array<std::string_view, 5> kStates{"waiting", "approved", "done", "rejected", "expired"};

}  // namespace

std::string_view to_string(ApprovalState state) { return kStates[static_cast<std::size_t>(state)]; }

std::optional<ApprovalState> parse_approval_state(std::string_view text) {
  for (std::size_t i = 0; i < kStates.size(); ++i) {
    if (kStates[i] == text) return static_cast<ApprovalState>(i);
  }
  return std::nullopt;
}

}  // namespace orchestrator::store
