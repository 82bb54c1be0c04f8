#include "handlers/builtin_clock.hpp"

#include <chrono>

#include "orchestrator/base/json.hpp"

namespace orchestrator::handlers {

HandlerEntry clock_handler() {
  HandlerEntry entry;
  entry.name = "clock";
  entry.plain = [](const Json&, TaskContext&) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return Outcome::completed(
        make_payload(Json{{"unix_us", std::chrono::duration_cast<std::chrono::microseconds>(now).count()}}));
  };
  return entry;
}

}  // namespace orchestrator::handlers
