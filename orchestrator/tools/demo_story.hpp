#pragma once

#include <string>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::tools {

/// A run's history in plain words, one line for each thing that happened, with the seconds since its start. Pure.
/// @param run as GET /v1/runs/{id} answers it
/// @param items history items in order
std::string tell_story(const Json& run, const Json& items);

}  // namespace orchestrator::tools
