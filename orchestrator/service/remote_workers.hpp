#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "orchestrator/base/result.hpp"
#include "orchestrator/runtime/task_report.hpp"

namespace orchestrator::service {

/// What a worker says about its task, with the token as it was given.
struct ReportTask {
  std::string namespace_name;
  std::string token;
  runtime::TaskReport::Kind kind = runtime::TaskReport::Kind::outcome;
  Outcome outcome;
  Payload details;
};

/// The use cases of remote workers. Every method is thread-safe, returns at once and never throws; replies come once,
/// on an engine thread.
class RemoteWorkers {
 public:
  template <typename T>
  using Reply = std::function<void(Result<T>)>;

  virtual ~RemoteWorkers() = default;

  /// Answers with tasks as soon as there are some, or with none after the request's wait. Answers a number for
  /// `stop_claim`.
  virtual std::uint64_t claim(runtime::ClaimRequest request, Reply<std::vector<runtime::ClaimedTask>> reply) = 0;
  /// Answers a claim that still waits, with nothing.
  virtual void stop_claim(std::uint64_t number) = 0;
  /// The worker never learned of these tasks: as if they had not been claimed.
  virtual void give_back(std::string namespace_name, std::vector<runtime::ClaimedTask> tasks) = 0;
  /// Answered once it is committed. `stale-lease` when the worker does not hold the task (any more).
  virtual void report(ReportTask report, Reply<runtime::TaskAnswer> reply) = 0;
};

}  // namespace orchestrator::service
