#pragma once

#include <memory>

#include "handlers/http_client.hpp"
#include "orchestrator/handler/handler.hpp"

namespace orchestrator::handlers {

/// Longest `timeout_seconds` of one call.
inline constexpr double kMaxHttpTimeoutSeconds = 300;

struct HttpRequestSettings {
  bool allow_private = false;
  std::shared_ptr<TlsTrust> trust;  ///< null: the system's authorities, loaded for each https call
};

/// The handler `http.request {method, url, headers?, body?, timeout_seconds?}` → `{status, headers, body}`.
/// A string body is sent as it is, any other value as JSON. Errors: http_outcome.hpp.
HandlerEntry http_request_handler(HttpRequestSettings settings);

}  // namespace orchestrator::handlers
