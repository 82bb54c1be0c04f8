#include <string>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/tools/sandbox_providers.hpp"

namespace orchestrator::tools {

SandboxReply SandboxModel::generate(const SandboxRequest& request) {
  const auto fault = world_.faults.take("model.reduce", "");
  if (is_fault(fault, Fault::too_many_requests) && fault->retry_after_seconds == 0) {
    return json_reply(429, {{"error", {{"code", "insufficient_quota"}}}});
  }
  if (auto reply = reply_before_effect(fault)) return *std::move(reply);
  if (!parse_json(request.body)) return json_reply(400, {{"error", {{"status", "INVALID_ARGUMENT"}}}});
  const std::string digest = digest::to_hex(digest::hash(digest::Algorithm::sha256, request.body)).substr(0, 12);
  const bool declines = is_fault(fault, Fault::refuse);
  const Json candidate = {
      {"content", {{"parts", {{{"text", declines ? "" : "A business in one paragraph, " + digest + "."}}}}}},
      {"finishReason", declines ? "SAFETY" : "STOP"}};
  return reply_after_effect(
      fault, json_reply(200, {{"candidates", {candidate}}, {"usageMetadata", {{"totalTokenCount", 42}}}}));
}

}  // namespace orchestrator::tools
