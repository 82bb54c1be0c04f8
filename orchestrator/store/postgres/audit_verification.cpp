#include "orchestrator/store/postgres/audit_verification.hpp"

#include "orchestrator/store/postgres/audit.hpp"
#include "orchestrator/store/postgres/row_reader.hpp"

namespace orchestrator::store::postgres {
namespace {

/// Rows that a verification holds in memory at a time.
constexpr std::int64_t kVerifiedRows = 10'000;

void expect_heads(Transaction& transaction, AuditVerifier& verifier) {
  for (const auto& row : transaction.execute("read_audit_heads")) {
    RowReader reader(row);
    AuditHead head;
    head.chain = reader.integer();
    head.seq = reader.bigint();
    head.hash = reader.text();
    verifier.expect(head);
  }
}

void take_rows(Transaction& transaction, AuditVerifier& verifier) {
  std::int64_t chain = kClusterChain;
  std::int64_t seq = 0;
  for (bool is_more = true; is_more;) {
    Parameters parameters;
    parameters.integer(chain).integer(seq).integer(kVerifiedRows);
    const auto rows = transaction.execute("read_audit_chains", std::move(parameters));
    for (const auto& row : rows) {
      const AuditRow found = read_audit_row(row);
      verifier.take(found);
      chain = found.chain;
      seq = found.seq;
    }
    is_more = static_cast<std::int64_t>(rows.size()) == kVerifiedRows;
  }
}

}  // namespace

Result<AuditVerdict> verify_audit(const std::string& url, const std::vector<AuditHead>& anchors) {
  SessionOptions options;
  options.url = url;
  options.application_name = "orchestrator-audit";
  options.kind = SessionKind::page;
  Session session(std::move(options));
  // One snapshot: a row that is written meanwhile is neither in the table nor in the heads.
  return session.run<AuditVerdict>(Mode::snapshot, [&](Transaction& transaction) -> Result<AuditVerdict> {
    AuditVerifier verifier;
    for (const AuditHead& anchor : anchors) verifier.expect(anchor);
    expect_heads(transaction, verifier);
    take_rows(transaction, verifier);
    return AuditVerdict{verifier.finish(), verifier.heads(), verifier.rows()};
  });
}

}  // namespace orchestrator::store::postgres
