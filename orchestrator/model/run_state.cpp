#include "orchestrator/model/run_state.hpp"

#include <array>

namespace orchestrator {
namespace {

constexpr std::array<std::string_view, 8> kRunStates{"ready",     "running", "waiting",   "paused",
                                                     "succeeded", "failed",  "cancelled", "timed_out"};
constexpr std::array<std::string_view, 2> kRunKinds{"workflow", "job"};
constexpr std::array<std::string_view, 3> kCancelModes{"graceful", "compensate", "kill"};

template <typename Enum, std::size_t Count>
std::optional<Enum> parse_in(const std::array<std::string_view, Count>& words, std::string_view text) {
  for (std::size_t i = 0; i < Count; ++i) {
    if (words[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(RunState state) { return kRunStates[static_cast<std::size_t>(state)]; }
std::optional<RunState> parse_run_state(std::string_view text) { return parse_in<RunState>(kRunStates, text); }
std::string_view to_string(RunKind kind) { return kRunKinds[static_cast<std::size_t>(kind)]; }
std::optional<RunKind> parse_run_kind(std::string_view text) { return parse_in<RunKind>(kRunKinds, text); }
std::string_view to_string(CancelMode mode) { return kCancelModes[static_cast<std::size_t>(mode)]; }
std::optional<CancelMode> parse_cancel_mode(std::string_view text) { return parse_in<CancelMode>(kCancelModes, text); }

}  // namespace orchestrator
