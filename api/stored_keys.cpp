#include "api/stored_keys.hpp"

#include <algorithm>

#include "orchestrator/base/names.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/service/access.hpp"

namespace orchestrator::api {
namespace {

Unexpected not_held() {
  return fail(ErrorCode::precondition_failed, "forbidden", "The credential does not hold this namespace");
}

}  // namespace

std::optional<Result<Identity>> identify_by_stored_key(const service::AccessView* view, const Headers& headers,
                                                       Timestamp now) {
  const std::string_view token = bearer_token(headers);
  if (!token.starts_with(service::kKeyPrefix)) return std::nullopt;
  if (view == nullptr) return fail(ErrorCode::unavailable, "the keys were not read yet; try again");
  // Found by its digest, so that the time of the search tells nothing about the key.
  const auto found = view->keys.find(digest::to_hex(digest::hash(digest::Algorithm::sha256, token)));
  if (found == view->keys.end() || !found->second.is_valid_at(now)) {
    return fail(ErrorCode::precondition_failed, "unauthenticated", "The API key is unknown, expired or revoked");
  }
  const store::ApiKeyRow& key = found->second;
  Identity identity;
  identity.actor = key.name;
  identity.role = key.role;
  identity.reaches_all_namespaces = key.namespaces.front() == store::kEveryNamespace;
  if (!identity.reaches_all_namespaces) identity.namespaces = key.namespaces;
  identity.credential = "key:" + key.key_id.str();
  identity.scopes = key.scopes;
  const std::string* wanted = headers.find("Orchestrator-Namespace");
  if (wanted == nullptr) {
    identity.namespace_name = identity.reaches_all_namespaces ? "default" : key.namespaces.front();
  } else if (!is_valid_name(*wanted) ||
             (!identity.reaches_all_namespaces && std::ranges::find(key.namespaces, *wanted) == key.namespaces.end())) {
    return not_held();
  } else {
    identity.namespace_name = *wanted;
  }
  return identity;
}

}  // namespace orchestrator::api
