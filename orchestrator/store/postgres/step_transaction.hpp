#pragma once

#include <memory>
#include <vector>

#include "orchestrator/handler/sql.hpp"
#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::store::postgres {

/// Sessions for transactional handlers, lent to one handler thread at a time.
class StepSessions {
 public:
  StepSessions(const SessionOptions& options, int count, std::chrono::milliseconds patience);
  ~StepSessions();
  StepSessions(const StepSessions&) = delete;
  StepSessions& operator=(const StepSessions&) = delete;

  /// Waits for a free session, begins a transaction and becomes the handler role. Blocking.
  /// Errors: unavailable (no database, stopping, or no session free within the patience).
  Result<std::unique_ptr<StepTransaction>> begin();

  /// Later begin() calls are refused; transactions that are open end by themselves. Idempotent.
  void stop();

 private:
  friend class LentSession;
  void give_back(Session* session);

  const std::chrono::milliseconds patience_;
  std::vector<std::unique_ptr<Session>> sessions_;  // Fixed after construction.
  telemetry::Mutex mutex_;
  telemetry::Condition returned_;
  std::vector<Session*> free_ ORC_GUARDED_BY(mutex_);
  bool stopping_ ORC_GUARDED_BY(mutex_) = false;
};

}  // namespace orchestrator::store::postgres
