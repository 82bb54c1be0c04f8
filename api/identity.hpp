#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/message.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/model/role.hpp"

namespace orchestrator::api {

/// How nodes show each other that they belong together.
inline constexpr std::string_view kPeerHeader = "Orchestrator-Peer";
inline constexpr std::string_view kPeerPath = "/internal/v1/peer/";

/// Who asks, and for whose data.
struct Identity {
  std::string namespace_name;
  std::string actor;  ///< for the history; never a secret
  Role role = Role::viewer;
  bool reaches_all_namespaces = false;
  std::vector<std::string> namespaces;  ///< the others that it could have named; empty with all of them
  std::string credential;               ///< which one it is, for "not the same": never a secret
  std::vector<std::string> scopes;      ///< of a key that is narrowed (api/scopes.hpp)
};

/// Checks the credential of a request. Holds the admin key only: it reaches every namespace that
/// `Orchestrator-Namespace` names, and means `default` without it. Immutable; any thread.
class Authenticator {
 public:
  /// `admin_key` empty: nobody gets in. `peer_secret` empty: no node does.
  Authenticator(std::string admin_key, std::string peer_secret)
      : admin_key_(std::move(admin_key)), peer_secret_(std::move(peer_secret)) {}

  /// unauthenticated (401) without a valid key, forbidden (403) for a namespace that it does not hold.
  [[nodiscard]] Result<Identity> identify(const Headers& headers) const;

  /// Whether another node of this installation asks.
  [[nodiscard]] bool is_peer(const Headers& headers) const;

 private:
  std::string admin_key_;
  std::string peer_secret_;
};

/// The credential behind `Authorization: Bearer `, or "".
std::string_view bearer_token(const Headers& headers);

}  // namespace orchestrator::api
