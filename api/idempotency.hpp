#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/call.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

struct Context;

/// What the caller's Idempotency-Key asks for; nothing without that header. invalid-parameter for a key that is none.
/// `body` is the whole body, before anybody takes parts out of it.
Result<std::optional<service::IdempotencyRef>> idempotency_of(const Call& call, const Json& body);

using Finish = std::function<void(Response)>;

/// The `Location` of a repeated 201, from its body.
using LocationOf = std::string (*)(const Json& body);

/// Lets `act` do the work of a creating call once per key: repeats the kept answer with `Idempotent-Replayed: true`, or
/// acts under the id that the key reserved and keeps the answer. Without a key it just acts, with no reserved id.
/// `act` calls its Finish exactly once.
void act_once(Context& context, const CallPtr& call, std::optional<service::IdempotencyRef> ref, LocationOf location_of,
              std::function<void(std::optional<RunId> reserved, Finish finish)> act);

}  // namespace orchestrator::api
