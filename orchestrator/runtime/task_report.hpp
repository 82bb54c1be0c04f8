#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/model/outcome.hpp"
#include "orchestrator/model/run_state.hpp"
#include "orchestrator/runtime/remote_claims.hpp"
#include "orchestrator/runtime/requests.hpp"
#include "orchestrator/runtime/task_token.hpp"

/// What passes between remote workers and the owners of their tasks.
namespace orchestrator::runtime {

/// Under which terms a worker takes tasks.
struct ClaimTerms {
  std::string worker_id;
  std::string instance;  ///< names the worker's process; empty: not told
  Duration lease{};      ///< how long it keeps a task without a heartbeat
};

/// A worker asks for tasks.
struct ClaimRequest {
  ClaimFilter filter;
  ClaimTerms terms;
  std::size_t max_tasks = 1;
  Duration wait{};  ///< how long it waits when there is nothing
};

/// A task as a remote worker gets it.
struct ClaimedTask {
  std::string token;
  std::string namespace_name;
  RunId run_id;
  std::string workflow;
  std::string state_name;
  std::string handler;
  std::string queue;
  std::int32_t attempt = 1;
  Payload input;
  std::string idempotency_key;
  Timestamp lease_expires_at{};
  std::optional<Timestamp> deadline;  ///< TimeoutSeconds, counted from now
  std::string traceparent;
  Payload heartbeat_details;  ///< what the attempt before said last; null pointer: nothing
};

/// What a worker says about a task that it holds.
struct TaskReport {
  enum class Kind : std::uint8_t {
    outcome,    ///< complete, fail and release
    heartbeat,  ///< keeps the lease
    unclaimed,  ///< the worker never learned of it: as if it had not been claimed
  };
  std::string namespace_name;
  TaskToken token;
  Kind kind = Kind::outcome;
  Outcome outcome;
  Payload details;        ///< of a heartbeat; null pointer: the last ones stay
  bool repeated = false;  ///< sent once before, and nobody knows whether it arrived
};

/// The answer to whoever no longer holds the task.
Error stale_lease();

/// Whether both say the same about an attempt, so that the second one changes nothing.
bool is_same_outcome(const Outcome& left, const Outcome& right);

Json to_json(const ClaimRequest& request);
Json to_json(const ClaimFilter& filter);
Json to_json(const std::vector<ClaimedTask>& tasks);
Json to_json(const TaskReport& report);
Json to_json(const TaskAnswer& answer);

ClaimRequest claim_request_from(const Json& object);
ClaimFilter claim_filter_from(const Json& object);
std::vector<ClaimedTask> claimed_tasks_from(const Json& array);
TaskReport task_report_from(const Json& object);
TaskAnswer task_answer_from(const Json& object);

}  // namespace orchestrator::runtime
