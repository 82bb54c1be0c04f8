#include "api/operation_body.hpp"

#include <utility>
#include <vector>

#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/run_filter.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

using store::OperationAction;

/// What each action can be told; anything else is unknown.
Json read_arguments(Json given, OperationAction action, std::vector<FaultDetail>& faults) {
  ObjectReader reader(given, "/arguments", faults);
  Json arguments = Json::object();
  if (action == OperationAction::cancel) {
    if (const auto mode = reader.choice("mode", {"graceful", "compensate", "kill"})) arguments["mode"] = *mode;
  } else if (action == OperationAction::retry) {
    if (const auto from = reader.text("from_state", kMaxStateNameBytes)) arguments["from_state"] = *from;
    if (const Payload input = reader.any("input")) arguments["input"] = *input;
    if (const auto fresh = reader.boolean("new_idempotency_key")) arguments["new_idempotency_key"] = *fresh;
  }
  reader.finish();
  return arguments;
}

}  // namespace

Result<service::StartOperation> read_operation(const Call& call, Json& body) {
  std::vector<FaultDetail> faults;
  ObjectReader reader(body, "", faults);
  service::StartOperation start;
  start.namespace_name = call.namespace_name;
  start.actor = call.actor;
  start.role = call.role;
  const auto action =
      reader.required("action", reader.choice("action", {"cancel", "retry", "pause", "resume", "discard"}));
  start.action = store::parse_operation_action(action.value_or("")).value_or(OperationAction::cancel);
  start.reason = reader.required("reason", reader.text("reason", kMaxReasonBytes)).value_or("");
  if (reader.has("reason") && start.reason.empty()) reader.fault("reason", "too-short", "must say why");
  start.dry_run = reader.boolean("dry_run").value_or(false);
  start.rate_per_second = static_cast<std::int32_t>(
      reader.integer("rate_per_second", 1, kMaxOperationRate).value_or(kDefaultOperationRate));
  Json arguments = reader.object("arguments");
  Json filter = reader.object("filter");
  if (filter.is_null() && !reader.has("filter")) reader.fault("filter", "missing", "is required");
  reader.finish();
  if (action && arguments.is_object())
    start.arguments = make_payload(read_arguments(std::move(arguments), start.action, faults));
  if (filter.is_object()) {
    start.filter = read_run_filter(filter, "/filter", faults);
    start.asked_filter = make_payload(std::move(filter));
  }
  if (Status status = body_status(std::move(faults)); !status) return std::move(status).error();
  return start;
}

}  // namespace orchestrator::api
