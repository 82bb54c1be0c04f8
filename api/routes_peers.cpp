// What other nodes of this installation ask: POST /internal/v1/peer/{operation}.
#include "api/context.hpp"
#include "api/identity.hpp"
#include "api/router.hpp"
#include "api/routes.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {
namespace {

void answer_peer(Context& context, const CallPtr& call) {
  context.service.answer_peer(call->parameters[0], std::move(call->request.body), [call](Result<std::string> answer) {
    if (!answer) return call->fail(answer.error());
    Response response;
    response.content_type = "application/json";
    response.body = *std::move(answer);
    call->respond(std::move(response));
  });
}

}  // namespace

void add_peer_routes(Router& router, Context& context) {
  router.add({.method = "POST",
              .pattern = std::string(kPeerPath) + "{operation}",
              .handle = [&context](const CallPtr& call) { answer_peer(context, call); },
              .access = Access::peer,
              .body_size = BodySize::batch});
}

}  // namespace orchestrator::api
