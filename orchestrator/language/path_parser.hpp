#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/language/path.hpp"
#include "orchestrator/language/path_segment.hpp"

namespace orchestrator::language {

struct ParsedPath {
  Path::Root root = Path::Root::input;
  std::string variable;
  std::vector<PathSegment> segments;
};

/// Reads a JSONPath. invalid_argument with a sentence that says where and why.
Result<ParsedPath> parse_path(std::string_view text, PathDialect dialect);

}  // namespace orchestrator::language
