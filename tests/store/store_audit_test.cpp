#include "orchestrator/base/json.hpp"
#include "orchestrator/store/audit.hpp"
#include "orchestrator/store/queue_settings.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store {
namespace {

AuditEntry an_entry(const std::string& action, const std::string& target = "run-1") {
  AuditEntry entry = *audited("default", {"alice", Role::operator_}, action, target, "because");
  entry.before_hash = audit_digest(Json{{"state", "waiting"}});
  entry.after_hash = audit_digest(Json{{"state", "cancelled"}});
  return entry;
}

class StoreAudit : public StoreConformance {
 protected:
  AuditPage list(AuditFilter filter = {}) {
    auto page = ask<AuditPage>([&](auto done) { store().list_audit(filter, done); });
    EXPECT_TRUE(page) << page.error().message;
    return page ? *std::move(page) : AuditPage{};
  }
  /// A batch of one shard with these entries and nothing else.
  Result<CommitAnswer> write(const ShardLease& lease, std::vector<AuditEntry> entries) {
    Batch batch = a_batch({lease});
    for (AuditEntry& entry : entries) batch.audit.push_back({lease.shard, std::move(entry)});
    return commit(batch);
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, StoreAudit, testing::Values(BackendKind::memory, BackendKind::postgres), backend_name);

TEST_P(StoreAudit, EachShardsRowsAreOneChainFromItsStart) {
  const auto leases = own(store(), "a", {1, 2});

  ASSERT_TRUE(write(leases[0], {an_entry("run.cancel"), an_entry("run.retry")}));
  ASSERT_TRUE(write(leases[1], {an_entry("run.edit")}));
  ASSERT_TRUE(write(leases[0], {an_entry("run.kill")}));

  const auto page = list({.chain = 1});
  ASSERT_EQ(page.items.size(), 3U);
  EXPECT_EQ(page.items[0].entry.action, "run.kill");
  EXPECT_EQ(page.items[2].entry.action, "run.cancel");
  EXPECT_EQ(page.items[2].seq, 1);
  EXPECT_EQ(page.items[2].previous_hash, kChainStart);
  EXPECT_EQ(page.items[1].previous_hash, page.items[2].hash);
  EXPECT_EQ(page.items[0].previous_hash, page.items[1].hash);
  EXPECT_EQ(list({.chain = 2}).items.at(0).seq, 1);
}

TEST_P(StoreAudit, HashIsTheDocumentedOneOverWhateverPeopleWrite) {
  AuditEntry odd = an_entry("run.cancel");
  odd.caller.actor = "J\xc3\xbcrgen";
  odd.reason = std::string("3:abc,\n\"quoted\"\\ and a zero byte: ") + '\0' + " \xf0\x9f\x92\xb8";
  odd.before_hash.clear();

  ASSERT_TRUE(write(own(1), {odd}));

  const AuditRow row = list().items.at(0);
  EXPECT_EQ(row.hash, audit_hash(row));
  EXPECT_EQ(row.entry.caller.actor, odd.caller.actor);
  EXPECT_EQ(row.entry.caller.role, Role::operator_);
  EXPECT_EQ(row.entry.before_hash, "");
  EXPECT_EQ(row.entry.after_hash, odd.after_hash);
  EXPECT_NE(row.entry.reason.find("\xef\xbf\xbd"), std::string::npos);
}

TEST_P(StoreAudit, AShardThatWasLostWritesNothing) {
  const auto old = own(store(), "a", {1, 2});
  const auto taken = own(store(), "a", {1});
  Batch batch = a_batch(old);
  batch.audit.push_back({ShardId{1}, an_entry("run.cancel")});
  batch.audit.push_back({ShardId{2}, an_entry("run.retry")});

  const auto answer = commit(batch);

  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->lost, std::vector<ShardId>{ShardId{1}});
  ASSERT_EQ(list().items.size(), 1U);
  EXPECT_EQ(list().items[0].entry.action, "run.retry");
  EXPECT_EQ(taken.size(), 1U);
}

TEST_P(StoreAudit, IsWrittenWithItsBatchOrNotAtAll) {
  const ShardLease lease = own(1);
  const OpenRunRow run = an_open_run(1);
  Batch first = a_batch({lease});
  first.opened.push_back(run);
  ASSERT_TRUE(commit(first));
  Batch again = a_batch({lease});
  again.opened.push_back(run);
  again.audit.push_back({lease.shard, an_entry("run.retry")});

  const auto refused = commit(again);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(list().items.empty());
}

TEST_P(StoreAudit, FiltersAndPagesLatestFirst) {
  const ShardLease lease = own(1);
  std::vector<AuditEntry> entries;
  for (int i = 0; i < 5; ++i) entries.push_back(an_entry("run.cancel", "run-" + std::to_string(i)));
  entries.push_back(an_entry("queue.pause", "mail"));
  entries.back().caller.actor = "bob";
  entries.push_back(an_entry("run.edit"));
  entries.back().namespace_name = "shop";
  ASSERT_TRUE(write(lease, entries));

  EXPECT_EQ(list({.namespace_name = "shop"}).items.size(), 1U);
  EXPECT_EQ(list({.actor = "bob"}).items.at(0).entry.target, "mail");
  EXPECT_EQ(list({.action = "run.cancel"}).items.size(), 5U);
  EXPECT_EQ(list({.action = "run."}).items.size(), 6U);
  EXPECT_EQ(list({.action = "run"}).items.size(), 0U);
  EXPECT_EQ(list({.target = "run-3"}).items.size(), 1U);
  const Timestamp at = list().items.at(0).at;
  EXPECT_EQ(list({.after = at}).items.size(), 7U);
  EXPECT_EQ(list({.before = at}).items.size(), 0U);

  AuditFilter pages{.limit = 3};
  std::vector<std::int64_t> seen;
  for (int page = 0; page < 3; ++page) {
    const auto part = list(pages);
    for (const auto& row : part.items) seen.push_back(row.seq);
    pages.cursor = part.next_cursor.value_or("");
    EXPECT_EQ(part.next_cursor.has_value(), page < 2);
  }
  EXPECT_EQ(seen, (std::vector<std::int64_t>{7, 6, 5, 4, 3, 2, 1}));
  const auto wrong = ask<AuditPage>([&](auto done) { store().list_audit({.cursor = "1.2"}, done); });
  EXPECT_EQ(wrong.error().slug, "invalid-parameter");
}

TEST_P(StoreAudit, WhatBelongsToNoShardIsInTheClusterChain) {
  DeployRequest deploy{.namespace_name = "default", .name = "pay", .source = "{}", .checksum = std::string(64, 'a')};
  deploy.audit = audited("default", {"dora", Role::developer}, "workflow.deploy", "pay", "");
  const auto deployed = [&] { return ask<DeployAnswer>([&](auto done) { store().deploy(deploy, done); }); };
  ASSERT_TRUE(deployed());
  ASSERT_TRUE(deployed());  // the same text again is no action
  deploy.checksum = std::string(64, 'b');
  ASSERT_TRUE(deployed());
  QueueSettingsChange pause{.namespace_name = "default", .name = "mail", .reason = "broken"};
  pause.paused = true;
  pause.audit = audited("default", {"alice", Role::operator_}, "queue.pause", "mail", "broken");
  ASSERT_TRUE(ask<QueueSettingsRow>([&](auto done) { store().change_queue_settings(pause, done); }));
  pause.paused = false;
  ASSERT_TRUE(ask<QueueSettingsRow>([&](auto done) { store().change_queue_settings(pause, done); }));

  const auto rows = list({.chain = kClusterChain}).items;

  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[3].entry.before_hash, "");
  EXPECT_EQ(rows[3].entry.after_hash, std::string(64, 'a'));
  EXPECT_EQ(rows[2].entry.before_hash, std::string(64, 'a'));
  EXPECT_EQ(rows[1].entry.before_hash, "");
  EXPECT_EQ(rows[0].entry.before_hash, rows[1].entry.after_hash);
  EXPECT_NE(rows[0].entry.after_hash, rows[1].entry.after_hash);
  AuditVerifier verifier;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) verifier.take(*row);
  EXPECT_TRUE(verifier.finish().empty());
}

TEST_P(StoreAudit, NobodyAskedMeansNobodyIsWrittenDown) {
  DeployRequest deploy{.namespace_name = "default", .name = "pay", .source = "{}", .checksum = std::string(64, 'a')};
  ASSERT_TRUE(ask<DeployAnswer>([&](auto done) { store().deploy(deploy, done); }));
  ASSERT_TRUE(ask<CreatedNamespace>([&](auto done) { store().create_namespace("shop", std::nullopt, done); }));

  EXPECT_TRUE(list().items.empty());
}

}  // namespace
}  // namespace orchestrator::store
