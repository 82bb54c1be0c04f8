#include "orchestrator/language/evaluate.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/failures.hpp"
#include "orchestrator/language/lookup.hpp"
#include "orchestrator/language/path_segment.hpp"
#include "orchestrator/language/template.hpp"

namespace orchestrator::language {
namespace {

Result<Json> fill_member(const Template::Member& member, const Scope& scope) {
  const auto* path = std::get_if<Path>(&member.value.content());
  if (path == nullptr) return fill(member.value, scope);

  Result<std::optional<Json>> found = look_up(*path, scope);
  if (!found) return std::move(found).error();
  if (*found) return **std::move(found);
  const Result<const Json*> root = root_of(*path, scope);
  if (!root) return root.error();
  return runtime_failure("The JSONPath '" + path->text() + "' specified for the field '" + member.field +
                         "' could not be found in the input '" + quote_value(**root) + "'");
}

Result<Json> fill_object(const std::vector<Template::Member>& members, const Scope& scope) {
  Json object = Json::object();
  for (const Template::Member& member : members) {
    Result<Json> value = fill_member(member, scope);
    if (!value) return value;
    object[member.name] = *std::move(value);
  }
  return object;
}

Result<Json> fill_array(const std::vector<Template>& elements, const Scope& scope) {
  Json array = Json::array();
  for (const Template& element : elements) {
    Result<Json> value = fill(element, scope);
    if (!value) return value;
    array.push_back(*std::move(value));
  }
  return array;
}

Unexpected cannot_be_placed(const Path& path, const Json& input) {
  return fail(ErrorCode::precondition_failed, "States.ResultPathMatchFailure",
              "Unable to apply ReferencePath " + path.text() + " to input " + quote_value(input));
}

}  // namespace

Result<Json> evaluate_path(const Path& path, const Scope& scope) {
  Result<std::optional<Json>> found = look_up(path, scope);
  if (!found) return std::move(found).error();
  if (*found) return **std::move(found);
  const Result<const Json*> root = root_of(path, scope);
  if (!root) return root.error();
  return runtime_failure(describe_missing(path, **root));
}

Result<Json> apply_input_path(const PathOrNull& path, const Scope& scope) {
  if (path.is_null) return Json::object();
  if (path.path) return evaluate_path(*path.path, scope);
  return scope.input != nullptr ? Json(*scope.input) : Json(nullptr);
}

Result<Json> apply_result_path(const ResultPath& path, const Json& input, Json result) {
  if (path.is_null) return Json(input);
  if (!path.path || path.path->segments().empty()) return result;

  Json combined = input;
  Json* place = &combined;
  bool created = false;
  for (const PathSegment& segment : path.path->segments()) {
    const Selector& selector = segment.selectors.front();
    if (selector.kind == Selector::Kind::name) {
      if (created) *place = Json::object();
      if (!place->is_object()) return cannot_be_placed(*path.path, input);
      const auto [member, inserted] = place->emplace(selector.name, nullptr);
      created = inserted;
      place = &*member;
    } else {
      // Only objects are made on the way: an index must exist.
      const bool exists =
          place->is_array() && selector.index >= 0 && static_cast<std::size_t>(selector.index) < place->size();
      if (created || !exists) return cannot_be_placed(*path.path, input);
      place = &(*place)[static_cast<std::size_t>(selector.index)];
    }
  }
  *place = std::move(result);
  return combined;
}

Result<Json> fill(const Template& shape, const Scope& scope) {
  if (const Payload* constant = shape.constant()) return json_of(*constant);
  if (const auto* path = std::get_if<Path>(&shape.content())) return evaluate_path(*path, scope);
  if (const auto* call = std::get_if<IntrinsicCall>(&shape.content())) return call_intrinsic(*call, scope);
  if (const auto* members = std::get_if<std::vector<Template::Member>>(&shape.content()))
    return fill_object(*members, scope);
  return fill_array(std::get<std::vector<Template>>(shape.content()), scope);
}

Result<Json> select_nodes(std::string_view path, const Json& input) {
  const Result<Path> parsed = Path::parse(path, PathDialect::rfc9535);
  if (!parsed) return parsed.error();
  const Result<std::vector<const Json*>> nodes = parsed->select(input);
  if (!nodes) return nodes.error();
  Json list = Json::array();
  for (const Json* node : *nodes) list.push_back(*node);
  return Json{{"nodes", std::move(list)}};
}

}  // namespace orchestrator::language
