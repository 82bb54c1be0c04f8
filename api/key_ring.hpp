#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/identity.hpp"
#include "api/message.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/model/role.hpp"

namespace orchestrator::api {

/// A credential beside the admin key.
struct ApiKey {
  std::string name;  ///< who it is in the history
  std::string key;
  Role role = Role::viewer;
  std::vector<std::string> namespaces;  ///< at least one; the first is meant when the request names none
};

/// Who shows one of these keys; nothing when it is none of them. forbidden (403) for a namespace that the key does not
/// hold. Any thread.
std::optional<Result<Identity>> identify_by_key(const std::vector<ApiKey>& keys, const Headers& headers);

}  // namespace orchestrator::api
