#pragma once

#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/language/path_segment.hpp"

namespace orchestrator::language {

/// The nodes that `segments` select below `root`, in document order. resource_exhausted beyond the limits.
Result<std::vector<const Json*>> select_nodes_below(const std::vector<PathSegment>& segments, const Json& root);

/// What a name or index selector selects from `node`; null when it is missing or the selector is another kind.
const Json* find_child(const Json& node, const Selector& selector);

}  // namespace orchestrator::language
