#pragma once

#include <cstdint>

namespace orchestrator::telemetry {

/// What this process has used so far.
struct ProcessUsage {
  std::int64_t process_id = 0;
  double cpu_seconds = 0;  ///< user and system time of all threads
  std::int64_t resident_bytes = 0;
  double start_unix_seconds = 0;
};

/// Reads /proc; members that cannot be read stay 0.
ProcessUsage read_own_usage();

}  // namespace orchestrator::telemetry
