#include "orchestrator/core/decision_answer.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/json_schema.hpp"

namespace orchestrator::core {

std::optional<Error> refusal_of_answer(const Run::OpenWait& wait, const Json& answer, Role sender) {
  if (!may_answer(sender, wait.answer_roles)) {
    std::string roles;
    for (const std::string& role : wait.answer_roles) roles += (roles.empty() ? "" : ", ") + role;
    Error refusal(ErrorCode::precondition_failed, "decision-role", "this decision is answered by: " + roles);
    refusal.members.emplace_back("roles", roles);
    return refusal;
  }
  if (wait.answer_schema) {
    auto faults = language::check_against_schema(answer, *wait.answer_schema);
    if (!faults.empty()) {
      Error refusal(ErrorCode::invalid_argument, "invalid-body", "the answer does not fit the decision's schema");
      refusal.faults = std::move(faults);
      return refusal;
    }
  }
  return std::nullopt;
}

}  // namespace orchestrator::core
