#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/parse_state.hpp"
#include "orchestrator/language/schema_check.hpp"

namespace orchestrator::language {
namespace {

constexpr std::string_view kRoutable =
    "a Resource that can be deployed is handler:NAME[?queue=Q&priority=P], signal:NAME[|NAME2], decision:NAME, or "
    "workflow:NAME[?wait=false]";

std::optional<Resource> read_resource(FieldReader& fields) {
  const auto written = fields.required_text("Resource");
  if (!written || written->empty()) return std::nullopt;
  Result<Resource> resource = parse_resource(*written);
  if (resource) return *std::move(resource);
  fields.fault("Resource", resource.error().message, kInvalidResource);
  return std::nullopt;
}

void check_resource(const Resource& resource, const State& state, FieldReader& fields, const ParseContext& context) {
  using Kind = Resource::Kind;
  const bool routable = resource.kind != Kind::foreign && resource.kind != Kind::event;
  if (context.options.must_be_routable && !routable) {
    fields.fault("Resource", "'" + resource.text + "' cannot be routed here; " + std::string(kRoutable), kUnroutable);
  }
  if (context.options.express && (resource.waits_for_task_token || resource.runs_to_completion)) {
    fields.fault("Resource", "An EXPRESS state machine cannot wait with .sync or .waitForTaskToken");
  }
  if (resource.kind != Kind::foreign && fields.has("Credentials")) {
    fields.fault("Credentials", "'Credentials' means something for ARNs only", kUnsupportedField);
  }
  if (resource.replace && (context.block != 0 || !state.end)) {
    fields.fault(
        "Resource",
        "mode=replace closes the whole run: the state must have \"End\": true and cannot be inside a branch or Map");
  }
  const bool beats = resource.kind == Kind::handler || resource.kind == Kind::foreign;
  for (const std::string_view name : {"HeartbeatSeconds", "HeartbeatSecondsPath"}) {
    if (!beats && fields.has(name)) {
      fields.fault(name, "Nobody sends heartbeats for " + resource.text + "; use TimeoutSeconds", kUnsupportedField);
    }
  }
}

/// What signal and decision steps take from Parameters. Values with `.$` are known at run time only.
void check_wait_parameters(const State& state, FieldReader& fields, ParseContext& context) {
  const Json* parameters = fields.find("Parameters");
  if (parameters == nullptr || !parameters->is_object()) return;
  FieldReader entries(*parameters, fields.pointer_to("Parameters"), context);
  if (const Json* key = entries.find("key"); key != nullptr && !key->is_string() && !key->is_number()) {
    entries.fault("key", "'key' must be a string or a number");
  }
  if (const auto until = entries.text("until"); until && !parse_rfc3339(*until)) {
    entries.fault("until", "'until' must be an RFC 3339 time with 'T' and an offset");
  }
  const auto is_decision = [](const Resource::Awaited& awaited) { return awaited.is_decision; };
  if (std::ranges::none_of(state.resource.awaited, is_decision)) return;
  entries.text("title");
  if (const Json* schema = entries.object("schema")) {
    check_schema(*schema, entries.pointer_to("schema"), context.findings);
  }
  const Json* roles = entries.array("roles");
  if (roles != nullptr && !std::ranges::all_of(*roles, [](const Json& role) { return role.is_string(); })) {
    entries.fault("roles", "'roles' must be an array of strings");
  }
}

void parse_timeouts(State& state, FieldReader& fields) {
  state.timeout_seconds = fields.integer("TimeoutSeconds", 1, kMaxSeconds);
  state.timeout_seconds_path = fields.single_path("TimeoutSecondsPath");
  state.heartbeat_seconds = fields.integer("HeartbeatSeconds", 1, kMaxSeconds);
  state.heartbeat_seconds_path = fields.single_path("HeartbeatSecondsPath");
  fields.at_most_one({"TimeoutSeconds", "TimeoutSecondsPath"});
  fields.at_most_one({"HeartbeatSeconds", "HeartbeatSecondsPath"});
  if (state.timeout_seconds && state.heartbeat_seconds && *state.heartbeat_seconds >= *state.timeout_seconds) {
    fields.fault("HeartbeatSeconds", "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'");
  }
}

void parse_inquire(State& state, FieldReader& fields, ParseContext& context) {
  const Json* source = fields.object("Inquire");
  if (source == nullptr) return;
  if (state.resource.kind != Resource::Kind::handler && state.resource.kind != Resource::Kind::workflow) {
    fields.fault("Inquire",
                 "'Inquire' means something for handler: and workflow: only, where an outcome can be unknown",
                 kUnsupportedField);
  }
  constexpr std::string_view kInquireFields[] = {"Resource", "Parameters"};
  FieldReader entries(*source, fields.pointer_to("Inquire"), context);
  entries.allow_only(kInquireFields);
  Inquiry inquiry;
  inquiry.parameters = entries.shape("Parameters");
  auto resource = read_resource(entries);
  if (!resource) return;
  if (resource->kind != Resource::Kind::handler) {
    entries.fault("Resource", "An inquiry is made by a handler: handler:NAME");
    return;
  }
  inquiry.resource = *std::move(resource);
  state.inquire = std::move(inquiry);
}

}  // namespace

void parse_task(State& state, FieldReader& fields, ParseContext& context) {
  parse_timeouts(state, fields);
  fields.object("Credentials");
  if (fields.has("Compensate")) {
    fields.fault("Compensate", "'Compensate' is not supported yet", kUnsupportedField);
  }
  auto resource = read_resource(fields);
  if (!resource) return;
  state.resource = *std::move(resource);
  check_resource(state.resource, state, fields, context);
  if (state.resource.kind == Resource::Kind::signal) check_wait_parameters(state, fields, context);
  parse_inquire(state, fields, context);
}

}  // namespace orchestrator::language
