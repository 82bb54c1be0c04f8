#include "api/identity.hpp"

#include "orchestrator/base/names.hpp"
#include "orchestrator/digest/digest.hpp"

namespace orchestrator::api {
namespace {

constexpr std::string_view kDefaultNamespace = "default";

}  // namespace

std::string_view bearer_token(const Headers& headers) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view field = headers.value("Authorization");
  if (field.size() <= kScheme.size() || !equals_ignoring_case(field.substr(0, kScheme.size()), kScheme)) return {};
  return field.substr(kScheme.size());
}

bool Authenticator::is_peer(const Headers& headers) const {
  return !peer_secret_.empty() && digest::equal_constant_time(headers.value(kPeerHeader), peer_secret_);
}

Result<Identity> Authenticator::identify(const Headers& headers) const {
  const std::string_view token = bearer_token(headers);
  if (token.empty() || admin_key_.empty() || !digest::equal_constant_time(token, admin_key_)) {
    return fail(ErrorCode::precondition_failed, "unauthenticated",
                "Send `Authorization: Bearer KEY` with a valid, unexpired API key");
  }
  Identity identity{.namespace_name = std::string{kDefaultNamespace},
                    .actor = "admin-key",
                    .role = Role::admin,
                    .reaches_all_namespaces = true,
                    .credential = "admin-key"};
  if (const std::string* wanted = headers.find("Orchestrator-Namespace")) {
    if (!is_valid_name(*wanted)) {
      return fail(ErrorCode::precondition_failed, "forbidden", "The credential does not hold this namespace");
    }
    identity.namespace_name = *wanted;
  }
  return identity;
}

}  // namespace orchestrator::api
