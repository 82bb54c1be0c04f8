#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "orchestrator/digest/digest.hpp"
#include "orchestrator/digest/encoding.hpp"
#include "orchestrator/service/access.hpp"
#include "orchestrator/store/memory/memory_database.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::testing_support {

/// Keys, policies and approvals over the tables of the memory store. The clock is the test's.
class FakeAccess final : public service::Access {
 public:
  void set_now(Timestamp now) {
    const telemetry::MutexLock lock(mutex_);
    now_ = now;
  }
  [[nodiscard]] std::vector<store::AuditRow> audit() const {
    const telemetry::MutexLock lock(mutex_);
    const auto found = tables_.audit.find(store::kClusterChain);
    return found == tables_.audit.end() ? std::vector<store::AuditRow>{} : found->second;
  }

  [[nodiscard]] std::shared_ptr<const service::AccessView> view() const override {
    const telemetry::MutexLock lock(mutex_);
    auto view = std::make_shared<service::AccessView>();
    for (const auto& [id, key] : tables_.api_keys) view->keys[key.secret_sha256] = key;
    view->policies = tables_.policies;
    return view;
  }
  void create_key(service::NewApiKey request, Reply<service::MadeApiKey> reply) override {
    service::MadeApiKey made;
    {
      const telemetry::MutexLock lock(mutex_);
      made.key = std::string(service::kKeyPrefix) + "secret-of-" + request.name + "-" + std::to_string(next_);
      made.row.key_id = store::KeyId{make_uuid7(now_, ShardId{0}, next_++)};
      made.row.name = request.name;
      made.row.role = request.role;
      made.row.namespaces = request.namespaces;
      made.row.scopes = request.scopes;
      made.row.expires_at = request.expires_at;
      made.row.prefix = made.key.substr(0, 8);
      made.row.secret_sha256 = digest::to_hex(digest::hash(digest::Algorithm::sha256, made.key));
      made.row = *store::memory::create_api_key(tables_, made.row, std::nullopt, now_);
    }
    reply(std::move(made));
  }
  void revoke_key(service::RevokeApiKey request, Reply<store::ApiKeyRow> reply) override {
    answer(reply, [&] { return store::memory::revoke_api_key(tables_, request.key_id, std::nullopt, now_); });
  }
  void list_keys(Reply<std::vector<store::ApiKeyRow>> reply) override {
    answer(reply, [&]() -> Result<std::vector<store::ApiKeyRow>> {
      return store::memory::read_access_changes(tables_, 0).keys;
    });
  }
  void put_policy(store::PolicyRow policy, Caller /*caller*/, Reply<store::PolicyRow> reply) override {
    answer(reply, [&] { return store::memory::put_policy(tables_, policy, std::nullopt, now_); });
  }
  void find_policy(std::string namespace_name, Reply<store::PolicyRow> reply) override {
    answer(reply, [&]() -> Result<store::PolicyRow> { return tables_.policies[namespace_name]; });
  }
  void add_approval(store::ApprovalRow approval, Reply<store::ApprovalRow> reply) override {
    answer(reply, [&] {
      if (approval.approval_id.is_nil())
        approval.approval_id = store::ApprovalId{make_uuid7(now_, ShardId{0}, next_++)};
      return store::memory::add_approval(tables_, approval, std::nullopt, now_);
    });
  }
  void find_approval(std::string namespace_name, store::ApprovalId id, Reply<store::ApprovalRow> reply) override {
    answer(reply, [&] { return store::memory::find_approval(tables_, namespace_name, id); });
  }
  void list_approvals(store::ApprovalFilter filter, Reply<store::ApprovalPage> reply) override {
    answer(reply, [&] { return store::memory::list_approvals(tables_, filter); });
  }
  void decide_approval(store::ApprovalRow /*row*/, store::ApprovalDecision decision, Role /*role*/,
                       Reply<store::ApprovalRow> reply) override {
    decision.hold = std::chrono::seconds{30};
    answer(reply, [&] { return store::memory::decide_approval(tables_, decision, std::nullopt, now_); });
  }
  void finish_approval(std::string namespace_name, store::ApprovalId id, std::int32_t status, std::string answer_text,
                       Reply<store::ApprovalRow> reply) override {
    answer(reply, [&] { return store::memory::finish_approval(tables_, namespace_name, id, status, answer_text); });
  }

  void carry_out_with(std::function<void(const store::ApprovalRow&)> carry_out) override {
    const telemetry::MutexLock lock(mutex_);
    carry_out_ = std::move(carry_out);
  }

  /// What the engine's sweep does: ends what is overdue, and goes on with what nobody carries out any more.
  void sweep() {
    std::vector<store::ApprovalRow> taken;
    std::function<void(const store::ApprovalRow&)> carry_out;
    {
      const telemetry::MutexLock lock(mutex_);
      store::memory::expire_approvals(tables_, now_);
      taken = store::memory::take_approved(tables_, std::chrono::seconds{30}, now_);
      carry_out = carry_out_;
    }
    for (const store::ApprovalRow& row : taken) carry_out(row);
  }

 private:
  /// Answers outside of the lock, as a store does.
  template <typename T, typename Work>
  void answer(const Reply<T>& reply, Work work) {
    std::optional<Result<T>> result;
    {
      const telemetry::MutexLock lock(mutex_);
      result.emplace(work());
    }
    reply(*std::move(result));
  }

  // Guarded by mutex_; the work in answer() runs under it, which the compiler cannot see.
  mutable telemetry::Mutex mutex_;
  std::function<void(const store::ApprovalRow&)> carry_out_;
  store::memory::Tables tables_;
  Timestamp now_{std::chrono::seconds{1'763'613'000}};
  std::uint64_t next_ = 1;
};

}  // namespace orchestrator::testing_support
