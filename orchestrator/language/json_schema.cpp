#include "orchestrator/language/json_schema.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/iregexp.hpp"
#include "orchestrator/language/json_compare.hpp"
#include "orchestrator/language/pointer.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

bool is_integer(const Json& value) {
  return value.is_number_integer() ||
         (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
}

bool has_type(const Json& value, const Json& type) {
  if (!type.is_string()) return false;
  const auto& name = type.get_ref<const std::string&>();
  if (name == "object") return value.is_object();
  if (name == "array") return value.is_array();
  if (name == "string") return value.is_string();
  if (name == "number") return value.is_number();
  if (name == "integer") return is_integer(value);
  if (name == "boolean") return value.is_boolean();
  if (name == "null") return value.is_null();
  return false;
}

/// A member of a schema object, or null.
const Json* keyword(const Json& schema, const char* name) {
  const auto found = schema.find(name);
  return found == schema.end() ? nullptr : &*found;
}

class SchemaCheck {
 public:
  void check(const Json& value, const Json& schema, const std::string& pointer) {
    if (schema.is_boolean() && !schema.get<bool>()) return fault(pointer, "not_allowed", "is not allowed here");
    if (!schema.is_object()) return;
    if (!check_type(value, schema, pointer)) return;  // the other rules would only repeat it
    check_choices(value, schema, pointer);
    if (value.is_number()) check_number(value, schema, pointer);
    if (value.is_string()) check_text(value.get_ref<const std::string&>(), schema, pointer);
    if (value.is_object()) check_object(value, schema, pointer);
    if (value.is_array()) check_array(value, schema, pointer);
    check_combinations(value, schema, pointer);
  }

  std::vector<FaultDetail> take() && { return std::move(faults_); }

 private:
  void fault(const std::string& pointer, std::string code, std::string message) {
    if (faults_.size() >= kMaxSchemaFaults) return;
    faults_.push_back({.pointer = pointer, .code = std::move(code), .message = std::move(message)});
  }

  bool check_type(const Json& value, const Json& schema, const std::string& pointer) {
    const Json* type = keyword(schema, "type");
    if (type == nullptr || (!type->is_string() && !type->is_array())) return true;
    const bool fits = type->is_array()
                          ? std::ranges::any_of(*type, [&](const Json& one) { return has_type(value, one); })
                          : has_type(value, *type);
    if (!fits) fault(pointer, "wrong_type", "must be of type " + dump_json(*type));
    return fits;
  }

  void check_choices(const Json& value, const Json& schema, const std::string& pointer) {
    const Json* choices = keyword(schema, "enum");
    if (choices != nullptr && choices->is_array() &&
        std::ranges::none_of(*choices, [&](const Json& choice) { return equal_values(choice, value); })) {
      fault(pointer, "not_allowed", "must be one of " + dump_json(*choices));
    }
    const Json* only = keyword(schema, "const");
    if (only != nullptr && !equal_values(*only, value)) fault(pointer, "not_allowed", "must be " + dump_json(*only));
  }

  void check_number(const Json& value, const Json& schema, const std::string& pointer) {
    const auto bound = [&](const char* name, const char* says, auto broken) {
      const Json* limit = keyword(schema, name);
      if (limit != nullptr && limit->is_number() && broken(value, *limit)) {
        fault(pointer, "out_of_range", std::string("must be ") + says + " " + dump_json(*limit));
      }
    };
    bound("minimum", "at least", [](const Json& v, const Json& limit) { return compare_numbers(v, limit) < 0; });
    bound("maximum", "at most", [](const Json& v, const Json& limit) { return compare_numbers(v, limit) > 0; });
    bound("exclusiveMinimum", "more than",
          [](const Json& v, const Json& limit) { return compare_numbers(v, limit) <= 0; });
    bound("exclusiveMaximum", "less than",
          [](const Json& v, const Json& limit) { return compare_numbers(v, limit) >= 0; });
  }

  /// `size` against the two limits of that name.
  void check_size(std::size_t size, const char* least, const char* most, const char* unit, const Json& schema,
                  const std::string& pointer) {
    const Json* lower = keyword(schema, least);
    if (lower != nullptr && lower->is_number_unsigned() && size < lower->get<std::uint64_t>()) {
      fault(pointer, "out_of_range", "must have at least " + dump_json(*lower) + " " + unit);
    }
    const Json* upper = keyword(schema, most);
    if (upper != nullptr && upper->is_number_unsigned() && size > upper->get<std::uint64_t>()) {
      fault(pointer, "out_of_range", "must have at most " + dump_json(*upper) + " " + unit);
    }
  }

  void check_text(const std::string& text, const Json& schema, const std::string& pointer) {
    check_size(count_code_points(text), "minLength", "maxLength", "characters", schema, pointer);
    const Json* pattern = keyword(schema, "pattern");
    if (pattern == nullptr || !pattern->is_string()) return;
    const auto expression = IRegexp::compile(pattern->get_ref<const std::string&>());
    if (expression && !expression->is_found_in(text)) {
      fault(pointer, "not_allowed", "must match " + dump_json(*pattern));
    }
  }

  void check_object(const Json& value, const Json& schema, const std::string& pointer) {
    if (const Json* required = keyword(schema, "required"); required != nullptr && required->is_array()) {
      for (const Json& name : *required) {
        if (name.is_string() && !value.contains(name.get_ref<const std::string&>())) {
          fault(below(pointer, name.get<std::string>()), "missing", "is required");
        }
      }
    }
    const Json* properties = keyword(schema, "properties");
    if (properties != nullptr && !properties->is_object()) properties = nullptr;
    const Json* others = keyword(schema, "additionalProperties");
    for (const auto& [name, member] : value.items()) {
      const auto known = properties != nullptr ? properties->find(name) : Json::const_iterator();
      if (properties != nullptr && known != properties->end()) {
        check(member, *known, below(pointer, name));
      } else if (others != nullptr && others->is_boolean() && !others->get<bool>()) {
        fault(below(pointer, name), "unknown_member", "is not known here");
      } else if (others != nullptr) {
        check(member, *others, below(pointer, name));
      }
    }
  }

  void check_array(const Json& value, const Json& schema, const std::string& pointer) {
    check_size(value.size(), "minItems", "maxItems", "items", schema, pointer);
    const Json* items = keyword(schema, "items");
    if (items == nullptr) return;
    for (std::size_t index = 0; index < value.size(); ++index) check(value[index], *items, below(pointer, index));
  }

  static bool fits(const Json& value, const Json& schema) {
    SchemaCheck inner;
    inner.check(value, schema, "");
    return inner.faults_.empty();
  }

  void check_combinations(const Json& value, const Json& schema, const std::string& pointer) {
    if (const Json* all = keyword(schema, "allOf"); all != nullptr && all->is_array()) {
      for (const Json& one : *all) check(value, one, pointer);
    }
    const Json* any = keyword(schema, "anyOf");
    if (any != nullptr && any->is_array() &&
        std::ranges::none_of(*any, [&](const Json& s) { return fits(value, s); })) {
      fault(pointer, "not_allowed", "fits none of the allowed forms");
    }
    const Json* never = keyword(schema, "not");
    if (never != nullptr && fits(value, *never)) fault(pointer, "not_allowed", "has a form that is not allowed");
  }

  std::vector<FaultDetail> faults_;
};

}  // namespace

std::vector<FaultDetail> check_against_schema(const Json& value, const Json& schema) {
  SchemaCheck check;
  check.check(value, schema, "");
  return std::move(check).take();
}

}  // namespace orchestrator::language
