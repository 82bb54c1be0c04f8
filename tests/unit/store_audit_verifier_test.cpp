#include <gtest/gtest.h>

#include "orchestrator/store/audit.hpp"

namespace orchestrator::store {
namespace {

std::vector<AuditRow> a_chain(std::int32_t chain, int rows) {
  std::vector<AuditRow> made;
  std::string last(kChainStart);
  for (int i = 0; i < rows; ++i) {
    const auto entry = audited("default", {"alice", Role::operator_}, "run.cancel", "run-" + std::to_string(i), "");
    made.push_back(chained(*entry, chain, i, last, Timestamp{std::chrono::seconds{1'700'000'000 + i}}));
    last = made.back().hash;
  }
  return made;
}

std::vector<AuditBreak> breaks_of(const std::vector<AuditRow>& rows, const std::vector<AuditHead>& anchors = {}) {
  AuditVerifier verifier;
  for (const auto& anchor : anchors) verifier.expect(anchor);
  for (const auto& row : rows) verifier.take(row);
  return verifier.finish();
}

TEST(AuditHash, IsWhatTheDocumentedExampleSays) {
  AuditRow row;
  row.chain = 3;
  row.seq = 1;
  row.at = *parse_rfc3339("2026-01-31T10:00:00.123Z");
  row.entry = *audited("default", {"alice", Role::operator_}, "run.kill", "r-1", "stuck");
  row.previous_hash = std::string(kChainStart);

  // printf '1:3,1:1,24:2026-01-31T10:00:00.123Z,7:default,5:alice,8:operator,8:run.kill,3:r-1,5:stuck,0:,0:,64:%s,' \
  //   "$(printf '0%.0s' $(seq 64))" | sha256sum
  EXPECT_EQ(audit_hash(row), "9fb663c018d1cbdfae6297aa90d6071f3cf3939508ec38aedf2e9f16f37f0fb3");
}

TEST(AuditHash, MovesNoTextFromOneMemberToTheNext) {
  auto left = a_chain(0, 1).front();
  auto right = left;
  left.entry.target = "ab";
  left.entry.reason = "c";
  right.entry.target = "a";
  right.entry.reason = "bc";

  EXPECT_NE(audit_hash(left), audit_hash(right));
}

TEST(AuditVerifier, FindsNothingInWholeChainsInWhateverMixture) {
  auto rows = a_chain(1, 3);
  const auto other = a_chain(kClusterChain, 2);
  rows.insert(rows.begin() + 1, other[0]);
  rows.push_back(other[1]);

  EXPECT_TRUE(breaks_of(rows).empty());
}

TEST(AuditVerifier, NamesTheFirstBrokenRowOfEachChain) {
  auto rows = a_chain(1, 4);
  rows[1].entry.reason = "another";
  rows[3].entry.reason = "another";
  auto other = a_chain(2, 3);
  other.erase(other.begin());
  rows.insert(rows.end(), other.begin(), other.end());

  const auto breaks = breaks_of(rows);

  ASSERT_EQ(breaks.size(), 2U);
  EXPECT_EQ(breaks[0].chain, 1);
  EXPECT_EQ(breaks[0].seq, 2);
  EXPECT_EQ(breaks[1].chain, 2);
  EXPECT_EQ(breaks[1].seq, 1);
}

TEST(AuditVerifier, AnAnchorFindsAnEndThatIsMissingAndAChainWrittenAnew) {
  const auto rows = a_chain(1, 4);
  const AuditHead anchor{1, 4, rows[3].hash};

  EXPECT_TRUE(breaks_of(rows, {anchor}).empty());
  EXPECT_EQ(breaks_of({rows[0], rows[1]}, {anchor}).at(0).seq, 3);
  EXPECT_EQ(breaks_of({}, {anchor}).at(0).seq, 1);
  EXPECT_EQ(breaks_of(rows, {{1, 2, rows[3].hash}}).at(0).seq, 2);
}

TEST(AuditVerifier, FindsARowThatIsThereTwice) {
  auto rows = a_chain(1, 2);
  rows.push_back(rows.back());

  EXPECT_EQ(breaks_of(rows).at(0).seq, 2);
}

}  // namespace
}  // namespace orchestrator::store
