#include "orchestrator/language/lookup.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/failures.hpp"
#include "orchestrator/language/path_select.hpp"

namespace orchestrator::language {
namespace {

constexpr std::size_t kMaxQuotedBytes = 16'384;

const Json kNull = nullptr;

std::string bracketed(const Selector& selector) {
  return selector.kind == Selector::Kind::name ? "['" + selector.name + "']"
                                               : "[" + std::to_string(selector.index) + "]";
}

}  // namespace

Result<const Json*> root_of(const Path& path, const Scope& scope) {
  const Json* root = nullptr;
  switch (path.root()) {
    case Path::Root::input: root = scope.input; break;
    case Path::Root::context: root = scope.context; break;
    case Path::Root::variable:
      if (scope.variable) root = scope.variable(path.variable());
      if (root == nullptr) {
        return runtime_failure("Invalid path '" + path.text() + "' : The variable '" + path.variable() +
                               "' is not defined");
      }
      break;
  }
  return root != nullptr ? root : &kNull;
}

Result<std::optional<Json>> look_up(const Path& path, const Scope& scope) {
  const Result<const Json*> root = root_of(path, scope);
  if (!root) return root.error();
  if (path.is_definite()) {
    const Json* found = path.find(**root);
    return found == nullptr ? std::optional<Json>() : std::optional<Json>(*found);
  }
  const Result<std::vector<const Json*>> nodes = path.select(**root);
  if (!nodes) return runtime_failure("Invalid path '" + path.text() + "' : " + nodes.error().message);
  Json array = Json::array();
  for (const Json* node : *nodes) array.push_back(*node);
  return std::optional<Json>(std::move(array));
}

std::string describe_missing(const Path& path, const Json& root) {
  const std::string opening = "Invalid path '" + path.text() + "' : ";
  const Json* node = &root;
  std::string reached = "$";
  const auto& segments = path.segments();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Selector& selector = segments[i].selectors.front();
    const Json* child = find_child(*node, selector);
    if (child != nullptr) {
      node = child;
      reached += bracketed(selector);
      continue;
    }
    if (selector.kind == Selector::Kind::name && !node->is_object()) {
      return opening + "Expected to find an object with property " + bracketed(selector) + " in path " + reached +
             " but found '" + node->type_name() + "'";
    }
    reached += bracketed(selector);
    const bool last = i + 1 == segments.size();
    if (last || selector.kind != Selector::Kind::name) {
      for (std::size_t rest = i + 1; rest < segments.size(); ++rest)
        reached += bracketed(segments[rest].selectors.front());
      return opening + "No results for path: " + reached;
    }
    return opening + "Missing property in path " + reached;
  }
  return opening + "No results for path: " + reached;
}

std::string quote_value(const Json& value) {
  std::string text = dump_json(value);
  if (text.size() <= kMaxQuotedBytes) return text;
  std::size_t end = kMaxQuotedBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "...";
}

}  // namespace orchestrator::language
