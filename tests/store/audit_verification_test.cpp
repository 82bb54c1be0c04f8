// What somebody does to the audit behind the server's back, and who finds it.
#include "orchestrator/store/postgres/audit_verification.hpp"

#include <pqxx/except>

#include "orchestrator/store/postgres/postgres_store.hpp"
#include "tests/store/store_harness.hpp"

namespace orchestrator::store::postgres {
namespace {

class AuditVerification : public testing::Test {
 protected:
  AuditVerification() {
    auto store = open_postgres({.url = database_.url()});
    EXPECT_TRUE(store) << store.error().message;
    for (const char* name : {"one", "two", "three", "four"}) {
      auto audit = audited("default", {"dora", Role::developer}, "namespace.create", name, "");
      EXPECT_TRUE(ask<CreatedNamespace>([&](auto done) { (*store)->create_namespace(name, audit, done); }));
    }
  }

  /// As a superuser does who knows about the triggers.
  void tamper(const std::string& sql) const { database_.execute("set session_replication_role = replica; " + sql); }
  AuditVerdict verify(const std::vector<AuditHead>& anchors = {}) const {
    auto verdict = verify_audit(database_.url(), anchors);
    EXPECT_TRUE(verdict) << verdict.error().message;
    return verdict ? *std::move(verdict) : AuditVerdict{};
  }
  /// The number of the one row that is named.
  std::int64_t broken_row() const {
    const auto verdict = verify();
    EXPECT_EQ(verdict.breaks.size(), 1U);
    return verdict.breaks.empty() ? 0 : verdict.breaks.front().seq;
  }

  test::TestDatabase database_;
};

TEST_F(AuditVerification, AnUntouchedChainIsIntact) {
  const auto verdict = verify();

  EXPECT_TRUE(verdict.breaks.empty());
  EXPECT_EQ(verdict.rows, 4);
  ASSERT_EQ(verdict.heads.size(), 1U);
  EXPECT_EQ(verdict.heads[0].chain, kClusterChain);
  EXPECT_EQ(verdict.heads[0].seq, 4);
}

TEST_F(AuditVerification, TheDatabaseRefusesToChangeIt) {
  EXPECT_THROW(database_.execute("update orchestrator.audit set reason = 'x'"), pqxx::sql_error);
  EXPECT_THROW(database_.execute("delete from orchestrator.audit"), pqxx::sql_error);
  EXPECT_THROW(database_.execute("truncate orchestrator.audit"), pqxx::sql_error);
  EXPECT_THROW(database_.execute("delete from orchestrator.audit_chains"), pqxx::sql_error);
  EXPECT_THROW(database_.execute("update orchestrator.audit_chains set seq = 1"), pqxx::sql_error);

  EXPECT_TRUE(verify().breaks.empty());
}

TEST_F(AuditVerification, FindsARowThatWasEdited) {
  tamper("update orchestrator.audit set actor = 'mallory' where seq = 2");

  EXPECT_EQ(broken_row(), 2);
}

TEST_F(AuditVerification, FindsARowThatWasEditedTogetherWithItsHash) {
  tamper("update orchestrator.audit set hash = repeat('a', 64) where seq = 2");

  EXPECT_EQ(broken_row(), 2);
}

TEST_F(AuditVerification, FindsARowThatWasRemoved) {
  tamper("delete from orchestrator.audit where seq = 2");

  EXPECT_EQ(broken_row(), 2);
}

TEST_F(AuditVerification, FindsLastRowsThatWereRemoved) {
  tamper("delete from orchestrator.audit where seq >= 3");

  EXPECT_EQ(broken_row(), 3);
}

TEST_F(AuditVerification, FindsARowThatWasInserted) {
  tamper(
      "insert into orchestrator.audit select chain, 5, at, namespace, 'mallory', role, action, target, reason, "
      "before_hash, after_hash, hash, repeat('b', 64) from orchestrator.audit where seq = 4");

  EXPECT_EQ(broken_row(), 5);
}

TEST_F(AuditVerification, FindsAChainThatWasCutTogetherWithItsHeadByAnAnchor) {
  const auto before = verify();
  tamper(
      "delete from orchestrator.audit where seq = 4; update orchestrator.audit_chains c set seq = 3, "
      "hash = (select a.hash from orchestrator.audit a where a.chain = c.chain and a.seq = 3)");

  EXPECT_TRUE(verify().breaks.empty());
  const auto verdict = verify(before.heads);
  ASSERT_EQ(verdict.breaks.size(), 1U);
  EXPECT_EQ(verdict.breaks[0].seq, 4);
}

TEST_F(AuditVerification, FindsAChainThatWasWrittenAnewByAnAnchor) {
  const auto before = verify();
  tamper("delete from orchestrator.audit; delete from orchestrator.audit_chains");
  auto store = open_postgres({.url = database_.url()});
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    auto audit = audited("default", {"mallory", Role::admin}, "namespace.create", name, "");
    EXPECT_TRUE(ask<CreatedNamespace>([&](auto done) { (*store)->create_namespace(name, audit, done); }));
  }

  EXPECT_TRUE(verify().breaks.empty());
  EXPECT_EQ(verify(before.heads).breaks.at(0).seq, 4);
}

}  // namespace
}  // namespace orchestrator::store::postgres
