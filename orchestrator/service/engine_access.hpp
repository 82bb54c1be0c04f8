#pragma once

#include <chrono>
#include <functional>

#include "orchestrator/runtime/node.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::service {

/// Access on a node: what the store keeps, and a copy in memory that is never older than kAccessFreshness.
class EngineAccess final : public Access {
 public:
  EngineAccess(runtime::Node& node, store::AccessStore& store) : node_(node), store_(store) {}

  /// Begins to keep the copy fresh and to sweep approvals, for as long as the node's executor runs.
  void start();

  [[nodiscard]] std::shared_ptr<const AccessView> view() const override;
  void create_key(NewApiKey request, Reply<MadeApiKey> reply) override;
  void revoke_key(RevokeApiKey request, Reply<store::ApiKeyRow> reply) override;
  void list_keys(Reply<std::vector<store::ApiKeyRow>> reply) override;
  void put_policy(store::PolicyRow policy, Caller caller, Reply<store::PolicyRow> reply) override;
  void find_policy(std::string namespace_name, Reply<store::PolicyRow> reply) override;
  void add_approval(store::ApprovalRow approval, Reply<store::ApprovalRow> reply) override;
  void find_approval(std::string namespace_name, store::ApprovalId id, Reply<store::ApprovalRow> reply) override;
  void list_approvals(store::ApprovalFilter filter, Reply<store::ApprovalPage> reply) override;
  void decide_approval(store::ApprovalRow row, store::ApprovalDecision decision, Role role,
                       Reply<store::ApprovalRow> reply) override;
  void finish_approval(std::string namespace_name, store::ApprovalId id, std::int32_t status, std::string answer,
                       Reply<store::ApprovalRow> reply) override;
  void carry_out_with(std::function<void(const store::ApprovalRow&)> carry_out) override;

 private:
  void look();
  void sweep();
  void go_on_with_approved();
  /// How long whoever carries out an approved request has for it.
  [[nodiscard]] std::chrono::milliseconds hold() const;
  enum class From : std::uint8_t { database, own_call };
  void learn(const store::AccessChanges& changes, From from);

  runtime::Node& node_;                                       // Fixed after construction.
  store::AccessStore& store_;                                 // Fixed after construction.
  std::function<void(const store::ApprovalRow&)> carry_out_;  // Fixed before start().
  mutable telemetry::Mutex mutex_;
  std::shared_ptr<const AccessView> view_ ORC_GUARDED_BY(mutex_);
  std::int64_t revision_ ORC_GUARDED_BY(mutex_) = 0;
};

}  // namespace orchestrator::service
