#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/audit.hpp"

namespace orchestrator::store::postgres {

struct AuditVerdict {
  std::vector<AuditBreak> breaks;  ///< the first of each broken chain
  std::vector<AuditHead> heads;    ///< where the chains end, or break
  std::int64_t rows = 0;
};

/// Recomputes every chain of a database, in one snapshot of it, beside whatever servers do. `anchors` are places that
/// chains are known to have passed. Blocking; a connection of its own. Errors: unavailable, precondition_failed.
Result<AuditVerdict> verify_audit(const std::string& url, const std::vector<AuditHead>& anchors);

}  // namespace orchestrator::store::postgres
