#pragma once

#include <optional>
#include <string>

namespace orchestrator::api::webhooks {

/// The value of the environment variable, else the text of the file that `<variable>_FILE` names (without the line
/// break at its end). Nothing when neither is set or the file cannot be read.
std::optional<std::string> secret_from_environment(const std::string& variable);

}  // namespace orchestrator::api::webhooks
