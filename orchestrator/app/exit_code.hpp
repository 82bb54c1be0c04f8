#pragma once

namespace orchestrator::app {

/// What the process tells its caller.
enum class ExitCode : int {
  ok = 0,
  refused = 1,      ///< refused or failed
  wrong_usage = 2,  ///< the command line itself
};

/// The answer of the verb that ran. Filled by its callback, returned by main().
struct Exit {
  ExitCode code = ExitCode::ok;
};

}  // namespace orchestrator::app
