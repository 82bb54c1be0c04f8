#include "orchestrator/language/parse.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/language/field_reader.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/parse_context.hpp"
#include "orchestrator/language/parse_state.hpp"
#include "orchestrator/language/pointer.hpp"
#include "orchestrator/language/schema_check.hpp"

namespace orchestrator::language {
namespace {

constexpr std::string_view kTopFields[] = {"Comment",     "StartAt",        "States",
                                           "Version",     "TimeoutSeconds", "Attributes",
                                           "InputSchema", "OutputSchema",   "QueryLanguage"};

void parse_attributes(Definition& definition, FieldReader& fields, ParseContext& context) {
  const Json* attributes = fields.object("Attributes");
  if (attributes == nullptr) return;
  if (attributes->size() > kMaxAttributes) {
    fields.fault("Attributes", "'Attributes' may have at most " + std::to_string(kMaxAttributes) + " entries");
  }
  FieldReader entries(*attributes, fields.pointer_to("Attributes"), context);
  for (const auto& [name, value] : attributes->items()) {
    if (!is_valid_name(name)) entries.fault(name, "An attribute's name is 1 to 128 letters, digits and . _ : -");
    if (!value.is_string()) {
      entries.fault(name, "An attribute is a JSONPath over the run's input");
      continue;
    }
    auto path = entries.single_path(name);
    if (!path) continue;
    if (path->root() != Path::Root::input) {
      entries.fault(name, "An attribute is a JSONPath over the run's input: it begins with '$.'");
      continue;
    }
    definition.attributes.emplace(name, *std::move(path));
  }
}

Payload parse_schema(std::string_view name, FieldReader& fields, ParseContext& context) {
  const Json* schema = fields.object(name);
  if (schema == nullptr) return nullptr;
  check_schema(*schema, fields.pointer_to(name), context.findings);
  return make_payload(*schema);
}

/// Whether the states below can be read: they are written in the language that this parser reads.
bool check_query_language(FieldReader& fields) {
  const auto language = fields.text("QueryLanguage");
  if (!language || *language == "JSONPath") return true;
  if (*language == "JSONata") {
    fields.fault("QueryLanguage", "JSONata is not supported yet; use JSONPath", kUnsupportedQueryLanguage);
    return false;
  }
  fields.fault("QueryLanguage", "'QueryLanguage' must be JSONPath or JSONata");
  return true;
}

void parse_top(Definition& definition, const Json& source, ParseContext& context) {
  FieldReader fields(source, "", context);
  fields.allow_only(kTopFields);
  definition.comment = fields.text("Comment").value_or("");
  if (const auto version = fields.text("Version"); version && *version != "1.0") {
    fields.fault("Version", "'Version' must be \"1.0\"");
  }
  definition.timeout_seconds = fields.integer("TimeoutSeconds", 1, kMaxSeconds);
  definition.input_schema = parse_schema("InputSchema", fields, context);
  definition.output_schema = parse_schema("OutputSchema", fields, context);
  parse_attributes(definition, fields, context);
  if (!check_query_language(fields)) return;
  definition.root = parse_block(source, "", context);
  check_transitions(context);
  check_variables(context);
}

}  // namespace

std::string_view type_name(StateType type) {
  switch (type) {
    case StateType::task: return "Task";
    case StateType::pass: return "Pass";
    case StateType::choice: return "Choice";
    case StateType::wait: return "Wait";
    case StateType::succeed: return "Succeed";
    case StateType::fail: return "Fail";
    case StateType::parallel: return "Parallel";
    case StateType::map: return "Map";
  }
  return "";
}

ParsedDefinition parse_definition(const Json& source, const ParseOptions& options) {
  ParseContext context{.options = options};
  auto definition = std::make_shared<Definition>();
  if (source.is_object()) {
    parse_top(*definition, source, context);
  } else {
    context.findings.error(kSchemaFault, "", "A definition is a JSON object");
  }

  ParsedDefinition parsed;
  if (!context.findings.has_error()) {
    definition->source = make_payload(source);
    parsed.definition = std::move(definition);
  }
  parsed.diagnostics = std::move(context.findings).take();
  return parsed;
}

}  // namespace orchestrator::language
