#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries sweep_handlers() {
  return {
      transactional("stock.sweep", make_statement_handler({{"stock.sweep", {"@namespace", "@key", "batch_size"}}})),
      transactional(
          "onboarding.sweep",
          make_statement_handler(
              {{"onboarding.sweep", {"@namespace", "@key", "batch_size", "lifetime_seconds", "grace_seconds"}}})),
  };
}

}  // namespace orchestrator::samples
