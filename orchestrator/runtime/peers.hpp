#pragma once

#include <string>

#include "orchestrator/runtime/requests.hpp"

namespace orchestrator::runtime {

/// How nodes of one installation call each other. Thread-safe; calls back exactly once, on any thread.
class PeerLink {
 public:
  virtual ~PeerLink() = default;
  /// Asks the node at `url` to perform an operation of `Owners::answer`.
  /// Errors: those of the operation; unavailable when it was certainly not performed; outcome_unknown when nobody
  /// knows.
  virtual void call(const std::string& url, const std::string& operation, std::string body,
                    Reply<std::string> reply) = 0;
};

}  // namespace orchestrator::runtime
