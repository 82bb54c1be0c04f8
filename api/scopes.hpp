#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/result.hpp"

namespace orchestrator::api {

struct Route;

/// What a narrowed key may do. `verb:read` is every GET; `verb:NAME` every other call whose path names it:
/// `verb:claim`, `verb:tasks`, `verb:signals`, `verb:cancel`. `queue:NAME` is work of that queue: its claims, tasks,
/// jobs, pauses and limits. With scopes of verbs only those calls are open; with scopes of queues only those queues;
/// with both, what either opens, and of queues only those.
bool is_valid_scope(std::string_view scope);

/// Whether the scopes open this call; none open everything. `parameters` as of the route.
bool is_open_to(const std::vector<std::string>& scopes, const Route& route, const std::vector<std::string>& parameters);

/// The queues that the scopes name; empty: any.
std::vector<std::string> queues_of(const std::vector<std::string>& scopes);

/// forbidden (403) for a queue that is not among `queues`.
Status check_queue(const std::vector<std::string>& queues, const std::string& queue);

}  // namespace orchestrator::api
