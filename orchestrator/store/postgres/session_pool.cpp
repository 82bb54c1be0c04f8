#include "orchestrator/store/postgres/session_pool.hpp"

namespace orchestrator::store::postgres {

SessionPool::SessionPool(const SessionOptions& options, int threads) : options_(options) {
  for (int i = 0; i < threads; ++i) sessions_.push_back(std::make_unique<Session>(options_));
  for (auto& session : sessions_) threads_.emplace_back([this, own = session.get()] { serve(*own); });
}

SessionPool::~SessionPool() { stop(); }

void SessionPool::post(Work work) {
  {
    const telemetry::MutexLock lock(mutex_);
    if (!stopping_ && queue_.size() < kMaxQueued) {
      queue_.push_back(std::move(work));
      arrived_.notify_one();
      return;
    }
  }
  Session refusing(options_);
  refusing.stop();
  work(refusing);
}

void SessionPool::serve(Session& session) {
  // Ends when stop() was called and the queue is empty: what is still queued then meets a session that refuses.
  for (;;) {
    Work work;
    {
      const telemetry::MutexLock lock(mutex_);
      while (!stopping_ && queue_.empty()) arrived_.wait(mutex_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work(session);
  }
}

void SessionPool::stop() {
  const telemetry::MutexLock once(stop_mutex_);
  {
    const telemetry::MutexLock lock(mutex_);
    stopping_ = true;
    for (auto& session : sessions_) session->stop();
  }
  arrived_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace orchestrator::store::postgres
