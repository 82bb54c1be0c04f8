#pragma once

#include <chrono>
#include <string>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/tools/http_client.hpp"

namespace orchestrator::tools {

/// How long a server may be away before the demo gives up: it is killed and restarted in the middle on purpose.
inline constexpr std::chrono::seconds kAwayPatience{60};

/// JSON over HTTP, with patience: lost connections, 429 and 503 are tried again for kAwayPatience. Every request is
/// idempotent at the server (keys and signal ids), so a repeat is harmless. Blocking; safe from several threads.
class DemoClient {
 public:
  explicit DemoClient(ServerAccess access) : access_(std::move(access)) {}

  /// The answer's body. invalid_argument with the problem's detail for a 4xx, unavailable when the patience ends.
  Result<Json> get(const std::string& target) const;
  Result<Json> post(const std::string& target, const Json& body, const std::string& idempotency_key = {}) const;
  Result<Json> post_form(const std::string& target, const std::string& form) const;

 private:
  Result<Json> send(const ClientRequest& request) const;
  const ServerAccess access_;  // Fixed after construction.
};

}  // namespace orchestrator::tools
