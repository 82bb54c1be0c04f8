#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace orchestrator {

/// The states of a run; the enumerator, the SQL value and the JSON string are the same letters.
enum class RunState : std::uint8_t { ready, running, waiting, paused, succeeded, failed, cancelled, timed_out };

std::string_view to_string(RunState state);
std::optional<RunState> parse_run_state(std::string_view text);

/// succeeded, failed, cancelled or timed_out.
inline bool is_closed(RunState state) { return state >= RunState::succeeded; }

enum class RunKind : std::uint8_t { workflow, job };
std::string_view to_string(RunKind kind);
std::optional<RunKind> parse_run_kind(std::string_view text);

enum class CancelMode : std::uint8_t { graceful, compensate, kill };
std::string_view to_string(CancelMode mode);
std::optional<CancelMode> parse_cancel_mode(std::string_view text);

}  // namespace orchestrator
