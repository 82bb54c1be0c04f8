#include "orchestrator/tools/authoring.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/evaluate.hpp"
#include "orchestrator/language/parse.hpp"
#include "orchestrator/language/repeated_members.hpp"
#include "orchestrator/yaml/yaml.hpp"

namespace orchestrator::tools {
namespace {

constexpr const char* kInvalidJson = "INVALID_JSON_DESCRIPTION";
constexpr const char* kInvalidYaml = "INVALID_YAML_DESCRIPTION";

Json report(const std::vector<language::Diagnostic>& diagnostics, bool valid) {
  Json list = Json::array();
  for (const language::Diagnostic& diagnostic : diagnostics) {
    list.push_back({{"severity", diagnostic.severity == language::Severity::error ? "ERROR" : "WARNING"},
                    {"code", diagnostic.code},
                    {"location", diagnostic.location},
                    {"message", diagnostic.message}});
  }
  return {{"valid", valid}, {"diagnostics", std::move(list)}};
}

}  // namespace

Json validate_report(const std::string& definition_text, bool is_yaml, bool express) {
  if (definition_text.find_first_not_of(" \t\r\n") == std::string::npos) {
    return report({{.code = "MISSING_DESCRIPTION", .location = "", .message = "The definition is empty"}}, false);
  }
  const Result<Json> source = is_yaml ? yaml::parse(definition_text) : parse_json(definition_text);
  if (!source) {
    return report({{.code = is_yaml ? kInvalidYaml : kInvalidJson, .location = "", .message = source.error().message}},
                  false);
  }
  language::ParsedDefinition parsed = language::parse_definition(*source, {.express = express});
  bool valid = parsed.valid();
  if (!is_yaml) {
    for (std::string& pointer : language::find_repeated_members(definition_text)) {
      valid = false;
      parsed.diagnostics.push_back({.code = kInvalidJson,
                                    .location = std::move(pointer),
                                    .message = "This member is given more than once in the same object"});
    }
  }
  return report(parsed.diagnostics, valid);
}

Json eval_jsonpath(const std::string& expression, const std::optional<Json>& input) {
  Result<Json> selected = language::select_nodes(expression, input ? *input : Json(nullptr));
  if (!selected) return {{"invalid", true}};
  if (!input) return {{"nodes", Json::array()}};
  return *std::move(selected);
}

}  // namespace orchestrator::tools
