#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/message.hpp"
#include "orchestrator/base/error.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/audit_entry.hpp"
#include "orchestrator/model/role.hpp"

namespace orchestrator::api {

struct Route;

/// One request on its way through the API, until it is answered.
struct Call {
  Request request;
  const Route* route = nullptr;
  std::vector<std::string> parameters;  ///< what stood for `{...}` in the route, decoded, in order
  std::string namespace_name;           ///< of the credential; empty for open routes
  std::string actor;                    ///< who asks, for the history; never a secret
  Role role = Role::viewer;             ///< of the credential
  /// When the page's session ends; nothing for a call that shows a key.
  std::optional<Timestamp> session_expires_at;
  bool reaches_all_namespaces = false;  ///< whether it could have named any
  std::vector<std::string> namespaces;  ///< those it could have named; empty with all of them
  std::string credential;               ///< which one it is; never a secret
  std::vector<std::string> queues;      ///< the only ones that the credential may put work into; empty: any
  bool is_approved = false;             ///< a second person has agreed to it
  bool is_rehearsal = false;            ///< only whether it could be done: the route answers as if, and does nothing
  Answer answer;

  void respond(Response response) const { answer(std::move(response)); }
  void fail(const Error& error) const;
  [[nodiscard]] Caller caller() const { return {actor, role}; }
  /// "POST /v1/runs": the scope of idempotency keys.
  [[nodiscard]] std::string scope() const { return request.method + " " + request.path; }
};

/// Shared: the engine's replies, which are copyable functions, hold the call until the last of them ran.
using CallPtr = std::shared_ptr<Call>;

}  // namespace orchestrator::api
