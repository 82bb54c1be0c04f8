#pragma once

#include <string>

#include "orchestrator/core/planner.hpp"
#include "orchestrator/language/definition.hpp"
#include "orchestrator/model/job_record.hpp"
#include "orchestrator/model/job_spec.hpp"

/// A job is a run of a definition that nobody deployed: one Task state, made from what the job was started with.
namespace orchestrator::core {

/// The one state of every job.
inline constexpr const char* kJobStateName = "Job";

/// The definition of jobs of this handler, queue and spec, of which its keys do not matter.
language::DefinitionPtr job_definition(const std::string& handler, const std::string& queue, const JobSpec& spec);

/// Whether two specs give the same definition.
bool same_job_definition(const JobSpec& left, const JobSpec& right);

/// Whether events of a decision change what a job's row must tell beyond its columns: anything but beginning and
/// succeeding does.
bool is_remarkable(const std::vector<HistoryEvent>& events);

/// The failures of one decision of a job, which `run` has applied. `worker` is who had the attempt, kept by the caller
/// from one decision to the next.
void note_failures(const Run& run, const std::vector<HistoryEvent>& events, std::string& worker,
                   std::vector<FailedAttempt>& failures);

/// Begins a job anew that has no record: the same events that its first decision had, since nothing in them is random.
/// @param began when its first work began, for a job that waited for its moment
void begin_again(const Planner& planner, Run& job, std::optional<Timestamp> began);

}  // namespace orchestrator::core
