#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/json_writer.hpp"
#include "orchestrator/service/service.hpp"

namespace orchestrator::api {

enum class RunShape : std::uint8_t {
  whole,  ///< one run: with input and output
  item,   ///< in a list: without them
};

/// @param more writes further members at the end of the object
void write_run(JsonWriter& writer, const store::RunView& view, RunShape shape, const std::optional<Timestamp>& as_of,
               const std::function<void()>& more = {});

/// The body of GET /v1/runs/{id}.
std::string run_text(const service::RunReading& reading);

/// The body of a start's answer: `{run_id, workflow, version, key, state}`, `existing` when one was found.
std::string started_text(const service::StartedRun& started);

/// The same of a job: `{run_id, state}`, `existing` when one was found.
std::string enqueued_text(const service::StartedRun& started);

}  // namespace orchestrator::api
