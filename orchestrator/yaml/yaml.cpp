#include "orchestrator/yaml/yaml.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "orchestrator/base/json.hpp"

namespace orchestrator::yaml {
namespace {

constexpr std::string_view kCoreTag = "tag:yaml.org,2002:";

/// Why a document cannot become JSON; thrown and caught inside this file, beside yaml-cpp's own exceptions.
struct Unconvertible {
  YAML::Mark mark;
  std::string why;
};

Unexpected malformed(const YAML::Mark& mark, const std::string& why) {
  std::string place;
  if (!mark.is_null())
    place = " (line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ")";
  return fail(ErrorCode::invalid_argument, "malformed-json", "not valid YAML: " + why + place);
}

std::optional<Json> as_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text;
  if (negative || text.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.size() == text.size() && (digits.starts_with("0x") || digits.starts_with("0o"))) {
    base = digits[1] == 'x' ? 16 : 8;
    digits.remove_prefix(2);
  }
  if (digits.empty() || digits[0] == '-' || digits[0] == '+') return std::nullopt;
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  if (parsed.ec != std::errc()) return std::nullopt;
  if (!negative) return Json(value);
  if (value > static_cast<std::uint64_t>(INT64_MAX) + 1) return std::nullopt;
  return Json(static_cast<std::int64_t>(0 - value));
}

std::optional<Json> as_float(std::string_view text) {
  if (text.find_first_of("0123456789") == std::string_view::npos) return std::nullopt;
  if (text.find_first_not_of("+-.eE0123456789") != std::string_view::npos) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return Json(value);
}

std::optional<Json> as_boolean(std::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);
  return std::nullopt;
}

bool is_unbounded_number(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" || text == ".NAN";
}

Json plain_scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (const auto boolean = as_boolean(text)) return *boolean;
  if (const auto integer = as_integer(text)) return *integer;
  if (const auto number = as_float(text)) return *number;
  if (is_unbounded_number(text)) throw Unconvertible{node.Mark(), "JSON has no number '" + text + "'"};
  return text;
}

/// `!!str 12` and the like.
Json tagged_scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  const std::string& tag = node.Tag();
  std::optional<Json> value;
  if (tag == "!" || tag == std::string(kCoreTag) + "str") value = Json(text);
  if (tag == std::string(kCoreTag) + "int") value = as_integer(text);
  if (tag == std::string(kCoreTag) + "float") value = as_float(text);
  if (tag == std::string(kCoreTag) + "bool") value = as_boolean(text);
  if (tag == std::string(kCoreTag) + "null" && (text.empty() || text == "null" || text == "~")) value = Json(nullptr);
  if (!value) throw Unconvertible{node.Mark(), "'" + text + "' with the tag '" + tag + "' is no JSON value"};
  return *std::move(value);
}

class Converter {
 public:
  Json convert(const YAML::Node& node, int depth) {
    if (depth > kMaxJsonDepth)
      throw Unconvertible{node.Mark(), "nested deeper than " + std::to_string(kMaxJsonDepth) + " levels"};
    if (++nodes_ > kMaxYamlNodes)
      throw Unconvertible{node.Mark(), "more than " + std::to_string(kMaxYamlNodes) + " values"};
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        return node.Tag() == "?" || node.Tag().empty() ? plain_scalar(node) : tagged_scalar(node);
      case YAML::NodeType::Sequence: {
        Json array = Json::array();
        for (const YAML::Node& element : node) array.push_back(convert(element, depth + 1));
        return array;
      }
      case YAML::NodeType::Map: return convert_map(node, depth);
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined: break;
    }
    return nullptr;
  }

 private:
  Json convert_map(const YAML::Node& node, int depth) {
    Json object = Json::object();
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) throw Unconvertible{entry.first.Mark(), "a key must be a text"};
      const std::string& key = entry.first.Scalar();
      if (object.contains(key)) throw Unconvertible{entry.first.Mark(), "the key '" + key + "' is repeated"};
      object[key] = convert(entry.second, depth + 1);
    }
    return object;
  }

  int nodes_ = 0;
};

}  // namespace

Result<Json> parse(const std::string& text) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() != 1) return malformed(YAML::Mark::null_mark(), "one document is expected");
    return Converter().convert(documents.front(), 1);
  } catch (const Unconvertible& failure) {
    return malformed(failure.mark, failure.why);
  } catch (const YAML::Exception& failure) {
    return malformed(failure.mark, failure.msg);
  }
}

}  // namespace orchestrator::yaml
