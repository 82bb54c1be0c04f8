#include "api/start_run_body.hpp"

#include <limits>

#include "api/limits.hpp"
#include "api/object_reader.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

service::OnConflict on_conflict_of(const std::optional<std::string>& text) {
  if (text == "return_existing") return service::OnConflict::return_existing;
  if (text == "cancel_existing") return service::OnConflict::cancel_existing;
  return service::OnConflict::reject;
}

service::OnClosed on_closed_of(const std::optional<std::string>& text) {
  if (text == "return_existing") return service::OnClosed::return_existing;
  if (text == "reject") return service::OnClosed::reject;
  return service::OnClosed::allow;
}

/// String without control characters, number or boolean.
bool is_attribute_value(const Json& value) {
  if (value.is_number() || value.is_boolean()) return true;
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() <= kMaxAttributeBytes && text.find('\0') == std::string::npos;
}

}  // namespace

Payload read_attributes(ObjectReader& reader, std::vector<FaultDetail>& faults) {
  Json attributes = reader.object("attributes");
  if (attributes.is_null()) return nullptr;
  if (attributes.size() > kMaxAttributes) {
    reader.fault("attributes", "out_of_range",
                 "must not have more than " + std::to_string(kMaxAttributes) + " members");
    return nullptr;
  }
  const std::string pointer = reader.pointer_to("attributes");
  for (const auto& [name, value] : attributes.items()) {
    if (name.empty() || name.size() > kMaxAttributeNameBytes || name.find('\0') != std::string::npos) {
      faults.push_back({.pointer = pointer, .code = "invalid", .message = "an attribute's name is 1 to 128 bytes"});
    } else if (!is_attribute_value(value)) {
      faults.push_back({.pointer = deeper_pointer(pointer, name),
                        .code = "wrong_type",
                        .message = "must be a string of at most 1024 bytes, a number or a boolean"});
    }
  }
  return make_payload(std::move(attributes));
}

service::StartRun read_start_run(Json& value, std::string pointer, std::vector<FaultDetail>& faults) {
  ObjectReader reader(value, std::move(pointer), faults);
  service::StartRun start;
  start.workflow = reader.required("workflow", reader.name("workflow")).value_or("");
  if (const auto version = reader.integer("version", 1, std::numeric_limits<std::int32_t>::max())) {
    start.version = static_cast<std::int32_t>(*version);
  }
  start.input = reader.any("input");
  start.key = reader.key("key");
  start.on_conflict = on_conflict_of(reader.choice("on_conflict", {"reject", "return_existing", "cancel_existing"}));
  start.on_closed = on_closed_of(reader.choice("on_closed", {"allow", "return_existing", "reject"}));
  start.run_at = reader.time("run_at");
  start.priority = static_cast<std::int32_t>(reader.integer("priority", -100, 100).value_or(0));
  start.attributes = read_attributes(reader, faults);
  start.timeout_seconds = reader.integer("timeout_seconds", 1, kMaxRunTimeoutSeconds);
  reader.finish();
  return start;
}

}  // namespace orchestrator::api
