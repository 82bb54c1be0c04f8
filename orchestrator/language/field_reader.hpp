#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/language/parse_context.hpp"
#include "orchestrator/language/path.hpp"

namespace orchestrator::language {

/// Reads the members of one JSON object. Each function answers nothing when the member is absent, and reports it when
/// it is there and wrong.
class FieldReader {
 public:
  /// `object` must be a JSON object and outlive the reader.
  FieldReader(const Json& object, std::string pointer, ParseContext& context);

  [[nodiscard]] const Json* find(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] const std::string& pointer() const { return pointer_; }
  [[nodiscard]] std::string pointer_to(std::string_view name) const;

  /// Reports every member that is not in `names`.
  void allow_only(std::span<const std::string_view> names);
  /// Reports when more than one of `names` is there. Answers how many are.
  int at_most_one(std::initializer_list<std::string_view> names);
  void fault(std::string_view name, std::string message, std::string_view code = kSchemaFault);

  std::optional<std::string> text(std::string_view name);
  std::optional<std::string> required_text(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view name, double least, double most);
  std::optional<bool> flag(std::string_view name);
  /// The member when it is an object or array.
  const Json* object(std::string_view name);
  const Json* array(std::string_view name);

  std::optional<Path> path(std::string_view name);
  /// A path to one value: a wildcard, filter, slice or descendant would give an array where a number or text is needed.
  std::optional<Path> single_path(std::string_view name);
  PathOrNull path_or_null(std::string_view name);
  ResultPath result_path(std::string_view name);
  /// A payload template.
  TemplatePtr shape(std::string_view name);
  /// `Assign`: a template whose members name variables.
  TemplatePtr assignment();
  /// Compiled path or intrinsic call, as in ErrorPath.
  TemplatePtr expression(std::string_view name);
  /// A text that looks like a path in a field that holds no path: a warning.
  void warn_of_path(std::string_view name);

 private:
  void warn_of_unmarked(const Json& value, const std::string& pointer);
  std::optional<Path> compile_path(std::string_view name);
  void note_variable(const Path& path, const std::string& pointer);

  const Json& object_;
  const std::string pointer_;
  ParseContext& context_;
};

}  // namespace orchestrator::language
