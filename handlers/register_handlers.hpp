#pragma once

#include <memory>

#include "handlers/http_client.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// What handlers need from the configuration.
struct HandlerSettings {
  bool http_allow_private = false;
  std::shared_ptr<TlsTrust> trust;  ///< null: the system's authorities, loaded for each https call
};

/// The list of handlers that are always there. already_exists when a name is taken: the process refuses to start.
Status register_handlers(HandlerRegistry& registry, const HandlerSettings& settings);

}  // namespace orchestrator::handlers
