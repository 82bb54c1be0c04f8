#pragma once

#include "orchestrator/base/json.hpp"

namespace orchestrator::app {

struct TopReading;

/// What a frame of `top` says, for programs: `{at, url, namespace, rates, p95_seconds, store, queues, nodes,
/// missing_nodes, dead_letters, decisions}`. Rates are per second between `before` and `now`; null where nothing can be
/// said.
Json top_json(const TopReading& now, const TopReading* before);

}  // namespace orchestrator::app
