#pragma once

#include "orchestrator/app/exit_code.hpp"

namespace CLI {
class App;
}

namespace orchestrator::app {

/// `run watch`: tells a run's story as it happens. `group` is the verb `run`; `exit` outlives the parsing.
void add_run_watch(CLI::App& group, Exit& exit);

}  // namespace orchestrator::app
