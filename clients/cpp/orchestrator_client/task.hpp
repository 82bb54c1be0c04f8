#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace orchestrator_client {

using Json = nlohmann::json;
using Seconds = std::chrono::duration<double>;

class HeldTask;  // held_task.hpp, of this library

/// An attempt of a step or job, as the server handed it out.
struct Task {
  std::string token;
  std::string run_id;
  std::string workflow;
  std::string step;
  std::string handler;
  std::int32_t attempt = 1;  ///< from 1
  Json input;
  std::string idempotency_key;          ///< the same for every attempt: give it to whatever you call outside
  std::optional<std::string> deadline;  ///< RFC 3339: when the server stops waiting for this attempt
  std::optional<std::string> traceparent;
  Json heartbeat_details;  ///< what the attempt before this one said last; null for a first attempt
};

/// Thrown by a handler: the attempt failed with this error name. Tried again by the step's or job's policy, not before
/// `retry_after`, unless it is not retryable.
class TaskFailure : public std::runtime_error {
 public:
  explicit TaskFailure(std::string error_, std::string cause_ = {}, bool retryable_ = true,
                       std::optional<Seconds> retry_after_ = std::nullopt)
      : std::runtime_error(error_ + ": " + cause_),
        error(std::move(error_)),
        cause(std::move(cause_)),
        retryable(retryable_),
        retry_after(retry_after_) {}

  std::string error;
  std::string cause;
  bool retryable;
  std::optional<Seconds> retry_after;
};

/// Thrown by a handler: not now. The task is handed out again after `delay`; that costs no attempt.
class Snooze : public std::runtime_error {
 public:
  explicit Snooze(Seconds delay_) : std::runtime_error("snoozed"), delay(delay_) {}
  Seconds delay;
};

/// Thrown inside a handler when its work is not wanted any more. Let it pass: the worker gives the task back.
class TaskCancelled : public std::runtime_error {
 public:
  explicit TaskCancelled(const std::string& why) : std::runtime_error(why) {}
};

/// What a handler is given beside its input. Valid during the call, on any thread.
class TaskContext {
 public:
  explicit TaskContext(HeldTask& held) : held_(held) {}

  [[nodiscard]] const Task& task() const;
  /// Whether the work should stop: the run is being cancelled, the lease is lost, or the worker ends.
  [[nodiscard]] bool is_cancelled() const;
  /// Waits; true as soon as the work should stop. Instead of sleeping.
  bool wait_for_cancel(Seconds longest) const;
  /// Throws TaskCancelled when the work should stop.
  void throw_if_cancelled() const;
  /// Leaves `details` for the next attempt, should this one be lost, and tells the server at once. Leases are renewed
  /// without it. Throws TaskCancelled when the work should stop.
  void heartbeat(Json details) const;

 private:
  HeldTask& held_;
};

/// Performs a step: gets the input, returns the output. An exception that is none of the above is a failure with the
/// error name `Worker.HandlerThrew`.
using Handler = std::function<Json(const Json& input, TaskContext& context)>;

}  // namespace orchestrator_client
