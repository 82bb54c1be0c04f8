#include "orchestrator/language/field_reader.hpp"

#include <algorithm>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/intrinsic_call.hpp"
#include "orchestrator/language/limits.hpp"
#include "orchestrator/language/pointer.hpp"
#include "orchestrator/language/template.hpp"
#include "orchestrator/language/utf8.hpp"

namespace orchestrator::language {
namespace {

std::string in_quotes(std::string_view name) { return "'" + std::string(name) + "'"; }

/// Variables are written `$name` in paths, so a name is what a path can read there.
bool is_variable_name(std::string_view name) {
  if (name.empty() || count_code_points(name) > kMaxVariableNameCharacters || (name[0] >= '0' && name[0] <= '9'))
    return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

/// Whether a constant text was probably meant as a path or a call.
bool looks_dynamic(std::string_view text) {
  if (text.starts_with("$.") || text.starts_with("$$.")) return Path::parse(text).has_value();
  return text.starts_with("States.") && parse_intrinsic(text).has_value();
}

}  // namespace

FieldReader::FieldReader(const Json& object, std::string pointer, ParseContext& context)
    : object_(object), pointer_(std::move(pointer)), context_(context) {}

const Json* FieldReader::find(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

std::string FieldReader::pointer_to(std::string_view name) const { return below(pointer_, name); }

void FieldReader::allow_only(std::span<const std::string_view> names) {
  for (const auto& [name, value] : object_.items()) {
    if (std::ranges::find(names, name) == names.end())
      fault(name, "Field " + in_quotes(name) + " is not supported here");
  }
}

int FieldReader::at_most_one(std::initializer_list<std::string_view> names) {
  std::string_view first;
  int count = 0;
  for (const std::string_view name : names) {
    if (!has(name)) continue;
    if (++count == 1) {
      first = name;
    } else {
      fault(name, in_quotes(name) + " and " + in_quotes(first) + " cannot be given together");
    }
  }
  return count;
}

void FieldReader::fault(std::string_view name, std::string message, std::string_view code) {
  context_.findings.error(code, pointer_to(name), std::move(message));
}

std::optional<std::string> FieldReader::text(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  fault(name, in_quotes(name) + " must be a string");
  return std::nullopt;
}

std::optional<std::string> FieldReader::required_text(std::string_view name) {
  if (!has(name)) {
    context_.findings.error(kSchemaFault, pointer_, "Field " + in_quotes(name) + " is missing");
    return std::nullopt;
  }
  auto value = text(name);
  if (value && value->empty()) fault(name, in_quotes(name) + " must not be empty");
  return value;
}

std::optional<std::int64_t> FieldReader::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool fits =
      value->is_number_integer() &&
      (!value->is_number_unsigned() || value->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX));
  if (fits && value->get<std::int64_t>() >= least && value->get<std::int64_t>() <= most)
    return value->get<std::int64_t>();
  fault(name, in_quotes(name) + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<double> FieldReader::number(std::string_view name, double least, double most) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number() && value->get<double>() >= least && value->get<double>() <= most) return value->get<double>();
  fault(name, in_quotes(name) + " must be a number from " + dump_json(least) + " to " + dump_json(most));
  return std::nullopt;
}

std::optional<bool> FieldReader::flag(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  fault(name, in_quotes(name) + " must be true or false");
  return std::nullopt;
}

const Json* FieldReader::object(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr || value->is_object()) return value;
  fault(name, in_quotes(name) + " must be an object");
  return nullptr;
}

const Json* FieldReader::array(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr || value->is_array()) return value;
  fault(name, in_quotes(name) + " must be an array");
  return nullptr;
}

std::optional<Path> FieldReader::compile_path(std::string_view name) {
  const auto written = text(name);
  if (!written) return std::nullopt;
  Result<Path> path = Path::parse(*written);
  if (!path) {
    fault(name, "Value of " + in_quotes(name) + " is not a valid JSONPath: " + path.error().message);
    return std::nullopt;
  }
  return *std::move(path);
}

std::optional<Path> FieldReader::path(std::string_view name) {
  auto compiled = compile_path(name);
  if (compiled) note_variable(*compiled, pointer_to(name));
  return compiled;
}

std::optional<Path> FieldReader::single_path(std::string_view name) {
  auto found = path(name);
  if (found && !found->is_definite()) {
    fault(name, in_quotes(name) + " must be a reference path: it may not select more than one value");
    return std::nullopt;
  }
  return found;
}

PathOrNull FieldReader::path_or_null(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_null()) return PathOrNull{.is_null = true};
  if (value->is_string()) return PathOrNull{.path = path(name)};
  fault(name, in_quotes(name) + " must be a JSONPath or null");
  return {};
}

ResultPath FieldReader::result_path(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr) return {};
  if (value->is_null()) return ResultPath{.is_null = true};
  if (!value->is_string()) {
    fault(name, in_quotes(name) + " must be a reference path or null");
    return {};
  }
  ResultPath result{.path = compile_path(name)};
  if (result.path && (!result.path->is_reference() || result.path->root() != Path::Root::input)) {
    fault(name, in_quotes(name) + " must be a reference path into the state's input: names and indices after '$' only");
    return {};
  }
  return result;
}

TemplatePtr FieldReader::shape(std::string_view name) {
  const Json* source = object(name);
  if (source == nullptr) return nullptr;
  std::vector<FaultDetail> faults;
  TemplatePtr compiled = compile_template(*source, pointer_to(name), faults);
  context_.findings.errors(faults);
  warn_of_unmarked(*source, pointer_to(name));
  if (compiled) compiled->for_each_path([&](const Path& path) { note_variable(path, pointer_to(name)); });
  return compiled;
}

void FieldReader::warn_of_unmarked(const Json& value, const std::string& pointer) {
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.items()) {
    const std::string place = below(pointer, name);
    if (!name.ends_with(".$") && member.is_string() && looks_dynamic(member.get_ref<const std::string&>())) {
      context_.findings.warning(
          kNoDollar, place,
          "The value looks like a JSONPath or an intrinsic call, but the field's name does not end in "
          "'.$', so it stays a text");
    }
    warn_of_unmarked(member, place);
  }
}

void FieldReader::warn_of_path(std::string_view name) {
  const Json* value = find(name);
  if (value == nullptr || !value->is_string() || !looks_dynamic(value->get_ref<const std::string&>())) return;
  context_.findings.warning(
      kNoPath, pointer_to(name),
      "The value looks like a path, but is taken as a text; use " + in_quotes(std::string(name) + "Path"));
}

TemplatePtr FieldReader::assignment() {
  constexpr std::string_view kAssign = "Assign";
  const Json* source = object(kAssign);
  if (source == nullptr) return nullptr;
  const std::string place = pointer_to(kAssign);
  for (const auto& [field, value] : source->items()) {
    const std::string name = field.ends_with(".$") ? field.substr(0, field.size() - 2) : field;
    if (!is_variable_name(name) || name == "states") {
      context_.findings.error(kSchemaFault, below(place, field),
                              in_quotes(name) +
                                  " is not a name for a variable: letters, digits and '_', no digit first, at most " +
                                  std::to_string(kMaxVariableNameCharacters) + " characters, not 'states'");
    }
    context_.assigned.push_back({.name = name, .pointer = below(place, field), .block = context_.block});
  }
  return shape(kAssign);
}

TemplatePtr FieldReader::expression(std::string_view name) {
  const auto written = text(name);
  if (!written) return nullptr;
  Result<TemplatePtr> compiled = compile_expression(*written);
  if (!compiled) {
    fault(name, "Value of " + in_quotes(name) +
                    " must be a JSONPath or an intrinsic function call: " + compiled.error().message);
    return nullptr;
  }
  (*compiled)->for_each_path([&](const Path& path) { note_variable(path, pointer_to(name)); });
  return *std::move(compiled);
}

void FieldReader::note_variable(const Path& path, const std::string& pointer) {
  if (path.root() != Path::Root::variable) return;
  context_.read.push_back({.name = path.variable(), .pointer = pointer, .block = context_.block});
}

}  // namespace orchestrator::language
