#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/model/role.hpp"

namespace orchestrator::api {

struct Call;

/// One rule of a namespace: such an action needs a second person.
struct PolicyRule {
  std::string action;                  ///< one of kGuardedActions
  std::vector<std::string> workflows;  ///< only on runs of these; empty: of any. Not of decision.answer by key
  std::vector<std::string> decisions;  ///< of decision.answer: these, at least one
  std::int64_t over = 0;               ///< of operation.start: only when it would touch more than so many runs
  Role approver_role = Role::operator_;
  std::chrono::seconds expires_in{3'600};
};

/// What a rule may name.
inline constexpr std::string_view kGuardedActions[] = {"run.cancel",  "run.compensate",  "run.kill",       "run.retry",
                                                       "run.discard", "run.edit",        "run.skip",       "run.pause",
                                                       "run.resume",  "decision.answer", "operation.start"};

/// Reads `{rules: [...]}`; takes it apart. Every fault is noted.
std::vector<PolicyRule> read_policy(Json& body, std::vector<FaultDetail>& faults);
std::string rules_text(const std::vector<PolicyRule>& rules);
Json rules_json(const std::vector<PolicyRule>& rules);
/// From rules_text. What cannot be read, which would be a bug, guards nothing but is an error here.
Result<std::vector<PolicyRule>> rules_from(const std::string& text);

/// What a call would do, as far as its path and body tell; nothing when no rule could speak of it.
struct GuardedAction {
  std::string action;
  std::vector<std::string> also;        ///< of an operation: what it does to each run, as in "run.kill"
  std::string target;                   ///< a run's id, a decision's name, or what an operation does
  std::string reason;                   ///< as in the body
  std::string decision;                 ///< of decision.answer; empty: the one of `origin`
  std::optional<std::string> origin;    ///< the signal that is sent again, or elsewhere
  std::optional<std::string> run;       ///< whose workflow counts
  std::optional<std::string> workflow;  ///< known already
};
std::optional<GuardedAction> guarded_action_of(const Call& call);

/// The rules that speak of this action, whichever workflow it is.
std::vector<PolicyRule> rules_about(const std::vector<PolicyRule>& rules, const GuardedAction& action);

}  // namespace orchestrator::api
