#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/model/job_spec.hpp"
#include "orchestrator/model/run_state.hpp"

namespace orchestrator {

/// What a run was started with; fixed for its life. Kept in its open_runs or closed_runs row, never in the journal.
struct RunHeader {
  RunId id;
  std::string namespace_name;
  RunKind kind = RunKind::workflow;
  std::string workflow;            ///< jobs: the handler's name
  std::int32_t version = 0;        ///< of the definition; 0 for jobs
  std::optional<std::string> key;  ///< jobs: the unique key
  std::int32_t priority = 0;       ///< -100 to 100, higher first
  Payload input;                   ///< null means JSON null
  Payload attributes;              ///< an object of strings, numbers and booleans; null means {}
  std::optional<RunId> parent_run_id;
  EventId parent_step = 0;  ///< the parent's step that waits for us; 0 when detached or without parent
  std::optional<RunId> predecessor_run_id;
  std::string traceparent;                      ///< W3C trace context as received; empty when none
  Timestamp created_at{};                       ///< accepted
  std::optional<Timestamp> run_at;              ///< not before
  std::optional<std::int64_t> timeout_seconds;  ///< of the whole run, from its start; ends it as timed_out
  std::string queue;                            ///< jobs: where it waits; empty for workflows, whose steps say it
  JobSpecPtr job;                               ///< jobs: what is not default; null for workflows
};

}  // namespace orchestrator
