#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/core/planner.hpp"

namespace orchestrator::runtime {

/// What a task token says: which attempt it is about, so that any node finds its owner, and which hand-out of it.
struct TaskToken {
  RunId run_id;
  core::TaskRef task;
  std::uint64_t hand_out = 0;  ///< random: a later hand-out of the same attempt has another one

  bool operator==(const TaskToken&) const = default;
};

/// The token as a worker gets it: 72 characters of `[A-Za-z0-9_-]`, sealed with the installation's secret so that
/// nobody can make one up.
std::string sealed_token(const TaskToken& token, std::string_view secret);

/// The reverse; nothing for text that no node of this installation has sealed.
std::optional<TaskToken> opened_token(std::string_view text, std::string_view secret);

}  // namespace orchestrator::runtime
