#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries payout_handlers() {
  const StatementStep lock{"payout.lock", {"@namespace", "order_id", "round"}};
  return {
      transactional("payout.open",
                    make_statement_handler(
                        {{"payout.open", {"@namespace", "@key", "order_id", "round?", "commission_basis_points"}}})),
      transactional("payout.find", make_statement_handler({{"payout.find", {"@namespace", "order_id"}}})),
      transactional("payout.hold", make_statement_handler(
                                       {lock, {"payout.hold", {"@namespace", "@key", "order_id", "round", "event"}}})),
      transactional(
          "payout.release",
          make_statement_handler({lock, {"payout.release", {"@namespace", "@key", "order_id", "round", "event"}}})),
      transactional(
          "payout.refuse",
          make_statement_handler({lock, {"payout.refuse", {"@namespace", "@key", "order_id", "round", "event"}}})),
      transactional(
          "payout.pay",
          make_statement_handler(
              {lock, {"payout.pay", {"@namespace", "@key", "order_id", "round", "confirmed_by", "second_by?"}}})),
      transactional("payout.reverse", make_statement_handler({lock,
                                                              {"payout.reverse",
                                                               {"@namespace", "@key", "order_id", "round",
                                                                "requested_by", "second_by?", "reason"}}})),
      transactional(
          "payout.note_receipt",
          make_statement_handler({{"payout.note_receipt", {"@namespace", "@key", "order_id", "vendor", "text"}}})),

      transactional(
          "order_dispute.open",
          make_statement_handler(
              {{"order_dispute.open", {"@namespace", "@key", "order_id", "dispute_id", "opened_by", "reason"}}})),
      transactional("order_dispute.close",
                    make_statement_handler(
                        {{"order_dispute.close", {"@namespace", "@key", "order_id", "dispute_id", "answer"}}})),
  };
}

}  // namespace orchestrator::samples
