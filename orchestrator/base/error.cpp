#include "orchestrator/base/error.hpp"

namespace orchestrator {

ErrorTraits error_traits(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return {"invalid_argument", 422, false};
    case ErrorCode::not_found: return {"not_found", 404, false};
    case ErrorCode::already_exists: return {"already_exists", 409, false};
    case ErrorCode::conflict: return {"conflict", 409, false};
    case ErrorCode::precondition_failed: return {"precondition_failed", 409, false};
    case ErrorCode::ownership_lost: return {"ownership_lost", 503, true};
    case ErrorCode::resource_exhausted: return {"resource_exhausted", 429, true};
    case ErrorCode::unavailable: return {"unavailable", 503, true};
    case ErrorCode::deadline_exceeded: return {"deadline_exceeded", 503, true};
    case ErrorCode::cancelled: return {"cancelled", 503, true};
    case ErrorCode::outcome_unknown: return {"outcome_unknown", 503, true};
    case ErrorCode::internal: return {"internal", 500, false};
  }
  return {"internal", 500, false};
}

}  // namespace orchestrator
