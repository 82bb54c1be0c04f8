#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries refund_handlers() {
  const StatementStep lock{"refund.lock", {"@namespace", "refund_id"}};
  return {
      // Whichever of the two payments it is: the other lock finds nothing.
      transactional("refund.open", make_statement_handler({{"payment.lock", {"@namespace", "subject"}},
                                                           {"plan_payment.lock", {"@namespace", "subject"}},
                                                           {"refund.open",
                                                            {"@namespace", "@key", "refund_id", "subject_type",
                                                             "subject", "amount_minor?", "amount?", "reason"}}})),
      transactional(
          "refund.settle",
          make_statement_handler(
              {lock, {"refund.settle", {"@namespace", "@key", "refund_id", "decided_by", "second_by?", "answer"}}})),
  };
}

}  // namespace orchestrator::samples
