#pragma once

#include <string>

#include "orchestrator/base/result.hpp"

/// Failures of evaluation. The slug is the States error name, the message the text of the cause after its first
/// sentence, which the planner writes.
namespace orchestrator::language {

/// States.Runtime: every error of a path; cannot be caught.
inline Unexpected runtime_failure(std::string cause) {
  return fail(ErrorCode::precondition_failed, "States.Runtime", std::move(cause));
}

/// States.IntrinsicFailure of the call written as `call`.
inline Unexpected intrinsic_failure(const std::string& call, const std::string& why) {
  return fail(ErrorCode::precondition_failed, "States.IntrinsicFailure",
              "The function '" + call + "' had the following error: " + why);
}

}  // namespace orchestrator::language
