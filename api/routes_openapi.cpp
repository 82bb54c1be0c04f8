// The contract for machines: GET /openapi.json.
#include <memory>

#include "api/openapi.hpp"
#include "api/problem.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"

namespace orchestrator::api {

void add_openapi_route(Router& router) {
  // Shared with the route, which is a copyable function.
  auto document = std::make_shared<OpenApi>();
  router.add({.method = "GET",
              .pattern = "/openapi.json",
              .handle =
                  [document](const CallPtr& call) {
                    Response response;
                    if (names_etag(call->request.headers.value("If-None-Match"), document->etag())) {
                      response.status = 304;
                    } else {
                      response = json_response(200, document->text());
                    }
                    response.headers.emplace_back("ETag", document->etag());
                    // Asked for again each time, answered with 304 while it stays the same.
                    response.headers.emplace_back("Cache-Control", "no-cache");
                    call->respond(std::move(response));
                  },
              .access = Access::open});
}

}  // namespace orchestrator::api
