#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/tools/sandbox_providers.hpp"

namespace orchestrator::tools {

SandboxReply SandboxMail::send(const SandboxRequest& request) {
  const std::string key = request.header("idempotency-key");
  const auto fault = world_.faults.take("mail.send", key);
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  const auto body = parse_json(request.body);
  if (!body || !body->contains("to") || is_fault(fault, Fault::refuse)) {
    return json_reply(422, {{"name", "validation_error"}});
  }
  const auto known = sent_.find(key);
  if (!key.empty() && known != sent_.end()) {
    if (known->second.body != request.body) return json_reply(409, {{"name", "invalid_idempotent_request"}});
    return reply_after_effect(fault, json_reply(200, {{"id", known->second.id}}));
  }
  const std::string id = "mail-" + std::to_string(sent_.size() + 1);
  sent_[key.empty() ? id : key] = {.body = request.body, .id = id};
  world_.effects.count("mail/" + (key.empty() ? id : key));
  return reply_after_effect(fault, json_reply(200, {{"id", id}}));
}

}  // namespace orchestrator::tools
