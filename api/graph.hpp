#pragma once

#include <string>

#include "orchestrator/base/json_fwd.hpp"

namespace orchestrator::api {

/// A definition as nodes and edges, for drawing. A node is a state, named by its JSON pointer in the definition, with
/// the pointer of the Parallel or Map around it as `parent`; an edge is one way out, of kind next, choice, default or
/// catch. Pure; takes any JSON, what is no definition has no nodes.
/// `{start, nodes: [{id, name, type, resource, comment, parent, branch, start, end}],
///   edges: [{from, to, kind, label}]}`
Json graph_of(const Json& definition);

}  // namespace orchestrator::api
