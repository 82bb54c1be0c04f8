#include "orchestrator/store/batch.hpp"

namespace orchestrator::store {

bool Batch::empty() const {
  return journal.empty() && opened.empty() && updated.empty() && closed.empty() && revived.empty() && checkpoints.empty() &&
         signals.empty() && waits_added.empty() && waits_removed.empty() && outgoing.empty() && inbox_done.empty() &&
         idempotency.empty();
}

}  // namespace orchestrator::store
