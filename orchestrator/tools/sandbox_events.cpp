#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/sandbox_providers.hpp"

namespace orchestrator::tools {

SandboxReply SandboxEvents::receive(const SandboxRequest& request) {
  const std::string id = request.header("webhook-id");
  const auto fault = world_.faults.take("events.receive", id);
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  const auto event = parse_json(request.body);
  if (id.empty() || !event || string_member(*event, "event_id") != id || is_fault(fault, Fault::refuse)) {
    return json_reply(422, {{"detail", "an event must carry its id"}});
  }
  if (received_.insert(id).second) world_.effects.count("event/" + id);
  return reply_after_effect(fault, json_reply(200, Json::object()));
}

}  // namespace orchestrator::tools
