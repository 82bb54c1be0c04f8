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

/// Where jobs wait that name no queue.
inline constexpr const char* kDefaultQueue = "default";

enum class JobRetryKind : std::uint8_t { exponential, fixed, list };
std::string_view to_string(JobRetryKind kind);
std::optional<JobRetryKind> parse_job_retry_kind(std::string_view text);

/// When a job's failed attempt is tried again. Source of the defaults: the HTTP contract.
struct JobRetry {
  JobRetryKind kind = JobRetryKind::exponential;
  double initial_seconds = 1;  ///< exponential: the first delay; fixed: every delay
  double factor = 2;           ///< exponential
  double max_seconds = 3600;   ///< exponential: no delay is longer
  bool full_jitter = true;     ///< each delay is drawn between 0 and what the policy says
  /// list: the delay after the first, second, ... failure; the last one repeats.
  std::vector<double> delays_seconds;
  bool operator==(const JobRetry&) const = default;
};

/// What a job was started with beyond what every run has. Shared between jobs that say the same.
struct JobSpec {
  std::int32_t max_attempts = 5;
  JobRetry retry;
  std::optional<std::int64_t> timeout_seconds;  ///< of each attempt
  /// Jobs with one order key run strictly in the order of their acceptance. Empty: no order.
  std::string order_key;
  std::string concurrency_key;  ///< empty: none
  std::string rate_key;         ///< empty: none
  /// The place among the jobs of `order_key`, given by the owner at acceptance; 0 without an order key.
  std::int64_t order_number = 0;
  bool operator==(const JobSpec&) const = default;

  /// The one text that routes the job, as far as the spec knows it: its order, concurrency or rate key; empty: none.
  [[nodiscard]] const std::string& routing_key() const;
};

/// Null: everything is default. Most jobs are, and pay nothing.
using JobSpecPtr = std::shared_ptr<const JobSpec>;

/// The spec behind a pointer, or the defaults.
const JobSpec& job_spec_of(const JobSpecPtr& spec);

/// What makes a start that of a job. The start's `workflow` is then the handler's name, its `version` 0 and its `key`
/// the unique key.
struct JobStart {
  std::string queue = kDefaultQueue;
  JobSpecPtr spec;
  /// A closed job with the unique key that ended less than this ago counts as a conflict, too.
  std::optional<std::int64_t> unique_within_seconds;
  /// Not before so much database time after its acceptance; at most one of this and the start's `run_at`.
  std::optional<Duration> delay;
};

/// An object with what is not default, as open_runs.job keeps it; null pointer for a spec that is all default.
Payload encode_job_spec(const JobSpecPtr& spec);
/// The same as JSON text, for the many.
std::optional<std::string> job_spec_text(const JobSpecPtr& spec);
/// internal when it is nothing that encode_job_spec wrote. Null gives null.
Result<JobSpecPtr> decode_job_spec(const Payload& object);

/// For calls between nodes and messages: {queue, spec?, unique_within_seconds?, delay_us?}.
Json to_json(const JobStart& start);
Result<JobStart> job_start_from(const Json& object);

}  // namespace orchestrator
