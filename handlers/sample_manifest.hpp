#pragma once

#include <vector>

#include "orchestrator/base/error.hpp"
#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::samples {

/// What is wrong with the answers of an onboarding session, all at once; empty when they can be finalised. Pure.
std::vector<FaultDetail> check_answers(const Json& answers);

/// The business context made from valid answers: the same answers give the same document. Pure.
Json build_business_context(const std::string& workspace_id, const Json& answers);

/// A summary by rule, for when no model answers in time. Pure.
std::string summarise_by_rule(const Json& business_context);

}  // namespace orchestrator::samples
