#pragma once

/// Stops the process when an invariant of our own is broken; stays on in release builds. A restart recovers from the
/// database, carrying on would spread the damage. Never for anything that a caller, handler or network can cause.
#define ORC_CHECK(condition, sentence)                                                        \
  do {                                                                                        \
    if (!(condition)) ::orchestrator::check_failed(#condition, sentence, __FILE__, __LINE__); \
  } while (false)

namespace orchestrator {

[[noreturn]] void check_failed(const char* condition, const char* sentence, const char* file, int line);

}  // namespace orchestrator
