#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/base/timestamp.hpp"

namespace orchestrator {

/// One failed attempt of a job.
struct FailedAttempt {
  std::int32_t attempt = 1;
  Timestamp at{};
  std::string error;  ///< States.Timeout, Orchestrator.WorkerLost, or the handler's own
  std::string cause;
  std::string worker;  ///< who had it; empty when nobody is known to have begun
  bool retryable = true;
  std::optional<Timestamp> retry_at;  ///< nothing: it was the last one, or a lost one that went out again at once
};

/// Failed attempts that a job's row keeps. Source: the HTTP contract, "the last 10 failed attempts".
inline constexpr std::size_t kKeptFailures = 10;

/// What a job's row tells beside its columns, since a job has no journal: column job_state of open_runs and
/// closed_runs. A job that goes well has none.
struct JobRecord {
  std::vector<FailedAttempt> failures;  ///< the last kKeptFailures, oldest first
  Payload run;                          ///< core::Run::checkpoint; null once it succeeded
};

/// Adds a failure, and drops the oldest beyond kKeptFailures.
void keep_failure(std::vector<FailedAttempt>& failures, FailedAttempt failure);

std::string encode_job_record(const JobRecord& record);
/// internal when it is nothing that encode_job_record wrote.
Result<JobRecord> decode_job_record(std::string_view text);

}  // namespace orchestrator
