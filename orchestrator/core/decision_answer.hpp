#pragma once

#include <optional>

#include "orchestrator/base/error.hpp"
#include "orchestrator/core/run.hpp"
#include "orchestrator/model/role.hpp"

namespace orchestrator::core {

/// Why this answer does not end that wait, or nothing: it does. Only decisions ask anything of their answers.
/// `decision-role` when `sender` is none of the decision's roles, `invalid-body` with faults when the answer breaks its
/// schema.
std::optional<Error> refusal_of_answer(const Run::OpenWait& wait, const Json& answer, Role sender);

}  // namespace orchestrator::core
