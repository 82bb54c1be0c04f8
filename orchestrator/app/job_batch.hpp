#pragma once

#include <string>

#include "orchestrator/app/client.hpp"
#include "orchestrator/app/exit_code.hpp"

namespace orchestrator::app {

/// Jobs of one call. A file may hold more: it is sent in parts, so that a bar can tell how far it is.
inline constexpr std::size_t kJobsPerCall = 500;

/// Enqueues what a JSON array of job bodies names, and tells which were refused; exit 1 when one was. `source` is JSON,
/// @FILE or - for standard input. A repeat with the same `idempotency_key` enqueues only what is missing.
void enqueue_batch(const ClientOptions& client, const std::string& source, const std::string& idempotency_key,
                   Exit& exit);

}  // namespace orchestrator::app
