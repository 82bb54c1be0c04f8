#include "api/idempotency.hpp"

#include "api/context.hpp"
#include "api/problem.hpp"
#include "orchestrator/base/json.hpp"
#include "orchestrator/base/names.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"

namespace orchestrator::api {
namespace {

Response repeat(const service::KeptAnswer& kept, LocationOf location_of) {
  Response response = json_response(kept.status, kept.body);
  response.headers.emplace_back("Idempotent-Replayed", "true");
  if (kept.status == 201) {
    if (const auto body = parse_json(kept.body)) {
      if (std::string location = location_of(*body); !location.empty())
        response.headers.emplace_back("Location", location);
    }
  }
  return response;
}

}  // namespace

Result<std::optional<service::IdempotencyRef>> idempotency_of(const Call& call, const Json& body) {
  const std::string* key = call.request.headers.find("Idempotency-Key");
  if (key == nullptr) return std::optional<service::IdempotencyRef>{};
  if (!is_valid_key(*key)) {
    return fail(ErrorCode::invalid_argument, "invalid-parameter",
                "`Idempotency-Key` must be 1 to 512 bytes without control characters");
  }
  // Members are sorted, so the text of the parsed body is the same however it was written.
  return std::optional{
      service::IdempotencyRef{.scope = call.scope(),
                              .key = *key,
                              .body_hash = digest::to_hex(digest::hash(digest::Algorithm::sha256, dump_json(body)))}};
}

void act_once(Context& context, const CallPtr& call, std::optional<service::IdempotencyRef> ref, LocationOf location_of,
              std::function<void(std::optional<RunId> reserved, Finish finish)> act) {
  if (!ref) {
    act(std::nullopt, [call](Response response) { call->respond(std::move(response)); });
    return;
  }
  context.service.open_gate(
      call->namespace_name, *ref,
      [&context, call, ref = *ref, location_of, act = std::move(act)](Result<service::IdempotencyGate> gate) {
        if (!gate) return call->fail(gate.error());
        if (gate->replay) return call->respond(repeat(*gate->replay, location_of));
        act(gate->reserved_id, [&context, call, ref](Response response) {
          service::KeptAnswer answer{.status = response.status, .body = response.body};
          context.service.close_gate(call->namespace_name, ref, std::move(answer),
                                     [call, response = std::move(response)](const Result<void>&) {
                                       // Done is done: without a kept answer a repeat meets the reservation and finds
                                       // the same run.
                                       call->respond(response);
                                     });
        });
      });
}

}  // namespace orchestrator::api
