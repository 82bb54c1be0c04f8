#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "orchestrator/handler/sql.hpp"
#include "orchestrator/store/postgres/session.hpp"

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
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Session*> free_;  // Guarded by mutex_.
  bool stopping_ = false;       // Guarded by mutex_.
};

}  // namespace orchestrator::store::postgres
