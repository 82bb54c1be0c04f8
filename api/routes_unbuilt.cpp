// Paths of the contract that nobody has built yet. A route leaves this list with the change that builds it.
#include "api/router.hpp"
#include "api/routes.hpp"

namespace orchestrator::api {
namespace {

struct UnbuiltRoute {
  const char* method;
  const char* pattern;
};

constexpr UnbuiltRoute kUnbuilt[] = {
    {"POST", "/v1/runs/{id}/pause"}, {"POST", "/v1/runs/{id}/resume"},
    {"POST", "/v1/runs/{id}/skip"},  {"POST", "/v1/operations"},
    {"GET", "/v1/operations/{id}"},  {"POST", "/v1/operations/{id}/stop"},
};

void refuse_unbuilt(const CallPtr& call) {
  call->fail(Error(ErrorCode::invalid_argument, "not-implemented",
                   call->request.method + " " + call->route->pattern + " is not built yet"));
}

}  // namespace

void add_unbuilt_routes(Router& router) {
  for (const UnbuiltRoute& route : kUnbuilt) {
    router.add({.method = route.method, .pattern = route.pattern, .handle = refuse_unbuilt, .is_built = false});
  }
}

}  // namespace orchestrator::api
