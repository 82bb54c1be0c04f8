#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/store/access.hpp"

namespace orchestrator::service {

/// How our keys begin; what does not begin so is none of them.
inline constexpr std::string_view kKeyPrefix = "orc_";

/// Who may do what, as this node knows it: at most kAccessFreshness old. Immutable.
struct AccessView {
  std::unordered_map<std::string, store::ApiKeyRow> keys;  ///< by secret_sha256; revoked ones too
  std::map<std::string, store::PolicyRow> policies;        ///< by namespace

  /// Whether a key that somebody was identified by still counts.
  [[nodiscard]] bool holds(store::KeyId key_id, Timestamp now) const;
};

/// How soon a change on another node counts here. Source: the HTTP contract asks for a second.
inline constexpr std::chrono::milliseconds kAccessFreshness{400};

/// How soon a request whose time is over is ended, and one that was cut short is gone on with.
inline constexpr std::chrono::milliseconds kApprovalSweep{1'000};

struct NewApiKey {
  std::string namespace_name;  ///< of whoever makes it, for the audit
  std::string name;
  Role role = Role::viewer;
  std::vector<std::string> namespaces;
  std::vector<std::string> scopes;
  std::optional<Timestamp> expires_at;
  Caller caller;
};
struct MadeApiKey {
  store::ApiKeyRow row;
  std::string key;  ///< shown this once
};

struct RevokeApiKey {
  std::string namespace_name;
  store::KeyId key_id;
  std::string name;  ///< for the audit
  Caller caller;
};

/// Keys, policies and requests that wait for a second person. Every method is thread-safe, returns at once and never
/// throws. Errors as of store::AccessStore.
class Access {
 public:
  template <typename T>
  using Reply = std::function<void(Result<T>)>;

  virtual ~Access() = default;

  /// Null until it was read for the first time: then no key of ours can be judged.
  [[nodiscard]] virtual std::shared_ptr<const AccessView> view() const = 0;

  virtual void create_key(NewApiKey request, Reply<MadeApiKey> reply) = 0;
  /// From the answer on nobody gets in with it here, and within a second nowhere.
  virtual void revoke_key(RevokeApiKey request, Reply<store::ApiKeyRow> reply) = 0;
  /// All, as the database has them.
  virtual void list_keys(Reply<std::vector<store::ApiKeyRow>> reply) = 0;

  virtual void put_policy(store::PolicyRow policy, Caller caller, Reply<store::PolicyRow> reply) = 0;
  /// Without rules when nobody has set any.
  virtual void find_policy(std::string namespace_name, Reply<store::PolicyRow> reply) = 0;

  /// A nil id: made here.
  virtual void add_approval(store::ApprovalRow approval, Reply<store::ApprovalRow> reply) = 0;
  virtual void find_approval(std::string namespace_name, store::ApprovalId id, Reply<store::ApprovalRow> reply) = 0;
  virtual void list_approvals(store::ApprovalFilter filter, Reply<store::ApprovalPage> reply) = 0;
  /// @param row as it was found
  virtual void decide_approval(store::ApprovalRow row, store::ApprovalDecision decision, Role role,
                               Reply<store::ApprovalRow> reply) = 0;
  virtual void finish_approval(std::string namespace_name, store::ApprovalId id, std::int32_t status,
                               std::string answer, Reply<store::ApprovalRow> reply) = 0;

  /// Whoever can carry out requests: from now on told of each that was approved and that nobody carries out any more,
  /// because its node ended or could not. Once, before the engine's threads run; without it nobody is told.
  virtual void carry_out_with(std::function<void(const store::ApprovalRow&)> carry_out) = 0;
};

}  // namespace orchestrator::service
