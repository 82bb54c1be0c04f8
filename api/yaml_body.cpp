#include "api/yaml_body.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>

#include "api/limits.hpp"
#include "api/message.hpp"
#include "orchestrator/base/json.hpp"

namespace orchestrator::api {
namespace {

Error malformed(const YAML::Mark& mark, const std::string& why) {
  std::string message = "not valid YAML: " + why;
  if (!mark.is_null()) {
    message += " at line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1);
  }
  return Error(ErrorCode::invalid_argument, "malformed-json", std::move(message));
}

bool looks_like_number(const std::string& text) {
  const auto digits_from = text.find_first_not_of("+-");
  return digits_from <= 1 &&
         (std::isdigit(static_cast<unsigned char>(text[digits_from])) != 0 || text[digits_from] == '.');
}

/// A number of the core schema; null when the text is none.
Json number_of(const std::string& text) {
  if (text.empty() || text.find_first_not_of("+-") == std::string::npos || !looks_like_number(text)) return nullptr;
  const char* begin = text.data() + (text.front() == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [stopped, error] = std::from_chars(begin, end, integer); error == std::errc{} && stopped == end) {
    return integer;
  }
  double real = 0;
  const auto [stopped, error] = std::from_chars(begin, end, real);
  if (error == std::errc{} && stopped == end && std::isfinite(real)) return real;
  return nullptr;
}

Json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  Json number = number_of(text);
  return number.is_null() ? Json(text) : number;
}

class Converter {
 public:
  Result<Json> convert(const YAML::Node& node, int depth) {
    if (depth > kMaxJsonDepth) return malformed(node.Mark(), "nested deeper than 100 levels");
    if (++values_ > kMaxYamlValues) return malformed(node.Mark(), "too many values");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        // yaml-cpp tags what was quoted with "!".
        return node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str" ? Json(node.Scalar())
                                                                          : plain_scalar(node.Scalar());
      case YAML::NodeType::Sequence: return convert_sequence(node, depth);
      case YAML::NodeType::Map: return convert_map(node, depth);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined: break;
    }
    return Json(nullptr);
  }

 private:
  Result<Json> convert_sequence(const YAML::Node& node, int depth) {
    Json array = Json::array();
    for (const auto& item : node) {
      auto value = convert(item, depth + 1);
      if (!value) return value;
      array.push_back(std::move(*value));
    }
    return array;
  }

  Result<Json> convert_map(const YAML::Node& node, int depth) {
    Json object = Json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return malformed(entry.first.Mark(), "a map key must be a scalar");
      const std::string& key = entry.first.Scalar();
      if (object.contains(key)) return malformed(entry.first.Mark(), "the key " + key + " is repeated");
      auto value = convert(entry.second, depth + 1);
      if (!value) return value;
      object[key] = std::move(*value);
    }
    return object;
  }

  std::size_t values_ = 0;
};

}  // namespace

bool is_yaml_type(std::string_view content_type) {
  std::string_view essence = content_type.substr(0, content_type.find(';'));
  while (!essence.empty() && essence.back() == ' ') essence.remove_suffix(1);
  for (const char* type : {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"}) {
    if (equals_ignoring_case(essence, type)) return true;
  }
  return essence.size() > 5 && equals_ignoring_case(essence.substr(essence.size() - 5), "+yaml");
}

Result<Json> parse_yaml(const std::string& text) {
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.size() != 1) return malformed(YAML::Mark::null_mark(), "exactly one document is expected");
    Converter converter;
    auto value = converter.convert(documents.front(), 0);
    // The other way round it would only fail when it is written out again.
    if (value) return parse_json(dump_json(*value));
    return value;
  } catch (const YAML::Exception& e) {
    return malformed(e.mark, e.msg);
  }
}

}  // namespace orchestrator::api
