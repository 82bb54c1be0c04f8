#include "api/policy.hpp"

#include <algorithm>
#include <utility>

#include "api/call.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/router.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"

namespace orchestrator::api {
namespace {

std::vector<std::string> read_names(ObjectReader& reader, const char* name) {
  std::vector<std::string> names;
  const Json array = reader.array(name);
  if (!array.is_array()) return names;
  if (array.empty() || array.size() > kMaxPolicyNames) {
    reader.fault(name, "out_of_range", "must have 1 to " + std::to_string(kMaxPolicyNames) + " items");
  }
  for (const Json& item : array) {
    if (item.is_string() && is_valid_name(item.get_ref<const std::string&>())) {
      names.push_back(item.get<std::string>());
    } else {
      reader.fault(name, "invalid", "must be an array of names");
    }
  }
  return names;
}

PolicyRule read_rule(Json& value, const std::string& pointer, std::vector<FaultDetail>& faults) {
  ObjectReader reader(value, pointer, faults);
  PolicyRule rule;
  rule.action = reader.required("action", reader.text("action", 128)).value_or("");
  if (!rule.action.empty() && std::ranges::find(kGuardedActions, rule.action) == std::end(kGuardedActions)) {
    reader.fault("action", "invalid", "is no action that a rule can speak of");
  }
  const bool is_operation = rule.action == "operation.start";
  const bool is_decision = rule.action == "decision.answer";
  rule.workflows = read_names(reader, "workflows");
  rule.decisions = read_names(reader, "decisions");
  // An answer by key names no run: only the decision's name tells what it is about.
  if (is_decision && rule.decisions.empty()) reader.fault("decisions", "missing", "is required for decision.answer");
  if (!is_decision && !rule.decisions.empty()) reader.fault("decisions", "invalid", "is for decision.answer only");
  rule.over = reader.integer("over", 0, 1'000'000'000).value_or(0);
  if (!is_operation && rule.over > 0) reader.fault("over", "invalid", "is for operation.start only");
  if (const auto role = reader.choice("approver_role", {"operator", "developer", "admin"})) {
    rule.approver_role = *parse_role(*role);
  }
  rule.expires_in = std::chrono::seconds(
      reader.integer("expires_in_seconds", 1, kMaxApprovalSeconds).value_or(kDefaultApprovalSeconds));
  reader.finish();
  return rule;
}

std::string text_in(const Json& body, const char* member) {
  if (!body.is_object()) return {};
  const auto found = body.find(member);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string cancel_action(const Json& body) {
  const std::string mode = text_in(body, "mode");
  return mode == "kill" ? "run.kill" : mode == "compensate" ? "run.compensate" : "run.cancel";
}

/// Nothing for a dry run, which changes nothing.
std::optional<GuardedAction> operation_of(const Json& body) {
  if (body.is_object() && body.contains("dry_run") && body.at("dry_run") == true) return std::nullopt;
  GuardedAction action;
  action.action = "operation.start";
  action.target = text_in(body, "action");
  const Json none = Json::object();
  const auto arguments = body.is_object() ? body.find("arguments") : body.end();
  const auto filter = body.is_object() ? body.find("filter") : body.end();
  const bool is_cancel = action.target == "cancel";
  action.also = {is_cancel ? cancel_action(arguments == body.end() ? none : *arguments) : "run." + action.target};
  if (filter != body.end()) {
    if (const std::string workflow = text_in(*filter, "workflow"); !workflow.empty()) action.workflow = workflow;
  }
  return action;
}

struct GuardedRoute {
  std::string_view pattern;
  std::string_view action;
};

/// POST calls on one run that always are the same action.
constexpr GuardedRoute kRunRoutes[] = {{"/v1/runs/{id}/retry", "run.retry"},
                                       {"/v1/dead-letters/{id}/retry", "run.retry"},
                                       {"/v1/dead-letters/{id}/discard", "run.discard"},
                                       {"/v1/runs/{id}/edit", "run.edit"},
                                       {"/v1/runs/{id}/skip", "run.skip"},
                                       {"/v1/runs/{id}/pause", "run.pause"},
                                       {"/v1/runs/{id}/resume", "run.resume"}};

}  // namespace

std::vector<PolicyRule> read_policy(Json& body, std::vector<FaultDetail>& faults) {
  ObjectReader reader(body, "", faults);
  Json array = reader.array("rules");
  if (array.is_null() && !reader.has("rules")) reader.fault("rules", "missing", "is required");
  std::vector<PolicyRule> rules;
  if (array.is_array()) {
    if (array.size() > kMaxPolicyRules) {
      reader.fault("rules", "out_of_range", "must have at most " + std::to_string(kMaxPolicyRules) + " items");
    }
    for (std::size_t i = 0; i < std::min(array.size(), kMaxPolicyRules); ++i) {
      rules.push_back(read_rule(array[i], "/rules/" + std::to_string(i), faults));
    }
  }
  reader.finish();
  return rules;
}

Json rules_json(const std::vector<PolicyRule>& rules) {
  Json array = Json::array();
  for (const PolicyRule& rule : rules) {
    Json object = {{"action", rule.action},
                   {"approver_role", to_string(rule.approver_role)},
                   {"expires_in_seconds", rule.expires_in.count()}};
    if (!rule.workflows.empty()) object["workflows"] = rule.workflows;
    if (!rule.decisions.empty()) object["decisions"] = rule.decisions;
    if (rule.action == "operation.start") object["over"] = rule.over;
    array.push_back(std::move(object));
  }
  return array;
}

std::string rules_text(const std::vector<PolicyRule>& rules) { return dump_json(rules_json(rules)); }

Result<std::vector<PolicyRule>> rules_from(const std::string& text) {
  auto array = parse_json(text);
  if (!array) return array.error();
  std::vector<FaultDetail> faults;
  Json body = Json::object();
  body["rules"] = *std::move(array);
  auto rules = read_policy(body, faults);
  if (!faults.empty()) return fail(ErrorCode::internal, "the stored rules about second approvers cannot be read");
  return rules;
}

std::optional<GuardedAction> guarded_action_of(const Call& call) {
  if (call.request.method != "POST") return std::nullopt;
  const std::string& pattern = call.route->pattern;
  const auto route = std::ranges::find(kRunRoutes, pattern, &GuardedRoute::pattern);
  const bool is_cancel = pattern == "/v1/runs/{id}/cancel";
  const bool is_run_signal = pattern == "/v1/runs/{id}/signals/{name}";
  const bool is_signal = is_run_signal || pattern == "/v1/signals/{name}";
  const bool is_redirect = pattern == "/v1/signals/{id}/replay" || pattern == "/v1/signals/{id}/retarget";
  const bool is_operation = pattern == "/v1/operations";
  const bool is_run = route != std::end(kRunRoutes) || is_cancel;
  if (!is_run && !is_signal && !is_redirect && !is_operation) return std::nullopt;

  // A body that cannot be read is refused by the route itself.
  const auto read = call.request.body.empty() ? Result<Json>(Json::object()) : parse_json(call.request.body);
  const Json& body = read ? *read : Json();
  if (is_operation) {
    auto operation = operation_of(body);
    if (operation) operation->reason = text_in(body, "reason");
    return operation;
  }
  GuardedAction action;
  // Whatever it was sent to before: it answers what asks under its name now.
  if (is_redirect) {
    action.action = "decision.answer";
    action.decision = text_in(body, "name");
    action.origin = call.parameters.front();
    action.target = *action.origin;
    action.reason = text_in(body, "reason");
    if (const std::string run = text_in(body, "run_id"); !run.empty()) action.run = run;
    return action;
  }
  if (is_signal) {
    action.action = "decision.answer";
    action.decision = call.parameters.back();
    action.target = is_run_signal ? call.parameters.front() : action.decision;
    if (is_run_signal) action.run = call.parameters.front();
    return action;
  }
  action.action = is_cancel ? cancel_action(body) : std::string(route->action);
  action.target = call.parameters.front();
  action.run = call.parameters.front();
  action.reason = text_in(body, "reason");
  return action;
}

std::vector<PolicyRule> rules_about(const std::vector<PolicyRule>& rules, const GuardedAction& action) {
  std::vector<PolicyRule> found;
  for (const PolicyRule& rule : rules) {
    const bool is_it = rule.action == action.action || std::ranges::find(action.also, rule.action) != action.also.end();
    const bool is_other_decision =
        !rule.decisions.empty() && std::ranges::find(rule.decisions, action.decision) == rule.decisions.end();
    if (is_it && !is_other_decision) found.push_back(rule);
  }
  return found;
}

}  // namespace orchestrator::api
