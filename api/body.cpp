#include "api/body.hpp"

#include "orchestrator/base/json.hpp"

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

}  // namespace orchestrator::api
