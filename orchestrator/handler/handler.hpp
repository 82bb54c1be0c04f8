#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "orchestrator/base/ids.hpp"
#include "orchestrator/base/json_fwd.hpp"
#include "orchestrator/base/result.hpp"
#include "orchestrator/handler/sql.hpp"
#include "orchestrator/model/outcome.hpp"

namespace orchestrator {

/// What a handler is given beside its input. Valid during the call only.
struct TaskContext {
  std::string namespace_name;
  RunId run_id;
  std::string workflow;
  std::string state_name;
  std::optional<std::string> run_key;
  std::int32_t attempt = 1;
  std::string idempotency_key;  ///< the same for every attempt of the step
  std::string traceparent;
  Timestamp now{};  ///< database time when the task was handed out
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* cancel_requested = nullptr;  ///< never null during a call
  std::function<void(const Json& details)> heartbeat;   ///< renews HeartbeatSeconds; safe from the handler's thread
  std::function<void(std::string_view event, const Json& fields)> log;  ///< one JSON line; never payloads or secrets
};

/// Performs a step. May block; runs on a handler thread. Must not throw across this border: the pool turns an escaped
/// exception into the error Orchestrator.HandlerThrew.
using PlainHandler = std::function<Outcome(const Json& input, TaskContext& context)>;

/// The same with SQL that commits together with the step: exactly once. Only `completed` commits; any other outcome
/// rolls the statements back.
using TransactionalHandler = std::function<Outcome(const Json& input, TaskContext& context, Sql& sql)>;

/// A handler under its name.
struct HandlerEntry {
  std::string name;
  PlainHandler plain;  ///< exactly one of plain and transactional
  TransactionalHandler transactional;
  /// Never blocks, takes microseconds and has no effect outside: may run on the shard's own strand instead of a handler
  /// thread, and once more when its commit failed.
  bool immediate = false;
};

/// The one list of handlers compiled in. Filled at start, then only read; safe from any thread after that.
class HandlerRegistry {
 public:
  /// already_exists when the name is taken, invalid_argument when it is no valid name: the process refuses to start.
  Status add(HandlerEntry entry);
  [[nodiscard]] const HandlerEntry* find(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::map<std::string, HandlerEntry, std::less<>> entries_;
};

}  // namespace orchestrator
