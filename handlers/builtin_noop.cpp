#include "handlers/builtin_noop.hpp"

namespace orchestrator::handlers {

HandlerEntry noop_handler() {
  HandlerEntry entry;
  entry.name = "noop";
  entry.plain = [](const Json&, TaskContext&) { return Outcome::completed(nullptr); };
  entry.immediate = true;
  return entry;
}

}  // namespace orchestrator::handlers
