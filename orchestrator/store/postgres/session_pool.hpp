#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "orchestrator/store/postgres/session.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::store::postgres {

/// Threads that share one queue of work; each has a session of its own. With one thread it is a lane: work is done in
/// the order given, one at a time.
class SessionPool {
 public:
  using Work = std::function<void(Session&)>;

  /// Work that waits at most; more is answered `unavailable` at once. Source: docs/operations/limits.md.
  static constexpr std::size_t kMaxQueued = 100'000;

  SessionPool(const SessionOptions& options, int threads);
  ~SessionPool();
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  /// Hands work to a thread. It is always called exactly once: after stop(), or when the queue is full, on the caller's
  /// thread with a session that answers `unavailable`. Any thread.
  void post(Work work);

  /// Lets running work finish, answers the rest `unavailable`, joins. Idempotent; any thread that is not one of ours.
  void stop();

 private:
  void serve(Session& session);

  SessionOptions options_;                          // Fixed after construction.
  std::vector<std::unique_ptr<Session>> sessions_;  // Fixed after construction.
  telemetry::Mutex stop_mutex_;
  std::vector<std::thread> threads_ ORC_GUARDED_BY(stop_mutex_);
  telemetry::Mutex mutex_;
  telemetry::Condition arrived_;
  std::deque<Work> queue_ ORC_GUARDED_BY(mutex_);
  bool stopping_ ORC_GUARDED_BY(mutex_) = false;
};

}  // namespace orchestrator::store::postgres
