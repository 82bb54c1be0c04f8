#pragma once

#include <string>
#include <string_view>

#include "api/message.hpp"
#include "orchestrator/base/result.hpp"

namespace orchestrator::api {

/// Who asks, and for whose data.
struct Identity {
  std::string namespace_name;
  std::string actor;  ///< for the history; never a secret
};

/// Checks the credential of a request. Holds the admin key only: it reaches every namespace that
/// `Orchestrator-Namespace` names, and means `default` without it. Immutable; any thread.
class Authenticator {
 public:
  /// `admin_key` empty: nobody gets in.
  explicit Authenticator(std::string admin_key) : admin_key_(std::move(admin_key)) {}

  /// unauthenticated (401) without a valid key, forbidden (403) for a namespace that it does not hold.
  [[nodiscard]] Result<Identity> identify(const Headers& headers) const;

 private:
  std::string admin_key_;
};

/// The credential behind `Authorization: Bearer `, or "".
std::string_view bearer_token(const Headers& headers);

}  // namespace orchestrator::api
