#pragma once

#include "handlers/sample_settings.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/handler/handler.hpp"

namespace orchestrator::samples {

/// Adds the handlers of the shipped flows: the sample back end's (schema `backend`) and the providers'.
/// already_exists when a name is taken: the process refuses to start.
Status register_sample_handlers(HandlerRegistry& registry, const SampleSettings& settings);

}  // namespace orchestrator::samples
