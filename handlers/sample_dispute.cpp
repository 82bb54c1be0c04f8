#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries dispute_handlers() {
  const StatementStep lock{"dispute.lock", {"@namespace", "provider", "dispute_id"}};
  return {
      transactional("dispute.open",
                    make_statement_handler({{"dispute.open",
                                             {"@namespace", "@key", "provider", "dispute_id", "m_payment_id",
                                              "amount_minor", "fee_minor", "currency", "due_by"}}})),
      transactional("dispute.collect_evidence",
                    make_statement_handler(
                        {lock, {"dispute.collect_evidence", {"@namespace", "@key", "provider", "dispute_id"}}})),
      transactional("dispute.debit", make_statement_handler(
                                         {lock, {"dispute.debit", {"@namespace", "@key", "provider", "dispute_id"}}})),
      transactional(
          "dispute.reinstate",
          make_statement_handler({lock, {"dispute.reinstate", {"@namespace", "@key", "provider", "dispute_id"}}})),
      transactional(
          "dispute.next_round",
          make_statement_handler({{"dispute.next_round", {"@namespace", "provider", "dispute_id", "due_by"}}})),
      transactional("dispute.note",
                    make_statement_handler(
                        {{"dispute.note", {"@namespace", "@key", "provider", "dispute_id", "action", "detail"}}})),
      transactional("dispute.settle",
                    make_statement_handler(
                        {lock, {"dispute.settle", {"@namespace", "@key", "provider", "dispute_id", "outcome"}}})),
  };
}

}  // namespace orchestrator::samples
