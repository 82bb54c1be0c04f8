#include "orchestrator/store/access.hpp"

#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

class StoreAccess : public StoreConformance {
 protected:
  AccessStore& access() { return store().access(); }

  Result<ApiKeyRow> make_key(const std::string& name, std::vector<std::string> namespaces = {"default"}) {
    ApiKeyRow key;
    key.key_id = KeyId{next_run_id(0).bytes};
    key.name = name;
    key.role = Role::operator_;
    key.namespaces = std::move(namespaces);
    key.scopes = {"verb:claim", "queue:mail"};
    key.prefix = "orc_0123";
    key.secret_sha256 = std::string(56, '0') + std::to_string(10'000'000 + ++made_);
    key.created_by = "admin-key";
    auto audit = audited("default", {"admin-key", Role::admin}, "api_key.create", key.key_id.str(), name);
    return ask<ApiKeyRow>([&](auto done) { access().create_key(key, audit, done); });
  }
  AccessChanges changes(std::int64_t after) {
    return *ask<AccessChanges>([&](auto done) { access().read_changes(after, done); });
  }

  ApprovalRow an_approval(Duration left = std::chrono::hours{1}) {
    ApprovalRow row;
    row.approval_id = ApprovalId{next_run_id(0).bytes};
    row.namespace_name = "default";
    row.action = "run.kill";
    row.target = "run-1";
    row.reason = "stuck";
    row.requested_by = "alice";
    row.requested_credential = "key:1";
    row.request = R"({"method":"POST","path":"/v1/runs/run-1/cancel","body":"{}"})";
    row.expires_at = std::chrono::floor<Duration>(std::chrono::system_clock::now()) + left;
    return row;
  }
  Result<ApprovalRow> add(const ApprovalRow& row) {
    auto audit = audited("default", {"alice", Role::operator_}, "approval.request", row.target, row.reason);
    return ask<ApprovalRow>([&](auto done) { access().add_approval(row, audit, done); });
  }
  Result<ApprovalRow> decide(const ApprovalId& id, ApprovalState to, const std::string& space = "default",
                             std::chrono::milliseconds hold = std::chrono::hours{1}) {
    ApprovalDecision decision{
        .namespace_name = space, .approval_id = id, .to = to, .actor = "bob", .reason = "seen", .hold = hold};
    auto audit = audited("default", {"bob", Role::operator_}, "approval.approve", "run-1", "seen");
    return ask<ApprovalRow>([&](auto done) { access().decide_approval(decision, audit, done); });
  }
  Result<ApprovalRow> finish(const ApprovalId& id) {
    return ask<ApprovalRow>([&](auto done) { access().finish_approval("default", id, 202, R"({"a":1})", done); });
  }
  std::size_t audit_rows() {
    return ask<AuditPage>([&](auto done) { store().list_audit({.limit = 500}, done); })->items.size();
  }

 private:
  int made_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Stores, StoreAccess, testing::Values(BackendKind::memory, BackendKind::postgres),
                         backend_name);

TEST_P(StoreAccess, KeysComeBackAsTheyWereMade) {
  const auto made = make_key("bot", {"shop", "default"});
  ASSERT_TRUE(made) << made.error().message;

  const auto seen = changes(0).keys;

  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].key_id, made->key_id);
  EXPECT_EQ(seen[0].name, "bot");
  EXPECT_EQ(seen[0].role, Role::operator_);
  EXPECT_EQ(seen[0].namespaces, (std::vector<std::string>{"shop", "default"}));
  EXPECT_EQ(seen[0].scopes, (std::vector<std::string>{"verb:claim", "queue:mail"}));
  EXPECT_EQ(seen[0].secret_sha256, made->secret_sha256);
  EXPECT_FALSE(seen[0].expires_at);
  EXPECT_EQ(audit_rows(), 1U);
}

TEST_P(StoreAccess, ChangesAreThoseAfterARevision) {
  const auto first = make_key("a");
  const auto second = make_key("b");
  const std::int64_t seen = changes(0).revision;
  EXPECT_EQ(seen, second->revision);
  EXPECT_TRUE(changes(seen).keys.empty());

  const auto revoked = ask<ApiKeyRow>([&](auto done) { access().revoke_key(first->key_id, "x", std::nullopt, done); });
  PolicyRow policy{.namespace_name = "default", .rules = R"([{"action":"run.kill"}])", .changed_by = "root"};
  ASSERT_TRUE(ask<PolicyRow>([&](auto done) { access().put_policy(policy, std::nullopt, done); }));

  ASSERT_TRUE(revoked);
  const auto since = changes(seen);
  ASSERT_EQ(since.keys.size(), 1U);
  EXPECT_TRUE(since.keys[0].revoked_at);
  ASSERT_EQ(since.policies.size(), 1U);
  EXPECT_EQ(since.policies[0].namespace_name, "default");
  EXPECT_GT(since.revision, revoked->revision);
}

TEST_P(StoreAccess, RevokingAgainKeepsTheFirstMoment) {
  const auto made = make_key("a");
  const auto revoke = [&] {
    return ask<ApiKeyRow>([&](auto done) { access().revoke_key(made->key_id, "x", std::nullopt, done); });
  };

  const auto first = revoke();
  const auto second = revoke();

  EXPECT_EQ(first->revoked_at, second->revoked_at);
  const KeyId nobody{next_run_id(0).bytes};
  EXPECT_EQ(ask<ApiKeyRow>([&](auto done) { access().revoke_key(nobody, "x", std::nullopt, done); }).error().code,
            ErrorCode::not_found);
}

TEST_P(StoreAccess, AnApprovalIsDecidedOnceAndFinishedOnce) {
  const auto asked = add(an_approval());
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->state, ApprovalState::waiting);
  EXPECT_FALSE(finish(asked->approval_id));

  const auto approved = decide(asked->approval_id, ApprovalState::approved);
  const auto again = decide(asked->approval_id, ApprovalState::rejected);
  const auto done = finish(asked->approval_id);

  ASSERT_TRUE(approved) << approved.error().message;
  EXPECT_EQ(approved->state, ApprovalState::approved);
  EXPECT_EQ(approved->decided_by, "bob");
  EXPECT_EQ(again.error().slug, "wrong-state");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->state, ApprovalState::done);
  EXPECT_EQ(done->status, 202);
  EXPECT_EQ(done->answer, R"({"a":1})");
  EXPECT_EQ(finish(asked->approval_id).error().slug, "wrong-state");
  EXPECT_EQ(audit_rows(), 2U);
}

TEST_P(StoreAccess, ARequestWhoseTimeIsOverIsEndedWithItsRow) {
  const auto late = add(an_approval(-std::chrono::seconds{5}));
  const auto waiting = add(an_approval());
  ASSERT_TRUE(late) << late.error().message;
  const auto expire = [&] { return ask<std::int64_t>([&](auto done) { access().expire_approvals(done); }); };

  EXPECT_EQ(*expire(), 1);
  EXPECT_EQ(*expire(), 0);

  const auto find = [&](const ApprovalId& id) {
    return *ask<ApprovalRow>([&](auto done) { access().find_approval("default", id, done); });
  };
  EXPECT_EQ(find(late->approval_id).state, ApprovalState::expired);
  EXPECT_EQ(find(late->approval_id).decided_by, "clock");
  EXPECT_EQ(find(waiting->approval_id).state, ApprovalState::waiting);
  const auto rows = ask<AuditPage>([&](auto done) { store().list_audit({.action = "approval.expire"}, done); })->items;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].entry.caller.actor, "clock");
  EXPECT_EQ(rows[0].entry.target, "run-1");
  EXPECT_NE(rows[0].entry.before_hash, rows[0].entry.after_hash);
}

TEST_P(StoreAccess, WhatIsApprovedIsTakenByOneAtATime) {
  const auto take = [&](std::chrono::milliseconds hold) {
    return *ask<std::vector<ApprovalRow>>([&](auto done) { access().take_approved(hold, done); });
  };
  const auto held = add(an_approval());
  const auto cut_short = add(an_approval());
  ASSERT_TRUE(add(an_approval()));
  ASSERT_TRUE(decide(held->approval_id, ApprovalState::approved, "default", std::chrono::hours{1}));
  ASSERT_TRUE(decide(cut_short->approval_id, ApprovalState::approved, "default", -std::chrono::milliseconds{1}));

  const auto first = take(std::chrono::hours{1});
  const auto second = take(std::chrono::hours{1});

  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].approval_id, cut_short->approval_id);
  EXPECT_EQ(first[0].state, ApprovalState::approved);
  EXPECT_TRUE(second.empty());
  ASSERT_TRUE(finish(cut_short->approval_id));
}

TEST_P(StoreAccess, AskingAgainUnderTheSameIdFindsTheFirst) {
  const ApprovalRow row = an_approval();
  ASSERT_TRUE(add(row));

  const auto again = add(row);

  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->approval_id, row.approval_id);
  EXPECT_EQ(audit_rows(), 1U);
}

TEST_P(StoreAccess, AnotherNamespaceNeitherFindsNorDecidesIt) {
  const auto asked = add(an_approval());

  EXPECT_EQ(decide(asked->approval_id, ApprovalState::approved, "shop").error().code, ErrorCode::not_found);
  const auto found = ask<ApprovalRow>([&](auto done) { access().find_approval("shop", asked->approval_id, done); });
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
}

TEST_P(StoreAccess, ApprovalsAreListedNewestFirstByState) {
  std::vector<ApprovalId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(add(an_approval())->approval_id);
  ASSERT_TRUE(decide(ids[1], ApprovalState::rejected));
  const auto list = [&](ApprovalFilter filter) {
    filter.namespace_name = "default";
    return *ask<ApprovalPage>([&](auto done) { access().list_approvals(filter, done); });
  };

  const auto first = list({.limit = 2});
  ASSERT_EQ(first.items.size(), 2U);
  EXPECT_EQ(first.items[0].approval_id, ids[2]);
  const auto second = list({.limit = 2, .cursor = first.next_cursor.value_or("")});
  ASSERT_EQ(second.items.size(), 1U);
  EXPECT_EQ(second.items[0].approval_id, ids[0]);
  EXPECT_FALSE(second.next_cursor);
  EXPECT_EQ(list({.state = ApprovalState::rejected}).items.size(), 1U);
}

}  // namespace
}  // namespace orchestrator::store
