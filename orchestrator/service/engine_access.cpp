#include "orchestrator/service/engine_access.hpp"

#include <algorithm>
#include <utility>

#include "orchestrator/base/json.hpp"
#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/digest/seal.hpp"

namespace orchestrator::service {
namespace {

/// 192 bits, of which the shown prefix tells 32. The contract asks for 128.
constexpr std::size_t kKeyBytes = 24;
constexpr std::size_t kShownBytes = 4;

/// On top of what a request may take: the commit of its answer.
constexpr std::chrono::seconds kHoldBeyond{5};

std::string sha256_hex(std::string_view text) { return digest::to_hex(digest::hash(digest::Algorithm::sha256, text)); }

const char* audited_decision(store::ApprovalState to) {
  switch (to) {
    case store::ApprovalState::approved: return "approval.approve";
    case store::ApprovalState::rejected: return "approval.reject";
    default: return "approval.expire";
  }
}

}  // namespace

bool AccessView::holds(store::KeyId key_id, Timestamp now) const {
  return std::ranges::any_of(
      keys, [&](const auto& entry) { return entry.second.key_id == key_id && entry.second.is_valid_at(now); });
}

void EngineAccess::start() {
  look();
  sweep();
}

void EngineAccess::carry_out_with(std::function<void(const store::ApprovalRow&)> carry_out) {
  carry_out_ = std::move(carry_out);
}

/// A request of its own node ends within its limit, so whoever looks after that meets nobody.
std::chrono::milliseconds EngineAccess::hold() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(node_.request_limit()) + kHoldBeyond;
}

/// An error is left to the next sweep, of this node or another one.
void EngineAccess::sweep() {
  store_.expire_approvals([this](const Result<std::int64_t>& /*expired*/) { go_on_with_approved(); });
  node_.executor().post_after(kApprovalSweep, [this] { sweep(); });
}

void EngineAccess::go_on_with_approved() {
  if (!carry_out_ || node_.is_draining()) return;
  store_.take_approved(hold(), [this](const Result<std::vector<store::ApprovalRow>>& taken) {
    if (!taken) return;
    for (const store::ApprovalRow& row : *taken) carry_out_(row);
  });
}

void EngineAccess::look() {
  std::int64_t revision = 0;
  {
    const telemetry::MutexLock lock(mutex_);
    revision = revision_;
  }
  store_.read_changes(revision, [this](const Result<store::AccessChanges>& changes) {
    if (changes) learn(*changes, From::database);
    node_.executor().post_after(kAccessFreshness, [this] { look(); });
  });
}

/// Changes come from the look at the database and from this node's own calls, in any order: the latest of a key counts.
void EngineAccess::learn(const store::AccessChanges& changes, From from) {
  const telemetry::MutexLock lock(mutex_);
  // Until all was read once, a part of it would look like everything.
  if (!view_ && from == From::own_call) return;
  if (view_ && changes.keys.empty() && changes.policies.empty()) return;
  auto next = view_ ? std::make_shared<AccessView>(*view_) : std::make_shared<AccessView>();
  for (const store::ApiKeyRow& key : changes.keys) {
    store::ApiKeyRow& known = next->keys[key.secret_sha256];
    if (known.revision <= key.revision) known = key;
  }
  for (const store::PolicyRow& policy : changes.policies) {
    store::PolicyRow& known = next->policies[policy.namespace_name];
    if (known.revision <= policy.revision) known = policy;
  }
  revision_ = std::max(revision_, changes.revision);
  view_ = std::move(next);
}

std::shared_ptr<const AccessView> EngineAccess::view() const {
  const telemetry::MutexLock lock(mutex_);
  return view_;
}

void EngineAccess::create_key(NewApiKey request, Reply<MadeApiKey> reply) {
  const std::string random = digest::random_bytes(kKeyBytes);
  MadeApiKey made;
  made.key = std::string(kKeyPrefix) + digest::to_hex(random);
  store::ApiKeyRow& row = made.row;
  row.key_id = store::KeyId{make_uuid7(node_.now(), ShardId{0}, node_.random())};
  row.name = std::move(request.name);
  row.role = request.role;
  row.namespaces = std::move(request.namespaces);
  row.scopes = std::move(request.scopes);
  row.prefix = made.key.substr(0, kKeyPrefix.size() + 2 * kShownBytes);
  row.secret_sha256 = sha256_hex(made.key);
  row.expires_at = request.expires_at;
  row.created_by = request.caller.actor;
  auto audit = audited(request.namespace_name, std::move(request.caller), "api_key.create", row.key_id.str(), row.name);
  auto kept = [this, key = made.key, reply = std::move(reply)](Result<store::ApiKeyRow> created) {
    if (!created) return reply(std::move(created).error());
    learn({.keys = {*created}}, From::own_call);
    reply(MadeApiKey{*std::move(created), key});
  };
  store_.create_key(std::move(row), std::move(audit), std::move(kept));
}

void EngineAccess::revoke_key(RevokeApiKey request, Reply<store::ApiKeyRow> reply) {
  auto audit = audited(request.namespace_name, request.caller, "api_key.revoke", request.key_id.str(), request.name);
  auto revoked = [this, reply = std::move(reply)](Result<store::ApiKeyRow> row) {
    if (row) learn({.keys = {*row}}, From::own_call);
    reply(std::move(row));
  };
  store_.revoke_key(request.key_id, request.caller.actor, std::move(audit), std::move(revoked));
}

void EngineAccess::list_keys(Reply<std::vector<store::ApiKeyRow>> reply) {
  store_.read_changes(0, [reply = std::move(reply)](Result<store::AccessChanges> changes) {
    if (!changes) return reply(std::move(changes).error());
    reply(std::move(changes->keys));
  });
}

void EngineAccess::put_policy(store::PolicyRow policy, Caller caller, Reply<store::PolicyRow> reply) {
  auto audit = audited(policy.namespace_name, std::move(caller), "policy.put", policy.namespace_name, "");
  auto kept = [this, reply = std::move(reply)](Result<store::PolicyRow> row) {
    if (row) learn({.policies = {*row}}, From::own_call);
    reply(std::move(row));
  };
  store_.put_policy(std::move(policy), std::move(audit), std::move(kept));
}

void EngineAccess::find_policy(std::string namespace_name, Reply<store::PolicyRow> reply) {
  store_.read_changes(0, [namespace_name = std::move(namespace_name),
                          reply = std::move(reply)](const Result<store::AccessChanges>& changes) {
    if (!changes) return reply(changes.error());
    const auto found = std::ranges::find(changes->policies, namespace_name, &store::PolicyRow::namespace_name);
    if (found != changes->policies.end()) return reply(*found);
    store::PolicyRow none;
    none.namespace_name = namespace_name;
    reply(std::move(none));
  });
}

void EngineAccess::add_approval(store::ApprovalRow approval, Reply<store::ApprovalRow> reply) {
  if (approval.approval_id.is_nil()) {
    approval.approval_id = store::ApprovalId{make_uuid7(node_.now(), ShardId{0}, node_.random())};
  }
  const Caller caller{approval.requested_by, approval.requested_role};
  auto audit = audited(approval.namespace_name, caller, "approval.request", approval.target, approval.reason);
  store_.add_approval(std::move(approval), std::move(audit), std::move(reply));
}

void EngineAccess::find_approval(std::string namespace_name, store::ApprovalId id, Reply<store::ApprovalRow> reply) {
  store_.find_approval(std::move(namespace_name), id, std::move(reply));
}

void EngineAccess::list_approvals(store::ApprovalFilter filter, Reply<store::ApprovalPage> reply) {
  store_.list_approvals(std::move(filter), std::move(reply));
}

void EngineAccess::decide_approval(store::ApprovalRow row, store::ApprovalDecision decision, Role role,
                                   Reply<store::ApprovalRow> reply) {
  decision.hold = hold();
  auto audit =
      audited(row.namespace_name, {decision.actor, role}, audited_decision(decision.to), row.target, decision.reason);
  store_.decide_approval(std::move(decision), std::move(audit), std::move(reply));
}

void EngineAccess::finish_approval(std::string namespace_name, store::ApprovalId id, std::int32_t status,
                                   std::string answer, Reply<store::ApprovalRow> reply) {
  store_.finish_approval(std::move(namespace_name), id, status, std::move(answer), std::move(reply));
}

}  // namespace orchestrator::service
