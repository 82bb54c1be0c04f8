#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "orchestrator/runtime/executor.hpp"
#include "orchestrator/service/service.hpp"
#include "orchestrator/telemetry/mutex.hpp"

namespace orchestrator::service {

/// Gives every waiting caller an answer in the end: what no owner answered within the limit is `unavailable`. One queue
/// for all, since all wait equally long; a look once a second. Thread-safe.
class Deadlines : public std::enable_shared_from_this<Deadlines> {
 public:
  /// @param limit lease + 5 s. Source: design, section 5.
  Deadlines(runtime::Executor& executor, const runtime::Clock& clock, Duration limit)
      : executor_(executor), clock_(clock), limit_(limit) {}

  /// A reply that answers once: with the owner's answer, or with the deadline's.
  template <typename T>
  Reply<T> guard(Reply<T> reply) {
    // Shared by the owner's answer and the deadline, whichever comes first.
    auto once = std::make_shared<Once<T>>(std::move(reply));
    watch(once, [](const std::shared_ptr<void>& held) {
      static_cast<Once<T>*>(held.get())
          ->answer(fail(ErrorCode::unavailable, "no answer in time; the same Idempotency-Key finishes it"));
    });
    return [once](Result<T> answer) { once->answer(std::move(answer)); };
  }

 private:
  template <typename T>
  struct Once {
    explicit Once(Reply<T> reply_) : reply(std::move(reply_)) {}

    telemetry::Mutex mutex;
    Reply<T> reply ORC_GUARDED_BY(mutex);

    void answer(Result<T> result) {
      Reply<T> mine;
      {
        const telemetry::MutexLock lock(mutex);
        std::swap(mine, reply);
      }
      if (mine) mine(std::move(result));
    }
  };
  struct Entry {
    Duration due;
    std::weak_ptr<void> once;
    void (*expire)(const std::shared_ptr<void>&);
  };

  void watch(const std::shared_ptr<void>& once, void (*expire)(const std::shared_ptr<void>&));
  void look();

  runtime::Executor& executor_;  // Fixed after construction.
  const runtime::Clock& clock_;  // Fixed after construction.
  const Duration limit_;         // Fixed after construction.
  telemetry::Mutex mutex_;
  std::deque<Entry> entries_ ORC_GUARDED_BY(mutex_);
  bool looking_ ORC_GUARDED_BY(mutex_) = false;
};

}  // namespace orchestrator::service
