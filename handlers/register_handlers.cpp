#include "handlers/register_handlers.hpp"

#include <vector>

#include "handlers/builtin_clock.hpp"
#include "handlers/builtin_echo.hpp"
#include "handlers/builtin_fail.hpp"
#include "handlers/builtin_noop.hpp"
#include "handlers/builtin_sleep.hpp"
#include "handlers/http_request.hpp"

namespace orchestrator::handlers {

Status register_handlers(HandlerRegistry& registry, const HandlerSettings& settings) {
  std::vector<HandlerEntry> entries;
  entries.push_back(noop_handler());
  entries.push_back(clock_handler());
  entries.push_back(echo_handler());
  entries.push_back(sleep_handler());
  entries.push_back(fail_handler());
  entries.push_back(http_request_handler({.allow_private = settings.http_allow_private, .trust = settings.trust}));

  for (HandlerEntry& entry : entries) {
    if (Status added = registry.add(std::move(entry)); !added) return added;
  }
  return {};
}

}  // namespace orchestrator::handlers
