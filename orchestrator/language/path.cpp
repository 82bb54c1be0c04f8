#include "orchestrator/language/path.hpp"

#include "orchestrator/base/json.hpp"
#include "orchestrator/language/path_parser.hpp"
#include "orchestrator/language/path_select.hpp"

namespace orchestrator::language {

Result<Path> Path::parse(std::string_view text, PathDialect dialect) {
  Result<ParsedPath> parsed = parse_path(text, dialect);
  if (!parsed) return std::move(parsed).error();

  Path path;
  path.text_ = std::string(text);
  path.root_ = parsed->root;
  path.variable_ = std::move(parsed->variable);
  path.definite_ = is_singular(parsed->segments);
  path.segments_ = std::make_shared<const std::vector<PathSegment>>(std::move(parsed->segments));
  return path;
}

bool Path::is_root() const { return root_ == Root::input && segments_->empty(); }

bool Path::is_reference() const {
  if (!definite_) return false;
  for (const PathSegment& segment : *segments_) {
    if (segment.selectors.front().index < 0) return false;
  }
  return true;
}

Result<std::vector<const Json*>> Path::select(const Json& root) const { return select_nodes_below(*segments_, root); }

const Json* Path::find(const Json& root) const {
  const Json* node = &root;
  for (const PathSegment& segment : *segments_) {
    if (segment.descendant || segment.selectors.size() != 1) return nullptr;
    node = find_child(*node, segment.selectors.front());
    if (node == nullptr) return nullptr;
  }
  return node;
}

}  // namespace orchestrator::language
