#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries shared_handlers() {
  return {
      transactional("notification.add",
                    make_statement_handler(
                        {{"notification.add", {"@namespace", "@key", "recipient", "kind", "subject", "body"}}})),
      transactional("review.open",
                    make_statement_handler({{"review.open", {"@namespace", "@key", "kind", "subject", "facts"}}})),
      transactional("review.close",
                    make_statement_handler({{"review.close", {"@namespace", "@key", "kind", "subject", "answer"}}})),
      transactional("sample.seed",
                    make_statement_handler({{"sample.seed", {"@namespace", "stock", "agents", "clicks?"}}})),
      transactional("sample.audit", make_statement_handler({{"sample.audit", {"@namespace"}}})),
  };
}

}  // namespace orchestrator::samples
