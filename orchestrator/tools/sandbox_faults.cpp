#include "orchestrator/tools/sandbox_faults.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "orchestrator/base/json.hpp"

namespace orchestrator::tools {

namespace {

constexpr std::array<std::pair<std::string_view, Fault>, 11> kFaults = {{
    {"delay", Fault::delay},
    {"timeout_before_effect", Fault::timeout_before_effect},
    {"timeout_after_effect", Fault::timeout_after_effect},
    {"drop_after_effect", Fault::drop_after_effect},
    {"drop", Fault::drop},
    {"too_many_requests", Fault::too_many_requests},
    {"server_error", Fault::server_error},
    {"duplicate", Fault::duplicate},
    {"bad_signature", Fault::bad_signature},
    {"wrong_amount", Fault::wrong_amount},
    {"refuse", Fault::refuse},
}};

/// Most faults that wait for one operation.
constexpr std::size_t kMaxScriptedFaults = 10'000;

Result<int> small_integer(const Json& entry, const char* name, int fallback) {
  const auto found = entry.find(name);
  if (found == entry.end()) return fallback;
  if (!found->is_number_integer() || found->get<std::int64_t>() < 0 || found->get<std::int64_t>() > 3'600'000) {
    return fail(ErrorCode::invalid_argument, std::string("'") + name + "' must be an integer from 0 to 3600000");
  }
  return found->get<int>();
}

}  // namespace

std::optional<Fault> parse_fault(std::string_view text) {
  const auto found = std::ranges::find(kFaults, text, [](const auto& known) { return known.first; });
  if (found == kFaults.end()) return std::nullopt;
  return found->second;
}

Status FaultScript::add(const Json& entry) {
  const std::string operation = string_member(entry, "operation");
  if (operation.empty()) return fail(ErrorCode::invalid_argument, "'operation' must name a provider's call");
  const auto kind = parse_fault(string_member(entry, "fault"));
  if (!kind) return fail(ErrorCode::invalid_argument, "no fault is called '" + string_member(entry, "fault") + "'");
  const auto times = small_integer(entry, "times", 1);
  if (!times) return times.error();
  const auto delay = small_integer(entry, "delay_ms", 1'000);
  if (!delay) return delay.error();
  const auto retry_after = small_integer(entry, "retry_after_seconds", 1);
  if (!retry_after) return retry_after.error();
  std::deque<ScriptedFault>& queue = faults_[operation];
  if (queue.size() >= kMaxScriptedFaults)
    return fail(ErrorCode::resource_exhausted, "too many faults for " + operation);
  queue.push_back({.fault = *kind,
                   .times = *times,
                   .key = string_member(entry, "key"),
                   .delay = std::chrono::milliseconds(*delay),
                   .retry_after_seconds = *retry_after});
  return {};
}

std::optional<ScriptedFault> FaultScript::take(const std::string& operation, const std::string& key) {
  const auto queue = faults_.find(operation);
  if (queue == faults_.end()) return std::nullopt;
  const auto meets = [&key](const ScriptedFault& fault) {
    return fault.times > 0 && (fault.key.empty() || fault.key == key);
  };
  const auto found = std::ranges::find_if(queue->second, meets);
  if (found == queue->second.end()) return std::nullopt;
  ScriptedFault taken = *found;
  if (--found->times == 0) queue->second.erase(found);
  return taken;
}

Json EffectCounts::as_json() const {
  Json json = Json::object();
  for (const auto& [key, count] : counts_) json[key] = count;
  return json;
}

std::optional<SandboxReply> reply_before_effect(const std::optional<ScriptedFault>& fault) {
  if (!fault) return std::nullopt;
  switch (fault->fault) {
    case Fault::timeout_before_effect: return SandboxReply{.fate = SandboxReply::Fate::hang};
    case Fault::drop: return SandboxReply{.fate = SandboxReply::Fate::drop};
    case Fault::server_error: return json_reply(500, {{"code", "INTERNAL_SERVER_ERROR"}});
    case Fault::too_many_requests: {
      SandboxReply reply = json_reply(429, {{"code", "TOO_MANY_REQUESTS"}});
      reply.headers.emplace_back("Retry-After", std::to_string(fault->retry_after_seconds));
      return reply;
    }
    default: return std::nullopt;
  }
}

SandboxReply reply_after_effect(const std::optional<ScriptedFault>& fault, SandboxReply reply) {
  if (is_fault(fault, Fault::delay)) reply.delay = fault->delay;
  if (is_fault(fault, Fault::timeout_after_effect)) reply.fate = SandboxReply::Fate::hang;
  if (is_fault(fault, Fault::drop_after_effect)) reply.fate = SandboxReply::Fate::drop;
  return reply;
}

bool is_fault(const std::optional<ScriptedFault>& fault, Fault kind) { return fault && fault->fault == kind; }

SandboxReply json_reply(int status, const Json& body) { return {.status = status, .body = dump_json(body)}; }

}  // namespace orchestrator::tools
