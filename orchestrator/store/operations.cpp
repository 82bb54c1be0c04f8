#include "orchestrator/store/operations.hpp"

#include <algorithm>
#include <array>

namespace orchestrator::store {
namespace {

constexpr std::array<std::string_view, 5> kActions{"cancel", "retry", "pause", "resume", "discard"};
constexpr std::array<std::string_view, 3> kStates{"running", "done", "stopped"};

template <typename Enumeration, std::size_t size>
std::optional<Enumeration> parsed(const std::array<std::string_view, size>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enumeration>(found - names.begin());
}

}  // namespace

std::string_view to_string(OperationAction action) { return kActions[static_cast<std::size_t>(action)]; }
std::optional<OperationAction> parse_operation_action(std::string_view text) {
  return parsed<OperationAction>(kActions, text);
}

std::string_view to_string(OperationState state) { return kStates[static_cast<std::size_t>(state)]; }
std::optional<OperationState> parse_operation_state(std::string_view text) {
  return parsed<OperationState>(kStates, text);
}

}  // namespace orchestrator::store
