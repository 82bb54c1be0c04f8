#include "api/body.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/telemetry/trace.hpp"

namespace orchestrator::api {
namespace {

/// The type without parameters and blanks.
std::string_view essence_of(std::string_view content_type) {
  std::string_view essence = content_type.substr(0, content_type.find(';'));
  while (!essence.empty() && (essence.back() == ' ' || essence.back() == '\t')) essence.remove_suffix(1);
  return essence;
}

}  // namespace

bool is_json_type(std::string_view content_type) {
  constexpr std::string_view kSuffix = "+json";
  const std::string_view essence = essence_of(content_type);
  if (essence.empty() || equals_ignoring_case(essence, "application/json")) return true;
  return essence.size() > kSuffix.size() &&
         equals_ignoring_case(essence.substr(essence.size() - kSuffix.size()), kSuffix);
}

bool is_yaml_type(std::string_view content_type) {
  constexpr std::string_view kSuffix = "+yaml";
  const std::string_view essence = essence_of(content_type);
  for (const char* type : {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"}) {
    if (equals_ignoring_case(essence, type)) return true;
  }
  return essence.size() > kSuffix.size() &&
         equals_ignoring_case(essence.substr(essence.size() - kSuffix.size()), kSuffix);
}

Result<Json> read_json(const Request& request) {
  if (!is_json_type(request.headers.value("Content-Type"))) {
    return fail(ErrorCode::invalid_argument, "unsupported-media-type", "Send the body as application/json");
  }
  return parse_json(request.body);
}

Result<Json> read_optional_json(const Request& request) {
  if (request.body.empty()) return Json(nullptr);
  return read_json(request);
}

std::string accepted_traceparent(const Request& request) {
  const auto text = request.headers.value("traceparent");
  return telemetry::is_valid_traceparent(text) ? std::string{text} : std::string{};
}

}  // namespace orchestrator::api
