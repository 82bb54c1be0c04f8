#include "api/steer_body.hpp"

#include <algorithm>
#include <utility>

#include "api/body.hpp"
#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "api/path_parameter.hpp"
#include "api/start_run_body.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

/// An object; an empty body means an empty one.
Result<Json> read_command(const Call& call) {
  auto body = read_optional_json(call.request);
  if (body && body->is_null()) return Json(Json::object());
  return body;
}

std::string read_reason(ObjectReader& reader) { return reader.text("reason", kMaxReasonBytes).value_or(""); }

std::string require_reason(ObjectReader& reader) {
  return reader.required("reason", reader.text("reason", kMaxReasonBytes)).value_or("");
}

/// As the States Language wants them: a letter or an underscore, then those and digits.
bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_inner = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMaxVariableNameBytes && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), is_inner);
}

Payload read_variables(ObjectReader& changes, std::vector<FaultDetail>& faults) {
  if (!changes.has("variables")) return nullptr;
  Json variables = changes.object("variables");
  if (!variables.is_object()) return nullptr;
  const std::string pointer = changes.pointer_to("variables");
  for (const auto& [name, value] : variables.items()) {
    if (is_variable_name(name)) continue;
    faults.push_back({.pointer = deeper_pointer(pointer, name),
                      .code = "invalid",
                      .message = "a variable's name is letters, digits and underscores, at most 80 bytes"});
  }
  return make_payload(std::move(variables));
}

/// Checked like a start's, but for null: it takes an attribute away.
Payload read_changed_attributes(ObjectReader& changes, std::vector<FaultDetail>& faults) {
  Json given = changes.object("attributes");
  if (!given.is_object()) return nullptr;
  Json removed = Json::object();
  for (const auto& [name, value] : given.items()) {
    if (value.is_null()) removed[name] = nullptr;
  }
  for (const auto& [name, value] : removed.items()) given.erase(name);
  Json holder = {{"attributes", std::move(given)}};
  // The holder stands where `set` does: its faults point to the same places.
  ObjectReader reader(holder, "/set", faults);
  const Payload read = read_attributes(reader, faults);
  Json all = read ? *read : Json::object();
  all.update(removed);
  return make_payload(std::move(all));
}

void put(Json& object, const char* name, const std::optional<std::int64_t>& value) {
  if (value) object[name] = *value;
}
void put(Json& object, const char* name, const std::optional<double>& value) {
  if (value) object[name] = *value;
}

Json read_step_retry(Json value, const std::string& pointer, std::vector<FaultDetail>& faults) {
  const std::size_t before = faults.size();
  ObjectReader reader(value, pointer, faults);
  Json retry = Json::object();
  put(retry, "max_attempts", reader.integer("max_attempts", 0, kMaxStepAttempts));
  put(retry, "interval_seconds", reader.decimal("interval_seconds", 0, kMaxStepDelaySeconds));
  put(retry, "backoff_rate", reader.decimal("backoff_rate", 1, kMaxJobRetryFactor));
  put(retry, "max_delay_seconds", reader.decimal("max_delay_seconds", 0, kMaxStepDelaySeconds));
  if (retry.empty() && faults.size() == before) reader.fault("", "missing", "names nothing to change");
  reader.finish();
  return retry;
}

Payload read_steps(ObjectReader& changes, std::vector<FaultDetail>& faults) {
  Json given = changes.object("steps");
  if (!given.is_object()) return nullptr;
  if (given.empty() || given.size() > kMaxEditedSteps) {
    changes.fault("steps", "out_of_range", "names 1 to " + std::to_string(kMaxEditedSteps) + " states");
    return nullptr;
  }
  Json steps = Json::object();
  for (auto& [name, value] : given.items()) {
    const std::string pointer = deeper_pointer(changes.pointer_to("steps"), name);
    const std::size_t before = faults.size();
    ObjectReader reader(value, pointer, faults);
    Json step = Json::object();
    put(step, "timeout_seconds", reader.integer("timeout_seconds", 1, kMaxStepDelaySeconds));
    put(step, "heartbeat_seconds", reader.integer("heartbeat_seconds", 1, kMaxStepDelaySeconds));
    if (reader.has("retry")) {
      Json retry = reader.object("retry");
      if (retry.is_object()) step["retry"] = read_step_retry(std::move(retry), pointer + "/retry", faults);
    }
    if (step.empty() && faults.size() == before) reader.fault("", "missing", "names nothing to change");
    reader.finish();
    steps[name] = std::move(step);
  }
  return make_payload(std::move(steps));
}

core::EditAsked read_changes(Json& set, std::vector<FaultDetail>& faults) {
  core::EditAsked edit;
  ObjectReader changes(set, "/set", faults);
  edit.run_at = changes.time("run_at");
  if (const auto priority = changes.integer("priority", -100, 100))
    edit.priority = static_cast<std::int32_t>(*priority);
  edit.timeout_seconds = changes.integer("timeout_seconds", 1, kMaxRunTimeoutSeconds);
  edit.attributes = read_changed_attributes(changes, faults);
  edit.variables = read_variables(changes, faults);
  edit.steps = read_steps(changes, faults);
  const bool is_empty =
      !edit.run_at && !edit.priority && !edit.timeout_seconds && !edit.attributes && !edit.variables && !edit.steps;
  if (is_empty && faults.empty()) {
    changes.fault("", "missing", "needs run_at, priority, attributes, timeout_seconds, variables or steps");
  }
  changes.finish();
  return edit;
}

/// Reads the path and the body's envelope; `read` takes its members and answers what is asked.
template <typename Read>
Result<service::SteerRun> read_steering(const Call& call, Read read) {
  const auto run_id = run_id_parameter(call, 0);
  if (!run_id) return run_id.error();
  auto body = read_command(call);
  if (!body) return body.error();
  std::vector<FaultDetail> faults;
  ObjectReader reader(*body, "", faults);
  auto asked = read(reader, faults);
  asked.actor = call.actor;
  reader.finish();
  if (Status status = body_status(std::move(faults)); !status) return std::move(status).error();
  return service::SteerRun{call.namespace_name, *run_id, std::move(asked), call.role, call.is_rehearsal};
}

template <typename Asked>
Asked read_hold(ObjectReader& reader, std::vector<FaultDetail>& /*faults*/) {
  return Asked{.reason = read_reason(reader), .actor = {}};
}

core::EditAsked read_edit_body(ObjectReader& reader, std::vector<FaultDetail>& faults) {
  std::string reason = require_reason(reader);
  Json set = reader.object("set");
  if (set.is_null() && !reader.has("set")) reader.fault("set", "missing", "is required");
  core::EditAsked edit;
  if (set.is_object()) edit = read_changes(set, faults);
  edit.reason = std::move(reason);
  return edit;
}

core::SkipAsked read_skip_body(ObjectReader& reader, std::vector<FaultDetail>& /*faults*/) {
  core::SkipAsked skip;
  skip.reason = require_reason(reader);
  skip.output = reader.any("output");
  skip.state_name = reader.text("state_name", kMaxStateNameBytes);
  return skip;
}

}  // namespace

Result<service::SteerRun> read_pause(const Call& call) { return read_steering(call, read_hold<core::PauseAsked>); }

Result<service::SteerRun> read_resume(const Call& call) { return read_steering(call, read_hold<core::ResumeAsked>); }

Result<service::SteerRun> read_edit(const Call& call) { return read_steering(call, read_edit_body); }

Result<service::SteerRun> read_skip(const Call& call) { return read_steering(call, read_skip_body); }

}  // namespace orchestrator::api
