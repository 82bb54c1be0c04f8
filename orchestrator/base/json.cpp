#include "orchestrator/base/json.hpp"

#include <algorithm>

template class nlohmann::basic_json<>;

namespace orchestrator {

namespace {

/// Whether brackets nest deeper than kMaxJsonDepth; a scan of the bytes, so that hostile nesting is never built.
bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (nests_too_deep(text))
    return fail(ErrorCode::invalid_argument, "malformed-json", "JSON is nested deeper than 100 levels");
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::exception& e) {
    return fail(ErrorCode::invalid_argument, "malformed-json", std::string("not valid JSON: ") + e.what());
  }
}

std::string dump_json(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

const Json& json_of(const Payload& payload) {
  static const Json kNull = nullptr;
  return payload ? *payload : kNull;
}

std::string storable_text(std::string text) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\0'; };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  for (std::size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', at))
    text.replace(at, 1, "\xEF\xBF\xBD");
  // The writer replaces what is no UTF-8; reading it back gives the repaired text.
  return Json::parse(Json(std::move(text)).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

std::string string_member(const Json& object, const char* name, std::string fallback) {
  if (!object.is_object()) return fallback;
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

}  // namespace orchestrator
