#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"
#include "orchestrator/model/audit_entry.hpp"

namespace orchestrator::store {

using KeyId = Uuid<struct KeyTag>;
using ApprovalId = Uuid<struct ApprovalTag>;

/// In `ApiKeyRow::namespaces`, alone: all of them.
inline constexpr std::string_view kEveryNamespace = "*";

/// An API key. The key itself is shown once, to whoever made it, and kept nowhere.
struct ApiKeyRow {
  KeyId key_id;
  std::string name;  ///< who it is in histories and in the audit
  Role role = Role::viewer;
  std::vector<std::string> namespaces;  ///< at least one; the first is meant when a request names none
  std::vector<std::string> scopes;      ///< "verb:NAME", "queue:NAME"; none: not narrowed
  std::string prefix;                   ///< how the key begins
  std::string secret_sha256;            ///< hex, of the whole key
  Timestamp created_at{};
  std::string created_by;
  std::optional<Timestamp> expires_at;
  std::optional<Timestamp> revoked_at;
  std::int64_t revision = 0;

  [[nodiscard]] bool is_valid_at(Timestamp now) const { return !revoked_at && (!expires_at || now < *expires_at); }
};

/// The rules of one namespace about second approvers, as JSON text (api/policy.hpp).
struct PolicyRow {
  std::string namespace_name;
  std::string rules = "[]";
  Timestamp changed_at{};
  std::string changed_by;
  std::int64_t revision = 0;
};

/// What changed after a revision: keys and policies, oldest change first.
struct AccessChanges {
  std::vector<ApiKeyRow> keys;
  std::vector<PolicyRow> policies;
  std::int64_t revision = 0;  ///< of the last change there was
};

enum class ApprovalState : std::uint8_t {
  waiting,   ///< for a second person
  approved,  ///< and being carried out, or cut short there: the sweep of a node goes on
  done,      ///< carried out: `status` and `answer` say how
  rejected,
  expired,
};
std::string_view to_string(ApprovalState state);
std::optional<ApprovalState> parse_approval_state(std::string_view text);

/// A request that waits for a second person.
struct ApprovalRow {
  ApprovalId approval_id;
  std::string namespace_name;
  ApprovalState state = ApprovalState::waiting;
  std::string action;
  std::string target;
  std::string reason;
  Role approver_role = Role::operator_;  ///< the least that may approve
  std::string requested_by;
  Role requested_role = Role::operator_;
  std::string requested_credential;  ///< neither this one nor `requested_by` may approve
  std::string request;               ///< JSON text {"method", "path", "query", "body"}
  Timestamp created_at{};
  Timestamp expires_at{};
  std::optional<std::string> decided_by;
  std::optional<std::string> decided_reason;
  std::optional<Timestamp> decided_at;
  std::optional<std::int32_t> status;  ///< HTTP status of the action's answer
  std::optional<std::string> answer;   ///< its body
};

struct ApprovalFilter {
  std::string namespace_name;
  std::optional<ApprovalState> state;
  std::int32_t limit = 50;
  std::string cursor;  ///< opaque, from the page before
};
struct ApprovalPage {
  std::vector<ApprovalRow> items;  ///< newest first
  std::optional<std::string> next_cursor;
};

/// What somebody says about a request that waits.
struct ApprovalDecision {
  std::string namespace_name;
  ApprovalId approval_id;
  ApprovalState to = ApprovalState::approved;  ///< approved, rejected or expired
  std::string actor;
  std::string reason;
  /// Of an approval: how long whoever approves has for carrying it out, before somebody else goes on with it.
  std::chrono::milliseconds hold{};
};

/// Keys of one installation, revoked ones included; each node keeps those that count in memory.
inline constexpr std::int64_t kMaxApiKeys = 10'000;
/// Requests of one namespace that wait for a second person.
inline constexpr std::int64_t kMaxWaitingApprovals = 1'000;

/// Requests that one sweep ends, or goes on with.
inline constexpr std::int64_t kMaxSweptApprovals = 100;
/// For so long after its approval an action that was cut short is gone on with unasked. What is older nobody expects
/// any more: it stays `approved` until somebody approves it again.
inline constexpr std::chrono::hours kApprovedLife{1};
/// Who ends a request whose time is over, as the audit calls it.
inline constexpr std::string_view kApprovalClock = "clock";

inline Unexpected not_waiting() {
  return fail(ErrorCode::precondition_failed, "wrong-state", "the request does not wait for a second person any more");
}

/// The part of the store that says who may do what. Thread-safe, as Store; errors as there. Each change takes the entry
/// that the audit keeps of it; the store fills in its digests.
class AccessStore {
 public:
  template <typename T>
  using Done = std::function<void(Result<T>)>;

  virtual ~AccessStore() = default;

  /// resource_exhausted when there are kMaxApiKeys.
  virtual void create_key(ApiKeyRow key, std::optional<AuditEntry> audit, Done<ApiKeyRow> done) = 0;
  /// Harmless when it is revoked already. not_found when there is none.
  virtual void revoke_key(KeyId key_id, std::string actor, std::optional<AuditEntry> audit, Done<ApiKeyRow> done) = 0;
  virtual void put_policy(PolicyRow policy, std::optional<AuditEntry> audit, Done<PolicyRow> done) = 0;
  /// 0: everything.
  virtual void read_changes(std::int64_t after_revision, Done<AccessChanges> done) = 0;

  /// resource_exhausted when kMaxWaitingApprovals of the namespace wait.
  virtual void add_approval(ApprovalRow approval, std::optional<AuditEntry> audit, Done<ApprovalRow> done) = 0;
  virtual void find_approval(std::string namespace_name, ApprovalId approval_id, Done<ApprovalRow> done) = 0;
  /// invalid_argument (invalid-parameter) for a cursor that is none.
  virtual void list_approvals(ApprovalFilter filter, Done<ApprovalPage> done) = 0;
  /// Only of one that waits; wrong-state otherwise, and when it waits no longer because its time is over (unless `to`
  /// says so). not_found when there is none.
  virtual void decide_approval(ApprovalDecision decision, std::optional<AuditEntry> audit, Done<ApprovalRow> done) = 0;
  /// Of one that is approved. wrong-state otherwise.
  virtual void finish_approval(std::string namespace_name, ApprovalId approval_id, std::int32_t status,
                               std::string answer, Done<ApprovalRow> done) = 0;
  /// Ends those whose time is over, the longest over first, each with its row in the audit, and says how many. At most
  /// kMaxSweptApprovals.
  virtual void expire_approvals(Done<std::int64_t> done) = 0;
  /// Those that are approved and that nobody carries out any more, for whom the caller now has `hold`: the oldest
  /// first, at most kMaxSweptApprovals, and none from before kApprovedLife.
  virtual void take_approved(std::chrono::milliseconds hold, Done<std::vector<ApprovalRow>> done) = 0;
};

}  // namespace orchestrator::store
