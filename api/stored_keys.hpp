#pragma once

#include <optional>

#include "api/identity.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator::service {
struct AccessView;
}

namespace orchestrator::api {

/// Who shows a key that was made over HTTP; nothing when the credential does not look like one. unauthenticated (401)
/// for one that is unknown, expired or revoked; forbidden (403) for a namespace that it does not hold; unavailable
/// while `view` is null: the keys were not read yet. Any thread.
std::optional<Result<Identity>> identify_by_stored_key(const service::AccessView* view, const Headers& headers,
                                                       Timestamp now);

}  // namespace orchestrator::api
