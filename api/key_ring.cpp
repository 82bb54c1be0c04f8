#include "api/key_ring.hpp"

#include <algorithm>

#include "orchestrator/digest/digest.hpp"

namespace orchestrator::api {

std::optional<Result<Identity>> identify_by_key(const std::vector<ApiKey>& keys, const Headers& headers) {
  const std::string_view token = bearer_token(headers);
  // All are compared, so that the time taken does not tell which one begins alike.
  const ApiKey* shown = nullptr;
  for (const ApiKey& key : keys) {
    if (digest::equal_constant_time(token, key.key)) shown = &key;
  }
  if (shown == nullptr) return std::nullopt;
  const auto& held = shown->namespaces;
  const std::string* wanted = headers.find("Orchestrator-Namespace");
  if (wanted != nullptr && std::find(held.begin(), held.end(), *wanted) == held.end()) {
    return fail(ErrorCode::precondition_failed, "forbidden", "The credential does not hold this namespace");
  }
  return Identity{.namespace_name = wanted != nullptr ? *wanted : held.front(),
                  .actor = shown->name,
                  .role = shown->role,
                  .namespaces = held,
                  .credential = "config:" + shown->name};
}

}  // namespace orchestrator::api
