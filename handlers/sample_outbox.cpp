#include "handlers/sample_groups.hpp"
#include "handlers/sample_statements.hpp"

namespace orchestrator::samples {

HandlerEntries outbox_handlers() {
  return {
      transactional("outbox.claim",
                    make_statement_handler({{"outbox.lock", {"@namespace"}},
                                            {"outbox.claim", {"@namespace", "@key", "batch_size", "lease_seconds"}}})),
      transactional("outbox.mark",
                    make_statement_handler({{"outbox.mark", {"@namespace", "@key", "results", "max_tries"}}})),
      transactional("outbox.clean",
                    make_statement_handler({{"outbox.clean", {"@namespace", "clean_batch_size", "keep_seconds"}}})),
  };
}

}  // namespace orchestrator::samples
