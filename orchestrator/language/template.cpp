#include "orchestrator/language/template.hpp"

#include <set>

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/pointer.hpp"

namespace orchestrator::language {
namespace {

constexpr std::string_view kFilledIn = ".$";

void visit_paths(const IntrinsicCall& call, const std::function<void(const Path&)>& visit) {
  for (const IntrinsicArgument& argument : call.arguments) {
    if (const auto* path = std::get_if<Path>(&argument)) visit(*path);
    if (const auto* inner = std::get_if<std::shared_ptr<const IntrinsicCall>>(&argument)) visit_paths(**inner, visit);
  }
}

Result<Template> parse_expression(std::string_view text) {
  if (text.starts_with('$')) {
    Result<Path> path = Path::parse(text);
    if (!path) return std::move(path).error();
    return Template(*std::move(path));
  }
  Result<IntrinsicCall> call = parse_intrinsic(text);
  if (!call) return std::move(call).error();
  return Template(*std::move(call));
}

class TemplateCompiler {
 public:
  explicit TemplateCompiler(std::vector<FaultDetail>& faults) : faults_(faults) {}

  Template compile(const Json& source, const std::string& pointer) {
    if (source.is_object()) return compile_object(source, pointer);
    if (source.is_array()) return compile_array(source, pointer);
    return Template(make_payload(source));
  }

 private:
  Template compile_object(const Json& source, const std::string& pointer) {
    std::vector<Template::Member> members;
    std::set<std::string> names;
    bool constant = true;
    for (const auto& [field, value] : source.items()) {
      const std::string place = below(pointer, field);
      const bool filled_in = field.ends_with(kFilledIn);
      std::string name = filled_in ? field.substr(0, field.size() - kFilledIn.size()) : field;
      if (!names.insert(name).second) {
        fault(place, "The fields '" + name + "' and '" + name + ".$' give the same member");
        continue;
      }
      Template compiled = filled_in ? compile_member(field, value, place) : compile(value, place);
      constant = constant && compiled.constant() != nullptr;
      members.push_back({.name = std::move(name), .field = field, .value = std::move(compiled)});
    }
    if (constant) return Template(make_payload(source));
    return Template(std::move(members));
  }

  Template compile_array(const Json& source, const std::string& pointer) {
    std::vector<Template> elements;
    bool constant = true;
    for (std::size_t i = 0; i < source.size(); ++i) {
      elements.push_back(compile(source[i], below(pointer, i)));
      constant = constant && elements.back().constant() != nullptr;
    }
    if (constant) return Template(make_payload(source));
    return Template(std::move(elements));
  }

  Template compile_member(const std::string& field, const Json& value, const std::string& place) {
    const std::string must =
        "The value for the field '" + field + "' must be a valid JSONPath or a valid intrinsic function call";
    if (!value.is_string()) {
      fault(place, must);
      return Template(make_payload(nullptr));
    }
    Result<Template> compiled = parse_expression(value.get_ref<const std::string&>());
    if (compiled) return *std::move(compiled);
    fault(place, must + ": " + compiled.error().message);
    return Template(make_payload(nullptr));
  }

  void fault(const std::string& place, std::string message) {
    faults_.push_back({.pointer = place, .code = "SCHEMA_VALIDATION_FAILED", .message = std::move(message)});
  }

  std::vector<FaultDetail>& faults_;
};

}  // namespace

Template::Template(Content content) : content_(std::move(content)) {}

void Template::for_each_path(const std::function<void(const Path&)>& visit) const {
  if (const auto* path = std::get_if<Path>(&content_)) visit(*path);
  if (const auto* call = std::get_if<IntrinsicCall>(&content_)) visit_paths(*call, visit);
  if (const auto* members = std::get_if<std::vector<Member>>(&content_)) {
    for (const Member& member : *members) member.value.for_each_path(visit);
  }
  if (const auto* elements = std::get_if<std::vector<Template>>(&content_)) {
    for (const Template& element : *elements) element.for_each_path(visit);
  }
}

TemplatePtr compile_template(const Json& source, const std::string& pointer, std::vector<FaultDetail>& faults) {
  const std::size_t known = faults.size();
  Template compiled = TemplateCompiler(faults).compile(source, pointer);
  return faults.size() == known ? std::make_shared<const Template>(std::move(compiled)) : nullptr;
}

Result<TemplatePtr> compile_expression(std::string_view text) {
  Result<Template> compiled = parse_expression(text);
  if (!compiled) return std::move(compiled).error();
  return TemplatePtr(std::make_shared<const Template>(*std::move(compiled)));
}

}  // namespace orchestrator::language
