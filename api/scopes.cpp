#include "api/scopes.hpp"

#include <algorithm>

#include "api/router.hpp"
#include "orchestrator/base/names.hpp"

namespace orchestrator::api {
namespace {

constexpr std::string_view kVerb = "verb:";
constexpr std::string_view kQueue = "queue:";

/// Whether a fixed part of the path is called so.
bool names(const Route& route, std::string_view word) {
  return std::ranges::any_of(route.segments, [&](const std::string& segment) { return segment == word; });
}

bool opens_verb(const Route& route, std::string_view verb) {
  if (route.method == "GET") return verb == "read";
  return names(route, verb);
}

}  // namespace

bool is_valid_scope(std::string_view scope) {
  const auto rest = [&](std::string_view kind) { return scope.substr(kind.size()); };
  return (scope.starts_with(kVerb) && is_valid_name(rest(kVerb))) ||
         (scope.starts_with(kQueue) && is_valid_name(rest(kQueue)));
}

std::vector<std::string> queues_of(const std::vector<std::string>& scopes) {
  std::vector<std::string> queues;
  for (const std::string& scope : scopes) {
    if (scope.starts_with(kQueue)) queues.push_back(scope.substr(kQueue.size()));
  }
  return queues;
}

bool is_open_to(const std::vector<std::string>& scopes, const Route& route,
                const std::vector<std::string>& parameters) {
  if (scopes.empty()) return true;
  const auto queues = queues_of(scopes);
  const bool is_of_queue = names(route, "queues") && !parameters.empty();
  if (!queues.empty() && is_of_queue) return std::ranges::find(queues, parameters.front()) != queues.end();
  // A task is known by a token that only a claim of its queue gives.
  if (!queues.empty() && (names(route, "tasks") || names(route, "jobs"))) return true;
  return std::ranges::any_of(scopes, [&](const std::string& scope) {
    return scope.starts_with(kVerb) && opens_verb(route, std::string_view(scope).substr(kVerb.size()));
  });
}

Status check_queue(const std::vector<std::string>& queues, const std::string& queue) {
  if (queues.empty() || std::ranges::find(queues, queue) != queues.end()) return {};
  return fail(ErrorCode::precondition_failed, "forbidden", "The credential is not for the queue " + queue);
}

}  // namespace orchestrator::api
