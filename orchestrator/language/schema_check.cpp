#include "orchestrator/language/schema_check.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/iregexp.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

constexpr std::array<std::string_view, 7> kTypes{"object", "array", "string", "number", "integer", "boolean", "null"};

/// Keywords of JSON Schema 2020-12 that constrain values and that check_against_schema leaves out.
constexpr std::array<std::string_view, 23> kUnchecked{"$ref",
                                                      "$dynamicRef",
                                                      "oneOf",
                                                      "if",
                                                      "then",
                                                      "else",
                                                      "format",
                                                      "multipleOf",
                                                      "uniqueItems",
                                                      "contains",
                                                      "minContains",
                                                      "maxContains",
                                                      "prefixItems",
                                                      "patternProperties",
                                                      "propertyNames",
                                                      "minProperties",
                                                      "maxProperties",
                                                      "dependentRequired",
                                                      "dependencies",
                                                      "dependentSchemas",
                                                      "unevaluatedItems",
                                                      "unevaluatedProperties",
                                                      "contentSchema"};

bool is_type_name(const Json& value) {
  return value.is_string() && std::ranges::find(kTypes, value.get_ref<const std::string&>()) != kTypes.end();
}

bool is_text_list(const Json& value) {
  return value.is_array() && std::ranges::all_of(value, [](const Json& one) { return one.is_string(); });
}

class SchemaReading {
 public:
  explicit SchemaReading(Findings& findings) : findings_(findings) {}

  void read(const Json& schema, const std::string& pointer) {
    if (schema.is_boolean()) return;
    if (!schema.is_object()) return fault(pointer, "A schema is an object, true or false");
    for (const auto& [name, value] : schema.items()) read_keyword(name, value, below(pointer, name));
  }

 private:
  void fault(const std::string& pointer, const std::string& message) {
    findings_.error(kSchemaFault, pointer, message);
  }

  void read_keyword(const std::string& name, const Json& value, const std::string& pointer) {
    const auto wants = [&](bool fits, const char* what) {
      if (!fits) fault(pointer, "'" + name + "' must be " + what);
    };
    if (name == "type") {
      const bool list = value.is_array() && !value.empty() && std::ranges::all_of(value, is_type_name);
      wants(list || is_type_name(value), "one or more of object, array, string, number, integer, boolean, null");
    } else if (name == "enum") {
      wants(value.is_array() && !value.empty(), "a list of values");
    } else if (name == "required") {
      wants(is_text_list(value), "a list of names");
    } else if (name == "minimum" || name == "maximum" || name == "exclusiveMinimum" || name == "exclusiveMaximum") {
      wants(value.is_number(), "a number");
    } else if (name == "minItems" || name == "maxItems" || name == "minLength" || name == "maxLength") {
      wants(value.is_number_unsigned(), "a whole number, not negative");
    } else if (name == "pattern") {
      wants(value.is_string() && IRegexp::compile(value.get_ref<const std::string&>()) != nullptr,
            "a regular expression of RFC 9485");
    } else if (name == "additionalProperties" || name == "items" || name == "not") {
      read(value, pointer);
    } else if (name == "properties") {
      if (!value.is_object()) return wants(false, "an object of schemas");
      for (const auto& [member, schema] : value.items()) read(schema, below(pointer, member));
    } else if (name == "anyOf" || name == "allOf") {
      if (!value.is_array() || value.empty()) return wants(false, "a list of schemas");
      for (std::size_t index = 0; index < value.size(); ++index) read(value[index], below(pointer, index));
    } else if (std::ranges::find(kUnchecked, name) != kUnchecked.end()) {
      findings_.warning(kUncheckedKeyword, pointer, "'" + name + "' is not checked here: it constrains nothing");
    }
  }

  Findings& findings_;
};

}  // namespace

void check_schema(const Json& schema, const std::string& pointer, Findings& findings) {
  SchemaReading(findings).read(schema, pointer);
}

}  // namespace orchestrator::language
