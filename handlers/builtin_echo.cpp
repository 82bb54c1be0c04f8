#include "handlers/builtin_echo.hpp"

#include "orchestrator/base/json.hpp"

namespace orchestrator::handlers {

HandlerEntry echo_handler() {
  HandlerEntry entry;
  entry.name = "echo";
  entry.plain = [](const Json& input, TaskContext&) { return Outcome::completed(make_payload(input)); };
  entry.immediate = true;
  return entry;
}

}  // namespace orchestrator::handlers
