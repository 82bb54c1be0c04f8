// What operators ask of a run, on its way from node to node.
#include "orchestrator/base/json.hpp"
#include "orchestrator/runtime/json_members.hpp"
#include "orchestrator/runtime/request_json.hpp"

namespace orchestrator::runtime {

using namespace members;

namespace {

constexpr const char* kEdit = "edit";
constexpr const char* kPause = "pause";
constexpr const char* kResume = "resume";
constexpr const char* kSkip = "skip";

Json held_json(const char* action, const std::string& operation) {
  Json object = {{"action", action}};
  put(object, "operation", operation);
  return object;
}

Json asked_json(const core::EditAsked& asked) {
  Json object = {{"action", kEdit}};
  put(object, "run_at_us", asked.run_at);
  if (asked.priority) object["priority"] = *asked.priority;
  put(object, "attributes", asked.attributes);
  if (asked.timeout_seconds) object["timeout_seconds"] = *asked.timeout_seconds;
  put(object, "variables", asked.variables);
  put(object, "steps", asked.steps);
  return object;
}

Json asked_json(const core::PauseAsked& asked) { return held_json(kPause, asked.operation); }

Json asked_json(const core::ResumeAsked& asked) { return held_json(kResume, asked.operation); }

Json asked_json(const core::SkipAsked& asked) {
  Json object = {{"action", kSkip}};
  put(object, "state_name", asked.state_name);
  put(object, "output", asked.output);
  return object;
}

core::EditAsked edit_from(const Json& object) {
  core::EditAsked asked;
  asked.run_at = get_time(object, "run_at_us");
  if (const auto priority = get_integer(object, "priority")) asked.priority = static_cast<std::int32_t>(*priority);
  asked.attributes = get_payload(object, "attributes");
  asked.timeout_seconds = get_integer(object, "timeout_seconds");
  asked.variables = get_payload(object, "variables");
  asked.steps = get_payload(object, "steps");
  return asked;
}

template <typename Held>
Held held_from(const Json& object) {
  Held asked;
  asked.operation = get_text(object, "operation");
  return asked;
}

core::Steering asked_from(const Json& object) {
  const std::string action = get_text(object, "action");
  if (action == kPause) return held_from<core::PauseAsked>(object);
  if (action == kResume) return held_from<core::ResumeAsked>(object);
  if (action == kSkip) {
    core::SkipAsked asked;
    asked.state_name = get_optional(object, "state_name");
    asked.output = get_payload(object, "output");
    return asked;
  }
  return edit_from(object);
}

}  // namespace

Json to_json(const SteerRequest& request) {
  return std::visit(
      [&](const auto& asked) {
        Json object = asked_json(asked);
        object["run_id"] = request.run_id.str();
        put(object, "namespace", request.namespace_name);
        put(object, "reason", asked.reason);
        put(object, "actor", asked.actor);
        put(object, "audit", request.audit);
        if (request.rehearse) object["rehearse"] = true;
        return object;
      },
      request.asked);
}

SteerRequest steer_request_from(const Json& object) {
  SteerRequest request{get_text(object, "namespace"), get_id<RunTag>(object, "run_id"), asked_from(object),
                       get_audit(object, "audit"), object.value("rehearse", false)};
  std::visit(
      [&](auto& asked) {
        asked.reason = get_text(object, "reason");
        asked.actor = get_text(object, "actor");
      },
      request.asked);
  return request;
}

Json to_json(const SteerAnswer& answer) { return {{"state", to_string(answer.state)}}; }

SteerAnswer steer_answer_from(const Json& object) {
  return {parse_run_state(get_text(object, "state")).value_or(RunState::waiting)};
}

}  // namespace orchestrator::runtime
